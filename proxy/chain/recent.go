package chain

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Summary is a chain as the live API shows it: a chain that is open after a failed
// attempt, or one that took more than its first try and is over. headway does not know
// what is absent.
type Summary struct {
	ID        string    `json:"id"`
	Open      bool      `json:"open"`
	Outcome   string    `json:"outcome,omitempty"` // of a chain that is over
	Start     time.Time `json:"start"`
	Attempts  int       `json:"attempts"` // that have ended
	JoinedBy  []string  `json:"joined_by,omitempty"`
	Fallback  bool      `json:"fallback,omitempty"`
	Ambiguous bool      `json:"ambiguous,omitempty"`
	Late      bool      `json:"late,omitempty"`
	Operation string    `json:"operation,omitempty"`
	Model     string    `json:"model,omitempty"`
	Upstream  string    `json:"upstream,omitempty"`
	TraceID   string    `json:"trace_id,omitempty"` // of its last attempt, if somebody else may know that
	TTFT      float64   `json:"ttft_s,omitempty"`
	E2E       float64   `json:"e2e_s,omitempty"`
	Slept     float64   `json:"slept_s,omitempty"`
	Wasted    float64   `json:"wasted_s,omitempty"`
	Steps     []Step    `json:"steps"` // the first 16
}

// Step is one attempt of a Summary.
type Step struct {
	Number      int       `json:"number"`
	ResendCount int       `json:"resend_count"` // http.request.resend_count
	Start       time.Time `json:"start"`
	End         time.Time `json:"end,omitzero"` // absent while it is under way
	JoinedBy    string    `json:"joined_by,omitempty"`
	Status      int       `json:"status,omitempty"`
	Outcome     string    `json:"outcome,omitempty"`
}

// recent holds the last chains that are over, the oldest first.
type recent struct {
	keep   int
	chains []Summary
}

// remember keeps c, which is over, for Chains.
func (j *Joiner) remember(c *chain, over *exchange.Chain) {
	if len(j.recent.chains) >= j.recent.keep {
		j.recent.chains = slices.Delete(j.recent.chains, 0, max(1, j.recent.keep/4))
	}
	s := j.view(c)
	s.Open, s.Outcome, s.Late, s.JoinedBy = false, string(over.Outcome), over.Late, over.JoinedBy
	s.TTFT, s.E2E = over.TTFT.Seconds(), over.E2E.Seconds()
	j.recent.chains = append(j.recent.chains, s)
}

// Chains lists at most limit chains: first the open ones, of which an attempt has
// failed, then the ones that are over, both with the newest first.
func (j *Joiner) Chains(limit int) []Summary {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Summary, 0, min(limit, 64))
	for c := j.ages.newest; c != nil && len(out) < limit; c = c.older {
		if c.ended > 0 {
			out = append(out, j.view(c))
		}
	}
	for i := len(j.recent.chains) - 1; i >= 0 && len(out) < limit; i-- {
		out = append(out, j.recent.chains[i])
	}
	return out
}

// view returns c as it is now.
func (j *Joiner) view(c *chain) Summary {
	s := Summary{
		ID: c.id.String(), Open: true, Start: j.epoch.Add(c.start).UTC(), Attempts: int(c.ended),
		Fallback: c.fallback, Ambiguous: c.ambiguous, Slept: c.slept.Seconds(), Steps: j.steps(c),
	}
	if c.kind != nil {
		s.Operation, s.Model, s.Upstream = string(c.kind.operation), c.kind.model.Request, c.kind.upstream.Address()
	}
	if c.trail.traced || c.last.announced || j.exported {
		s.TraceID = c.trail.trace.String()
	}
	s.JoinedBy = c.joined.names()
	for _, w := range c.waste {
		s.Wasted += w.time.Seconds()
	}
	return s
}

// steps returns the attempts of c, also those under way.
func (j *Joiner) steps(c *chain) []Step {
	var out []Step
	for _, s := range c.steps {
		out = append(out, Step{
			Number: int(s.number), ResendCount: int(s.number) - 1, JoinedBy: s.by.String(), Status: int(s.status), Outcome: string(s.outcome.exchange()),
			Start: j.epoch.Add(s.start).UTC(), End: j.epoch.Add(s.end).UTC(),
		})
	}
	for a := c.flights; a != nil; a = a.next {
		out = append(out, Step{Number: a.number, ResendCount: a.number - 1, JoinedBy: a.by.String(), Start: j.epoch.Add(a.start).UTC()})
	}
	slices.SortFunc(out, func(a, b Step) int { return a.Number - b.Number })
	return out
}
