package prober

import (
	"log/slog"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/probe"
)

// sayAgain is how long an outcome that stays is no news.
const sayAgain = 6 * time.Hour

// said remembers what the log has about the runs of a probe.
type said struct {
	mu      sync.Mutex
	at      map[probe.Outcome]time.Time
	failing bool // the newest news is a run that went wrong
}

// say logs an outcome when it is news, and an answer behind it.
func (s *said) say(log *slog.Logger, r *probe.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[probe.Outcome]time.Time{}
	}
	if r.Outcome == probe.OK {
		if s.failing {
			log.Info("canaries are answered again", "probe", r.Probe.Name, "via", r.Via)
			s.failing = false
			clear(s.at)
		}
		return
	}
	if last, ok := s.at[r.Outcome]; ok && r.At.Sub(last) < sayAgain {
		return
	}
	s.at[r.Outcome] = r.At
	if r.Outcome != probe.Skipped {
		s.failing = true
	}
	log.Warn("a canary went wrong", "probe", r.Probe.Name, "via", r.Via, "outcome", r.Outcome, "means", meaning(r),
		"status", r.Record.Status, "error_type", r.Record.ErrorType)
}

// meaning says what an outcome means, for the log.
func meaning(r *probe.Run) string {
	switch r.Outcome {
	case probe.Refused:
		return "the model refused, or a filter cut the answer"
	case probe.Nonsense:
		return "the answer does not begin as the prompt asks, or is no text"
	case probe.Short:
		return "the answer has fewer tokens than were asked for; ignore_eos, where the server has it, makes answers long enough"
	case probe.RateLimited:
		return "429: no canary is sent to this URL until the time that the server named, or for 10 s to 10 min"
	case probe.NoModel:
		return "404: the model is gone, or the URL is wrong"
	case probe.NoKey:
		if r.Record.Status != 0 {
			return "the server does not accept the key"
		}
		return "the key is missing: nothing was sent"
	case probe.Unreachable:
		return "no connection to the target"
	case probe.OverBudget:
		return "the budget of the last 24 hours is spent: nothing was sent"
	case probe.Skipped:
		return "the last canary is still under way, or the server asked to wait: nothing was sent"
	}
	return "an error, or an answer that broke off"
}
