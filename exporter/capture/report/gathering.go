package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// gathering is a Group in the making.
type gathering struct {
	outcomes      map[string]int
	exchanges     int
	input, output int64
	untold        int
	busy          float64 // sum of E2E of all exchanges, in seconds
	edges         []edge

	ttft, tpot, e2e, itlP50, itlP99 []float64
	itlMax                          float64

	goodput goodput
	calls   calls
}

// edge is a moment at which the number of exchanges under way changes.
type edge struct {
	at time.Time
	by int
}

func newGathering() *gathering {
	return &gathering{outcomes: map[string]int{}, goodput: newGoodput(), calls: newCalls()}
}

func (g *gathering) add(l *capture.Line, o slo.Objectives) {
	g.exchanges++
	g.outcomes[l.Outcome]++
	g.busy += l.E2E
	g.edges = append(g.edges, edge{l.Start, 1}, edge{end(l), -1})
	if len(o) > 0 {
		g.goodput.add(ofExchange(l), o)
	}
	if l.Outcome == string(exchange.OK) {
		g.addSuccess(l)
	}
	if l.Chain != nil && l.Chain.Outcome == string(exchange.FirstTry) {
		g.calls.addFirstTry(l, o)
	}
}

func (g *gathering) addSuccess(l *capture.Line) {
	if l.Tokens.Input == nil || l.Tokens.Output == nil {
		g.untold++
	}
	g.input += count(l.Tokens.Input).N
	g.output += count(l.Tokens.Output).N
	keep(&g.ttft, l.TTFT)
	keep(&g.tpot, l.TPOT)
	keep(&g.e2e, l.E2E)
	if l.ITL != nil {
		g.itlP50 = append(g.itlP50, l.ITL.P50)
		g.itlP99 = append(g.itlP99, l.ITL.P99)
		g.itlMax = max(g.itlMax, l.ITL.Max)
	}
}

// keep appends a value unless it is absent.
func keep(to *[]float64, v float64) {
	if v > 0 {
		*to = append(*to, v)
	}
}

func (g *gathering) group(name string, seconds float64, o slo.Objectives) Group {
	out := Group{
		Name: name, Exchanges: g.exchanges, Successful: g.outcomes[string(exchange.OK)], Outcomes: g.outcomes,
		InputTokens: g.input, OutputTokens: g.output, WithoutTokens: g.untold,
		TTFT: latency(g.ttft), TPOT: latency(g.tpot), E2E: latency(g.e2e),
		ITLP50: latency(g.itlP50), ITLP99: latency(g.itlP99), ITLMax: g.itlMax,
		PeakConcurrency: g.peak(),
	}
	if len(o) > 0 {
		out.Goodput = g.goodput.summary(o, seconds)
	}
	out.Calls = g.calls.summary(g.busy, seconds, o)
	if seconds <= 0 {
		return out
	}
	out.RequestRate = float64(out.Successful) / seconds
	out.OutputRate = float64(g.output) / seconds
	out.TokenRate = float64(g.input+g.output) / seconds
	out.MeanConcurrency = g.busy / seconds
	return out
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

func latency(values []float64) *Latency {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return &Latency{
		Count: len(values), Mean: sum / float64(len(values)),
		P50: percentile(values, .5), P90: percentile(values, .9), P95: percentile(values, .95), P99: percentile(values, .99),
	}
}

// percentile interpolates linearly between the two nearest of the sorted values.
func percentile(sorted []float64, p float64) float64 {
	rank := p * float64(len(sorted)-1)
	below := math.Floor(rank)
	low, high := sorted[int(below)], sorted[min(int(below)+1, len(sorted)-1)]
	return low + (high-low)*(rank-below)
}
