package report

import (
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Calls is the logical calls that the exchanges were attempts of, as their users
// felt them. Latencies are of calls that were answered, from the start of the first
// attempt.
type Calls struct {
	Calls    int            `json:"calls"`
	Attempts int            `json:"attempts"`
	Outcomes map[string]int `json:"outcomes"`
	// Amplification is the attempts that a call took on average.
	Amplification float64 `json:"retry_amplification"`
	Fallbacks     int     `json:"fallbacks"`
	Ambiguous     int     `json:"ambiguous"`

	TTFT *Latency `json:"ttft_s,omitempty"`
	E2E  *Latency `json:"e2e_s,omitempty"`

	Wasted       float64 `json:"wasted_s"`      // in attempts that did not end well
	WastedShare  float64 `json:"wasted_share"`  // of the time of all attempts
	WastedInput  int64   `json:"wasted_input"`  // tokens, as far as they are known
	WastedOutput int64   `json:"wasted_output"` // likewise
	Slept        float64 `json:"slept_s"`       // between attempts
	Ignored      int     `json:"retry_after_ignored"`

	Goodput *Goodput `json:"goodput,omitempty"` // of calls
}

// calls is a Calls in the making.
type calls struct {
	sum       Calls
	ttft, e2e []float64

	good, excluded int
	missed         map[string]int
}

// addFirstTry takes a call that is told by the line of its only attempt.
func (c *calls) addFirstTry(l *capture.Line, o *Objectives) {
	c.add(&capture.Call{Outcome: l.Chain.Outcome, Attempts: 1, TTFT: l.TTFT, E2E: l.E2E}, l, o)
}

// addChain takes a call that has a line of its own.
func (c *calls) addChain(call *capture.Call, o *Objectives) {
	as := capture.Line{Outcome: string(exchange.OK), Stream: call.Stream, TTFT: call.TTFT, TPOT: call.TPOT, E2E: call.E2E, ITL: call.ITL}
	switch exchange.ChainOutcome(call.Outcome) {
	case exchange.Abandoned:
		as.Outcome = string(exchange.ClientGone)
	case exchange.Exhausted:
		as.Outcome = string(exchange.HTTPError)
	}
	c.add(call, &as, o)
}

// add takes a call, which objectives judge as they would an exchange.
func (c *calls) add(call *capture.Call, as *capture.Line, o *Objectives) {
	if c.sum.Outcomes == nil {
		c.sum.Outcomes, c.missed = map[string]int{}, map[string]int{}
	}
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
		s.WastedInput += known(w.Tokens.Input)
		s.WastedOutput += known(w.Tokens.Output)
	}
	if as.Outcome == string(exchange.OK) {
		take(&c.ttft, call.TTFT)
		take(&c.e2e, call.E2E)
	}
	if o == nil {
		return
	}
	v := o.judge(as)
	for _, name := range v.missed {
		c.missed[name]++
	}
	switch {
	case v.good:
		c.good++
	case v.excluded:
		c.excluded++
	}
}

// summary is nil for a capture that has no chains. Busy is the time of all
// attempts.
func (c *calls) summary(busy, seconds float64, o *Objectives) *Calls {
	if c.sum.Calls == 0 {
		return nil
	}
	out := c.sum
	out.Amplification = float64(out.Attempts) / float64(out.Calls)
	out.TTFT, out.E2E = latency(c.ttft), latency(c.e2e)
	if busy > 0 {
		out.WastedShare = out.Wasted / busy
	}
	if o != nil {
		out.Goodput = newGoodput(o, c.good, out.Calls-c.excluded, c.excluded, c.missed, seconds)
	}
	return &out
}
