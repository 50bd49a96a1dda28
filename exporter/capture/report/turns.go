package report

import (
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Turns sums up the turns of several calls: all that an agent did for one message of a human.
// Times are of answered turns, in seconds.
type Turns struct {
	Turns     int            `json:"turns"` // that are over
	Answered  int            `json:"answered"`
	Outcomes  map[string]int `json:"outcomes"`
	Calls     int            `json:"calls"`
	ToolCalls int            `json:"tool_calls"`
	Ambiguous int            `json:"ambiguous"`

	All         *Latency `json:"all_s"`
	Model       *Latency `json:"model_s"`
	Tool        *Latency `json:"tool_s"`
	Human       *Latency `json:"human_s"` // before the turn
	FirstAnswer *Latency `json:"first_answer_s"`
}

// turns is a Turns in the making.
type turns struct {
	sum                             Turns
	all, model, tool, human, answer baseline.Sample
}

func newTurns() turns {
	t := turns{sum: Turns{Outcomes: map[string]int{}}}
	for _, s := range []*baseline.Sample{&t.all, &t.model, &t.tool, &t.human, &t.answer} {
		s.Keep = exact
	}
	return t
}

func (t *turns) add(w *capture.Whole) {
	s := &t.sum
	s.Turns++
	s.Outcomes[w.Outcome]++
	s.Calls += w.Calls
	s.ToolCalls += w.ToolCalls
	if w.Ambiguous {
		s.Ambiguous++
	}
	keep(&t.human, w.Human)
	if w.Outcome == string(exchange.TurnAnswered) {
		s.Answered++
		keep(&t.all, w.All)
		keep(&t.model, w.ModelTime)
		keep(&t.tool, w.ToolTime)
		keep(&t.answer, w.FirstAnswer)
	}
}

// summary is nil for a capture in which no turn had more than one call.
func (t *turns) summary() *Turns {
	if t.sum.Turns == 0 {
		return nil
	}
	out := t.sum
	out.All, out.Model, out.Tool, out.Human, out.FirstAnswer = latency(&t.all), latency(&t.model), latency(&t.tool), latency(&t.human), latency(&t.answer)
	return &out
}

// turns prints what the users of agents felt.
func (t *table) turns(s *Turns) {
	t.title("Turns of agents", "-")
	t.count("Turns", s.Turns)
	t.row("Answered turns (%)", number(percent(share(float64(s.Answered), float64(s.Turns)))))
	t.row("Calls per turn", number(share(float64(s.Calls), float64(s.Turns))))
	t.row("Tool calls per turn", number(share(float64(s.ToolCalls), float64(s.Turns))))
	if s.Ambiguous > 0 {
		t.count("Turns joined ambiguously", s.Ambiguous)
	}
	t.ended("Time of a turn", s.All)
	t.ended("Model time of a turn", s.Model)
	t.ended("Tool time of a turn", s.Tool)
	t.ended("Time to the first answer token of a turn", s.FirstAnswer)
	t.ended("Human time before a turn", s.Human)
	outcomes(t, "Outcomes of turns", s.Outcomes, exchange.TurnOutcomes(), s.Turns, "")
}
