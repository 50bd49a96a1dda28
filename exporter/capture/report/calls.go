package report

import (
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// Calls sums up the logical calls behind the exchanges, as their users felt them.
// Latencies are of answered calls, from the start of the first attempt, but for those that
// say otherwise.
type Calls struct {
	Calls int `json:"calls"` // that are over
	// Open is how many calls are not over yet: their last attempt failed, and another may
	// follow. No other field counts them.
	Open     int            `json:"open"`
	Answered int            `json:"answered"`
	Attempts int            `json:"attempts"`
	Outcomes map[string]int `json:"outcomes"`
	// Amplification is how many attempts a call took on average; nil without calls.
	Amplification *float64 `json:"retry_amplification"`
	Fallbacks     int      `json:"fallbacks"`
	Ambiguous     int      `json:"ambiguous"`

	TTFT *Latency `json:"ttft_s"`
	TTFA *Latency `json:"ttfa_s"`
	E2E  *Latency `json:"e2e_s"`
	// FailedE2E and LeftE2E are the times until exhausted and abandoned calls ended.
	FailedE2E *Latency `json:"failed_e2e_s"`
	LeftE2E   *Latency `json:"abandoned_e2e_s"`

	Wasted       float64  `json:"wasted_s"`      // in attempts that did not end well
	WastedShare  *float64 `json:"wasted_share"`  // Wasted ÷ the time of all attempts
	WastedInput  *int64   `json:"wasted_input"`  // tokens, as far as they are known
	WastedOutput *int64   `json:"wasted_output"` // likewise
	WastedCosts  []Cost   `json:"wasted_costs,omitempty"`
	Slept        float64  `json:"slept_s"` // between attempts
	Ignored      int      `json:"retry_after_ignored"`

	Goodput *Goodput `json:"goodput,omitempty"` // of calls
}

// calls is a Calls in the making.
type calls struct {
	sum     Calls
	ttft    baseline.Sample
	ttfa    baseline.Sample
	e2e     ends
	wasted  costs
	goodput goodput
}

func newCalls() calls {
	c := calls{sum: Calls{Outcomes: map[string]int{}}, goodput: newGoodput(), e2e: newEnds()}
	c.ttft.Keep, c.ttfa.Keep = exact, exact
	return c
}

// addFirstTry adds a call that has only the line of its only attempt.
func (c *calls) addFirstTry(l *capture.Line, o slo.Objectives) {
	c.add(&capture.Call{Outcome: l.Chain.Outcome, Attempts: 1, TTFT: l.TTFT, TTFA: l.TTFA, E2E: l.E2E}, OfExchange(l), o)
}

// addChain adds a call that has a line of its own.
func (c *calls) addChain(call *capture.Call, o slo.Objectives) { c.add(call, OfCall(call), o) }

// add adds a call. It judges the facts of the call as those of an exchange.
func (c *calls) add(call *capture.Call, facts slo.Request, o slo.Objectives) {
	s := &c.sum
	s.Calls++
	s.Attempts += call.Attempts
	s.Outcomes[call.Outcome]++
	s.Slept += call.Slept
	s.Ignored += call.RetryAfterIgnored
	if call.Fallback {
		s.Fallbacks++
	}
	if call.Ambiguous {
		s.Ambiguous++
	}
	for _, w := range call.Waste {
		s.Wasted += w.Time
		if w.Tokens.Input != nil {
			s.WastedInput = plus(s.WastedInput, *w.Tokens.Input)
		}
		if w.Tokens.Output != nil {
			s.WastedOutput = plus(s.WastedOutput, *w.Tokens.Output)
		}
		c.wasted.add(w.Currency, w.Cost)
	}
	c.e2e.add(facts.Outcome, call.E2E)
	if facts.Outcome == exchange.OK {
		s.Answered++
		keep(&c.ttft, call.TTFT)
		keep(&c.ttfa, call.TTFA)
	}
	if len(o) > 0 {
		c.goodput.add(facts, o)
	}
}

// summary is nil for a capture without chains. Busy is the time of all attempts, in
// seconds.
func (c *calls) summary(busy, seconds float64, o slo.Objectives) *Calls {
	if c.sum.Calls+c.sum.Open == 0 {
		return nil
	}
	out := c.sum
	out.Amplification = share(float64(out.Attempts), float64(out.Calls))
	out.TTFT, out.TTFA, out.E2E = latency(&c.ttft), latency(&c.ttfa), latency(&c.e2e.answered)
	out.FailedE2E, out.LeftE2E = latency(&c.e2e.failed), latency(&c.e2e.left)
	out.WastedShare, out.WastedCosts = share(out.Wasted, busy), c.wasted
	if len(o) > 0 {
		out.Goodput = c.goodput.summary(o, seconds)
	}
	return &out
}
