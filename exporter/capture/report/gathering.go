package report

import (
	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// gathering is a Group in the making.
type gathering struct {
	outcomes  map[string]int
	exchanges int
	tokens    tokens
	costs     costs
	cache     promptCache
	busy      float64 // sum of E2E of all exchanges, in seconds
	way       underWay

	ttft, ttfa, tpot, itlP50, itlP99 baseline.Sample
	itlMax                           *float64
	e2e                              ends

	goodput goodput
	limits  RequestLimits
	calls   calls
	turns   turns
}

func newGathering() *gathering {
	g := &gathering{outcomes: map[string]int{}, tokens: newTokenSums(), goodput: newGoodput(), calls: newCalls(), turns: newTurns(), e2e: newEnds()}
	for _, s := range []*baseline.Sample{&g.ttft, &g.ttfa, &g.tpot, &g.itlP50, &g.itlP99} {
		s.Keep = exact
	}
	return g
}

// ends are the times to the end of exchanges or calls, apart by how they ended: a refusal
// is quick, and would pass for a quick answer.
type ends struct{ answered, failed, left baseline.Sample }

func newEnds() (e ends) {
	e.answered.Keep, e.failed.Keep, e.left.Keep = exact, exact, exact
	return e
}

func (e *ends) add(o exchange.Outcome, seconds float64) {
	switch o {
	case exchange.OK:
		keep(&e.answered, seconds)
	case exchange.ClientGone:
		keep(&e.left, seconds)
	default:
		keep(&e.failed, seconds)
	}
}

func (g *gathering) add(l *capture.Line, o slo.Objectives) {
	g.exchanges++
	g.outcomes[l.Outcome]++
	g.busy += l.E2E
	g.e2e.add(exchange.Outcome(l.Outcome), l.E2E)
	g.way.add(l)
	g.costs.addLine(l)
	g.cache.add(l)
	g.limits.add(l)
	if len(o) > 0 {
		g.goodput.add(OfExchange(l), o)
	}
	if l.Outcome == string(exchange.OK) {
		g.addSuccess(l)
	}
	if l.Chain != nil && l.Chain.Outcome == string(exchange.FirstTry) {
		g.calls.addFirstTry(l, o)
	}
}

func (g *gathering) addSuccess(l *capture.Line) {
	g.tokens.add(l)
	keep(&g.ttft, l.TTFT)
	keep(&g.ttfa, l.TTFA)
	keep(&g.tpot, l.TPOT)
	if l.ITL != nil {
		g.itlP50.Add(l.ITL.P50)
		g.itlP99.Add(l.ITL.P99)
		if g.itlMax == nil || *g.itlMax < l.ITL.Max {
			g.itlMax = new(l.ITL.Max)
		}
	}
}

// keep adds a value unless it is absent.
func keep(to *baseline.Sample, v float64) {
	if v > 0 {
		to.Add(v)
	}
}

func (g *gathering) group(name string, seconds float64, o slo.Objectives) Group {
	ok, left := g.outcomes[string(exchange.OK)], g.outcomes[string(exchange.ClientGone)]
	out := Group{
		Name: name, Exchanges: g.exchanges, Successful: ok, Left: left, Failed: g.exchanges - ok - left, Outcomes: g.outcomes,
		InputTokens: g.tokens.input, OutputTokens: g.tokens.output, TotalTokens: g.tokens.total, Costs: g.costs,
		PromptCache: g.cache.summary(),
		TTFT:        latency(&g.ttft), TTFA: latency(&g.ttfa), TPOT: latency(&g.tpot), E2E: latency(&g.e2e.answered),
		FailedE2E: latency(&g.e2e.failed), LeftE2E: latency(&g.e2e.left),
		ITLP50: latency(&g.itlP50), ITLP99: latency(&g.itlP99), ITLMax: g.itlMax,
		PeakConcurrency: g.way.peak(),
		RequestRate:     rate(float64(ok), seconds), MeanConcurrency: rate(g.busy, seconds),
		OutputRate: tokenRate(g.tokens.output, seconds), TokenRate: wholeRate(g.tokens.total, seconds),
	}
	if len(o) > 0 {
		out.Goodput = g.goodput.summary(o, seconds)
	}
	out.Limits = g.limits.summary(seconds)
	out.Calls = g.calls.summary(g.busy, seconds, o)
	out.Turns = g.turns.summary()
	return out
}

// rate is nil for a capture without duration.
func rate(n, seconds float64) *float64 {
	if seconds <= 0 {
		return nil
	}
	return new(n / seconds)
}

// tokenRate is nil too when no count is known.
func tokenRate(t Tokens, seconds float64) *float64 {
	if t.Sum == nil {
		return nil
	}
	return rate(float64(*t.Sum), seconds)
}

// wholeRate is nil too when one count is unknown: input and output of some requests may be
// less than the output of all.
func wholeRate(t Tokens, seconds float64) *float64 {
	if known, all := t.Known(); known < all {
		return nil
	}
	return tokenRate(t, seconds)
}
