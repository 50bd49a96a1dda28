package report

import (
	"math"
	"slices"
)

// Latency is a distribution over exchanges or calls, in seconds. Percentiles interpolate
// linearly between the two nearest, as the load-test tools do.
type Latency struct {
	Count int     `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	// FewSamples names the percentiles that rest on too few samples: on fewer than 10 for
	// p90, 20 for p95, 100 for p99. So few have no value beyond the percentile, and what
	// stands there is about their largest.
	FewSamples []string `json:"few_samples,omitempty"`
}

// needed is the least number of samples of which one lies beyond the percentile.
func needed(percent int) int { return 100 / (100 - percent) }

func latency(values []float64) *Latency {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	l := &Latency{
		Count: len(values), Mean: sum / float64(len(values)),
		P50: percentile(values, .5), P90: percentile(values, .9), P95: percentile(values, .95), P99: percentile(values, .99),
	}
	for _, p := range []struct {
		name    string
		percent int
	}{{"p90", 90}, {"p95", 95}, {"p99", 99}} {
		if len(values) < needed(p.percent) {
			l.FewSamples = append(l.FewSamples, p.name)
		}
	}
	return l
}

// equal says whether l has the figures of o, which may be nil.
func (l *Latency) equal(o *Latency) bool {
	return o != nil && l.Count == o.Count && l.Mean == o.Mean && l.P50 == o.P50 && l.P90 == o.P90 && l.P95 == o.P95 && l.P99 == o.P99
}

// few says whether the named percentile rests on too few samples.
func (l *Latency) few(name string) bool { return slices.Contains(l.FewSamples, name) }

// percentile interpolates linearly between the two nearest of the sorted values.
func percentile(sorted []float64, p float64) float64 {
	rank := p * float64(len(sorted)-1)
	below := math.Floor(rank)
	low, high := sorted[int(below)], sorted[min(int(below)+1, len(sorted)-1)]
	return low + (high-low)*(rank-below)
}
