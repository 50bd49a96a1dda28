package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// gathering is a Group in the making.
type gathering struct {
	outcomes  map[string]int
	exchanges int
	tokens    tokens
	busy      float64 // sum of E2E of all exchanges, in seconds
	edges     []edge

	ttft, ttfa, tpot, itlP50, itlP99 []float64
	itlMax                           *float64
	e2e                              ends

	goodput goodput
	calls   calls
}

// edge is a moment at which the number of exchanges under way changes.
type edge struct {
	at time.Time
	by int
}

func newGathering() *gathering {
	return &gathering{outcomes: map[string]int{}, tokens: newTokenSums(), goodput: newGoodput(), calls: newCalls()}
}

// ends are the times to the end of exchanges or calls, apart by how they ended: a refusal
// is quick, and would pass for a quick answer.
type ends struct{ answered, failed, left []float64 }

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
	g.edges = append(g.edges, edge{l.Start, 1}, edge{end(l), -1})
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
		g.itlP50 = append(g.itlP50, l.ITL.P50)
		g.itlP99 = append(g.itlP99, l.ITL.P99)
		if g.itlMax == nil || *g.itlMax < l.ITL.Max {
			g.itlMax = &l.ITL.Max
		}
	}
}

// keep appends a value unless it is absent.
func keep(to *[]float64, v float64) {
	if v > 0 {
		*to = append(*to, v)
	}
}

func (g *gathering) group(name string, seconds float64, o slo.Objectives) Group {
	ok, left := g.outcomes[string(exchange.OK)], g.outcomes[string(exchange.ClientGone)]
	out := Group{
		Name: name, Exchanges: g.exchanges, Successful: ok, Left: left, Failed: g.exchanges - ok - left, Outcomes: g.outcomes,
		InputTokens: g.tokens.input, OutputTokens: g.tokens.output, TotalTokens: g.tokens.total,
		TTFT: latency(g.ttft), TTFA: latency(g.ttfa), TPOT: latency(g.tpot), E2E: latency(g.e2e.answered),
		FailedE2E: latency(g.e2e.failed), LeftE2E: latency(g.e2e.left),
		ITLP50: latency(g.itlP50), ITLP99: latency(g.itlP99), ITLMax: g.itlMax,
		PeakConcurrency: g.peak(),
		RequestRate:     rate(float64(ok), seconds), MeanConcurrency: rate(g.busy, seconds),
		OutputRate: tokenRate(g.tokens.output, seconds), TokenRate: wholeRate(g.tokens.total, seconds),
	}
	if len(o) > 0 {
		out.Goodput = g.goodput.summary(o, seconds)
	}
	out.Calls = g.calls.summary(g.busy, seconds, o)
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

// peak is the largest number of exchanges under way at once. An exchange that ends as
// another begins is not under way with it.
func (g *gathering) peak() int {
	slices.SortFunc(g.edges, func(a, b edge) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.by, b.by)) })
	now, most := 0, 0
	for _, e := range g.edges {
		now += e.by
		most = max(most, now)
	}
	return most
}
