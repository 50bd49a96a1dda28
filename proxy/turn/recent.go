package turn

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Summary is a turn as the live API shows it. headway does not know what is absent.
type Summary struct {
	ID          string    `json:"id"`
	Session     string    `json:"session"`
	Number      int       `json:"number"` // of the session, from 1
	Open        bool      `json:"open"`
	Outcome     string    `json:"outcome,omitempty"` // of a turn that is over
	Start       time.Time `json:"start"`
	Calls       int       `json:"calls"`
	Attempts    int       `json:"attempts"`
	ToolCalls   int       `json:"tool_calls"`
	Overlap     int       `json:"overlap"`             // the most exchanges under way at once
	UnderWay    int       `json:"under_way,omitempty"` // exchanges
	Waiting     int       `json:"waiting,omitempty"`   // responses whose tools have brought no results
	JoinedBy    []string  `json:"joined_by,omitempty"`
	Ambiguous   bool      `json:"ambiguous,omitempty"`
	Late        bool      `json:"late,omitempty"`
	Operation   string    `json:"operation,omitempty"`
	Model       string    `json:"model,omitempty"`
	Upstream    string    `json:"upstream,omitempty"`
	TraceID     string    `json:"trace_id,omitempty"`
	All         float64   `json:"all_s,omitempty"`
	ModelTime   float64   `json:"model_s,omitempty"`
	ToolTime    float64   `json:"tool_s,omitempty"`
	Human       float64   `json:"human_s,omitempty"`
	FirstAnswer float64   `json:"first_answer_s,omitempty"`
}

// recent holds the last turns that are over, in a ring.
type recent struct {
	keep  int
	turns []exchange.WholeTurn
	next  int // the place of the oldest, once all are in use
}

// remember keeps t, which is over, for Turns.
func (j *Joiner) remember(t *exchange.WholeTurn) {
	r := &j.recent
	if len(r.turns) < r.keep {
		r.turns = append(r.turns, *t)
		return
	}
	r.turns[r.next] = *t
	r.next = (r.next + 1) % r.keep
}

// newest returns the i-th newest turn, from 0.
func (r *recent) newest(i int) *exchange.WholeTurn {
	return &r.turns[(r.next+len(r.turns)-1-i)%len(r.turns)]
}

// Turns lists at most limit turns: first the open ones, then those that are over, both with
// the newest first.
func (j *Joiner) Turns(limit int) []Summary {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Summary, 0, min(max(0, limit), 64))
	for s := j.sessions.at(j.sessions.newest); s != nil && len(out) < limit && j.sessions.turns > len(out); s = j.sessions.at(s.older) {
		if s.open {
			out = append(out, j.view(s))
		}
	}
	for i := 0; i < len(j.recent.turns) && len(out) < limit; i++ {
		out = append(out, summary(j.recent.newest(i)))
	}
	return out
}

// view returns the open turn of s as it is now.
func (j *Joiner) view(s *session) Summary {
	t := j.whole(s, "", false)
	t.All = 0
	out := summary(&t)
	out.Open, out.UnderWay, out.Waiting = true, int(s.flying), int(s.waiting)
	return out
}

func summary(t *exchange.WholeTurn) Summary {
	return Summary{
		ID: t.ID.String(), Session: t.Session.String(), Number: t.Number, Outcome: string(t.Outcome), Start: t.Start.UTC(),
		Calls: t.Calls, Attempts: t.Attempts, ToolCalls: t.ToolCalls, Overlap: t.Overlap, JoinedBy: t.JoinedBy, Ambiguous: t.Ambiguous, Late: t.Late,
		Operation: string(t.Last.Operation), Model: t.Last.Model.Request, Upstream: t.Last.Upstream.Address(), TraceID: t.Span.Trace.String(),
		All: t.All.Seconds(), ModelTime: t.Model.Seconds(), ToolTime: t.Tool.Seconds(), Human: t.Human.Seconds(), FirstAnswer: t.FirstAnswer.Seconds(),
	}
}
