package sampling_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestThresholdOfARatio(t *testing.T) {
	for _, tt := range []struct {
		ratio float64
		want  uint64
	}{
		{0, sampling.Never},
		{-1, sampling.Never},
		{math.NaN(), sampling.Never},
		{math.Inf(-1), sampling.Never},
		{1e-30, sampling.Never},
		{0x1p-56, sampling.Never - 1},
		{0x3p-56, sampling.Never - 3},
		{0.01, 0xfd70a3d70a3d71},
		{0.1, 0xe6666666666666}, // as the nearest double to 0.1 has it
		{0.25, 0xc0000000000000},
		{0.5, 0x80000000000000},
		{1 - 0x1p-53, 8},
		{1, 0},
		{2, 0},
		{math.Inf(1), 0},
	} {
		if got := sampling.Threshold(tt.ratio); got != tt.want {
			t.Errorf("ratio %v: %#x, want %#x", tt.ratio, got, tt.want)
		}
	}
}

func TestChanceComparesTheLast56Bits(t *testing.T) {
	const half = 1 << 55
	for _, tt := range []struct {
		name  string
		ratio float64
		of    uint64
		kept  bool
	}{
		{"none, the greatest", 0, sampling.Never - 1, false},
		{"all, the smallest", 1, 0, true},
		{"half, below", 0.5, half - 1, false},
		{"half, at", 0.5, half, true},
		{"the smallest share, the greatest", 0x1p-56, sampling.Never - 1, true},
		{"the smallest share, the one below", 0x1p-56, sampling.Never - 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := plain()
			r.Span.Trace = named(tt.of)
			want := exchange.Sampling{}
			if tt.kept {
				want = exchange.Sampling{Kept: true, Reason: sampling.Ratio, Threshold: sampling.Threshold(tt.ratio), Weighted: true}
			}
			if got := sample(tt.ratio, r); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got := sampling.New(sampling.Config{Ratio: tt.ratio}).Sampled(r.Span.Trace); got != tt.kept {
				t.Errorf("at its start: %v, want %v", got, tt.kept)
			}
		})
	}
}

// If a chance p keeps k of n exchanges, the estimate k ÷ p strays from n with a standard
// deviation of √(n (1-p) ÷ p). Exchanges that are kept for certain count for one each.
func TestWeightsOfTheKeptEstimateAll(t *testing.T) {
	const n = 100_000
	for _, ratio := range []float64{0.01, 0.1, 0.3, 0.9, 1} {
		random := rand.New(rand.NewPCG(6, math.Float64bits(ratio)))
		var l ledger
		s := sampling.New(sampling.Config{Ratio: ratio, Next: &l})
		sum, kept, certain := 0.0, 0, 0
		for range n {
			r := bare()
			r.Span.Trace = chance(random)
			if random.IntN(50) == 0 {
				r.Outcome = exchange.StreamError
				certain++
			}
			s.Observe(r)
			if got := l.record.Sampling; got.Kept {
				sum += sampling.AdjustedCount(got.Threshold)
				kept++
			}
		}
		deviation := math.Sqrt(float64(n-certain) * (1 - ratio) / ratio)
		t.Logf("ratio %v: %d of %d kept, which stand for %.0f ± %.0f", ratio, kept, n, sum, deviation)
		if math.Abs(sum-n) > 4*deviation {
			t.Errorf("ratio %v: the kept stand for %.0f, want %d ± %.0f", ratio, sum, n, 4*deviation)
		}
	}
}

// A Sampler with a higher ratio keeps every trace that one with a lower ratio keeps.
func TestDecisionsAreConsistent(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 1))
	few, many := sampling.New(sampling.Config{Ratio: 0.01}), sampling.New(sampling.Config{Ratio: 0.02})
	kept := 0
	for range 100_000 {
		id := chance(random)
		if few.Sampled(id) {
			kept++
			if !many.Sampled(id) {
				t.Fatalf("%v is kept by the smaller share alone", id)
			}
		}
	}
	if kept == 0 {
		t.Fatal("none kept")
	}
}
