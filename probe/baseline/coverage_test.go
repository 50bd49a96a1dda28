package baseline_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// stripped is a cell whose TTFT lost what less lacks.
func stripped(c baseline.Cell, less func(*baseline.Indicator)) baseline.Cell {
	in := c.Indicators[baseline.TTFT]
	less(&in)
	c.Indicators[baseline.TTFT] = in
	return c
}

// only keeps these quantiles, and no values.
func only(shares ...float64) func(*baseline.Indicator) {
	return func(in *baseline.Indicator) {
		var kept baseline.Quantiles
		for _, p := range shares {
			if v, there := in.Quantiles.At(p); there {
				kept.Set(p, v)
			}
		}
		in.Quantiles, in.Values, in.Max = kept, nil, nil
	}
}

// lognormal draws about a median of 0.2 s times the factor.
func lognormal(factor, sigma float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return .2 * factor * math.Exp(sigma*r.NormFloat64()) }
}

// stalling is lognormal, and a share of its requests takes ten times as long.
func stalling(factor, share float64) func(*rand.Rand) float64 {
	one := lognormal(factor, .2)
	return func(r *rand.Rand) float64 {
		if v := one(r); r.Float64() >= share {
			return v
		}
		return 10 * one(r)
	}
}

func TestIntervalsHoldTheTruthAsOftenAsTheySay(t *testing.T) {
	const trials = 2000
	all := func(*baseline.Indicator) {}
	for _, tt := range []struct {
		name          string
		n, m          int
		before, after func(*rand.Rand) float64
		less          func(*baseline.Indicator)
		method        baseline.Method
		quantile      float64
		truth         float64
	}{
		{"5 requests against 5", 5, 5, lognormal(1, .3), lognormal(1.25, .3), all, baseline.HodgesLehmann, 0, 1.25},
		{"10 requests against 60", 10, 60, lognormal(1, .3), lognormal(1.25, .3), all, baseline.HodgesLehmann, 0, 1.25},
		{"100 requests against 100", 100, 100, lognormal(1, .3), lognormal(1.25, .3), all, baseline.HodgesLehmann, 0, 1.25},
		{"stalls on both sides", 100, 100, stalling(1, .05), stalling(.8, .05), all, baseline.HodgesLehmann, 0, .8},
		{"a spread that grew, few against many", 120, 40, lognormal(1, .1), lognormal(1, .6), all, baseline.HodgesLehmann, 0, 1},
		{"a spread that shrank, many against few", 120, 40, lognormal(1, .6), lognormal(1, .1), all, baseline.HodgesLehmann, 0, 1},
		{"more requests than values", 300, 300, lognormal(1, .3), lognormal(1.1, .3), all, baseline.HodgesLehmann, 0, 1.1},
		{"a median with percentiles about it", 100, 100, lognormal(1, .3), lognormal(1.25, .3), only(.1, .25, .5, .75, .9), baseline.QuantileRatio, .5, 1.25},
		{"a median of many against one of few", 200, 50, lognormal(1, .3), lognormal(1, .3), only(.25, .5, .75), baseline.QuantileRatio, .5, 1},
		{"a p99 below the largest value", 400, 400, lognormal(1, .3), lognormal(1.25, .3), func(in *baseline.Indicator) { in.Values = nil }, baseline.QuantileRatio, .99, 1.25},
		{"a p99 of requests", 400, 400, lognormal(1, .3), lognormal(1.25, .3), all, baseline.QuantileRatio, .99, 1.25},
		{"means with deviations", 100, 100, lognormal(1, .5), lognormal(1.25, .5), only(), baseline.MeanRatio, 0, 1.25},
		{"means of few against many", 30, 200, lognormal(1, .4), lognormal(1.25, .4), only(), baseline.MeanRatio, 0, 1.25},
		{"means with a p95", 100, 100, lognormal(1, .4), lognormal(1.25, .4), func(in *baseline.Indicator) { only(.95)(in); in.StdDev = nil }, baseline.MeanRatio, 0, 1.25},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(tt.n), uint64(tt.m)))
			draw := func(n int, one func(*rand.Rand) float64) baseline.Baseline {
				return file(stripped(drawn(16, n, func() float64 { return one(random) }), tt.less))
			}
			missed, width := 0, 0.
			for range trials {
				c := baseline.Compare(draw(tt.n, tt.before), draw(tt.m, tt.after))
				one := c.Changes[0]
				if tt.quantile > .5 {
					one = c.Changes[1]
				}
				if one.Method != tt.method || one.Quantile != tt.quantile || one.Low == nil {
					t.Fatalf("%+v", one)
				}
				width += math.Log(*one.High / *one.Low) / trials
				if *one.Low > tt.truth || *one.High < tt.truth {
					missed++
				}
			}
			t.Logf("%.2f %% missed, width %.1f %%", 100*float64(missed)/trials, 100*width)
			if missed > trials*6/100 || missed < trials/1000 {
				t.Errorf("%d of %d intervals miss the true ratio, want 5 %%", missed, trials)
			}
		})
	}
}

func TestAClockOfMillisecondsWidensTheInterval(t *testing.T) {
	// 1.4 ms becomes 1 ms, and 1.6 ms becomes 2 ms: the ratio of 2 is the clock's.
	at := func(ms float64, seed uint64) baseline.Cell {
		r := rand.New(rand.NewPCG(seed, 1))
		return drawn(16, 400, func() float64 { return math.Round(ms+.1*r.NormFloat64()) / 1e3 })
	}
	for _, less := range []func(*baseline.Indicator){func(*baseline.Indicator) {}, func(in *baseline.Indicator) { in.Values = nil }} {
		one := baseline.Compare(file(stripped(at(1.3, 1), less)), file(stripped(at(1.7, 2), less))).Changes[0]
		if one.Ratio < 1.9 || one.Verdict != baseline.Same {
			t.Errorf("%+v", one)
		}
	}
	if one := baseline.Compare(file(at(100, 1)), file(at(200, 2))).Changes[0]; one.Verdict != baseline.Slower {
		t.Errorf("%+v", one)
	}
}

func TestTwoDigitsWidenTheInterval(t *testing.T) {
	rounded := func(c baseline.Cell) baseline.Cell { c.Flag(baseline.TwoDigits); return c }
	plain := baseline.Compare(file(measured(.2, 16, 900, 1)), file(measured(.22, 16, 900, 2))).Changes[0]
	wide := baseline.Compare(file(rounded(measured(.2, 16, 900, 1))), file(rounded(measured(.22, 16, 900, 2)))).Changes[0]
	if math.Abs(*plain.High*1.05*1.05 / *wide.High - 1) > 1e-9 || math.Abs(*plain.Low/1.05/1.05 / *wide.Low - 1) > 1e-9 {
		t.Errorf("%v to %v, and without rounding %v to %v", *wide.Low, *wide.High, *plain.Low, *plain.High)
	}
}
