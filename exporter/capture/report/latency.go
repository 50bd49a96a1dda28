package report

import (
	"slices"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// Latency is a distribution over exchanges or calls, in seconds. Percentiles interpolate
// linearly between the two nearest, as the load-test tools do. Over more than 65,536 values
// they are within 0.02 %.
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

// exact is how many values of a distribution are kept. The percentiles of more are within
// 0.02 %, far closer than another day's would be.
const exact = 1 << 16

// latency sums up the values, and is nil without any.
func latency(values *baseline.Sample) *Latency {
	if values.Count() == 0 {
		return nil
	}
	at := func(p float64) float64 { return values.Quantile(p, baseline.Linear) }
	l := &Latency{Count: values.Count(), Mean: values.Mean(), P50: at(.5), P90: at(.9), P95: at(.95), P99: at(.99)}
	for _, p := range []struct {
		name    string
		percent int
	}{{"p90", 90}, {"p95", 95}, {"p99", 99}} {
		if l.Count < needed(p.percent) {
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
