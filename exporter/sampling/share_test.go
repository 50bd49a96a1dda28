//go:build !race

// These tests have one goroutine and no race, and would take a minute under the detector.

package sampling_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// distributions lists distributions of E2E. Each returns one for an exchange of a run.
var distributions = []struct {
	name string
	e2e  func(r *rand.Rand, at float64) time.Duration // at goes from 0 to 1
}{
	{"log-normal", func(r *rand.Rand, _ float64) time.Duration { return normal(r, 2*time.Second, 0.5) }},
	{"narrow", func(r *rand.Rand, _ float64) time.Duration { return normal(r, 2*time.Second, 0.01) }},
	{"wide", func(r *rand.Rand, _ float64) time.Duration { return normal(r, 2*time.Second, 2) }},
	{"exponential", func(r *rand.Rand, _ float64) time.Duration { return time.Duration(r.ExpFloat64() * 1e9) }},
	{"Pareto", func(r *rand.Rand, _ float64) time.Duration { return time.Duration(1e8 / math.Pow(r.Float64(), 1/1.1)) }},
	{"always the same", func(*rand.Rand, float64) time.Duration { return time.Second }},
	{"two humps", func(r *rand.Rand, _ float64) time.Duration {
		if r.IntN(200) == 0 {
			return normal(r, time.Minute, 0.1)
		}
		return normal(r, time.Second, 0.1)
	}},
	{"eight times as long from the middle on", func(r *rand.Rand, at float64) time.Duration {
		return normal(r, time.Second<<(3*int(2*at)), 0.5)
	}},
	{"an eighth as long from the middle on", func(r *rand.Rand, at float64) time.Duration {
		return normal(r, 8*time.Second>>(3*int(2*at)), 0.5)
	}},
	{"up and down by a third, eight times", func(r *rand.Rand, at float64) time.Duration {
		return normal(r, time.Duration(1e9*(1+math.Sin(16*math.Pi*at)/3)), 0.5)
	}},
}

// The kept share is 1 % ± 0.1 % of 100,000, and ± 0.6 % of any 10,000, also of those in
// which the distribution shifts eightfold.
func TestSlowestHundredthIsKept(t *testing.T) {
	const n, part = 100_000, 10_000
	for i, d := range distributions {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(6, uint64(i)))
			var l ledger
			s := sampling.New(sampling.Config{Next: &l})
			all := 0
			parts := make([]int, n/part)
			for k := range n {
				if slow(s, &l, whole(d.e2e(r, float64(k)/n))) {
					all++
					parts[k/part]++
				}
			}
			t.Logf("%.3f %% of all, of parts from %.2f to %.2f %%", 100*float64(all)/n,
				100*float64(slices.Min(parts))/part, 100*float64(slices.Max(parts))/part)
			if math.Abs(float64(all)/n-0.01) > 0.001 {
				t.Errorf("kept %d of %d", all, n)
			}
			for _, p := range parts {
				if math.Abs(float64(p)/part-0.01) > 0.006 {
					t.Errorf("kept %d of %d", parts, part)
				}
			}
		})
	}
}

// A stream can be slow to begin, or to end: 2 % at most are kept for either.
func TestSlowStreamsAreOneHundredthOfEach(t *testing.T) {
	const n = 100_000
	r := rand.New(rand.NewPCG(6, 300))
	var l ledger
	s := sampling.New(sampling.Config{Next: &l})
	kept := 0
	for range n {
		ttft, rest := normal(r, 200*ms, 0.3), normal(r, 2*time.Second, 0.3)
		if slow(s, &l, func(e *exchange.Record) { e.Timing.FirstToken, e.Timing.End = ttft, ttft+rest }) {
			kept++
		}
	}
	t.Logf("%.3f %%", 100*float64(kept)/n)
	if math.Abs(float64(kept)/n-0.02) > 0.001 {
		t.Errorf("kept %d of %d", kept, n)
	}
}

// Everything above the 99.7th percentile is kept, and nothing below the 97th.
func TestKeptOnesAreTheSlowest(t *testing.T) {
	const n = 100_000
	r := rand.New(rand.NewPCG(6, 100))
	var l ledger
	s := sampling.New(sampling.Config{Next: &l})
	slowest, fastest := time.Duration(0), time.Duration(math.MaxInt64) // of those not kept, of those kept
	for range n {
		switch e2e := normal(r, time.Second, 0.5); {
		case slow(s, &l, whole(e2e)):
			fastest = min(fastest, e2e)
		case l.record.Timing.End > 0:
			slowest = max(slowest, e2e)
		}
	}
	p := func(z float64) time.Duration { return time.Duration(1e9 * math.Exp(0.5*z)) }
	t.Logf("the fastest kept took %v, the slowest not kept %v; the 97th percentile is %v, the 99.7th %v", fastest, slowest, p(1.881), p(2.748))
	if fastest < p(1.881) || slowest > p(2.748) {
		t.Errorf("kept one of %v, not kept one of %v", fastest, slowest)
	}
}
