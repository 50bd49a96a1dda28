package overhead_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/overhead"
)

// e2e is an indicator of a Sample.
func e2e(s overhead.Sample) time.Duration { return s.E2E }

// differing are pairs with the given differences, on top of a second.
func differing(differences ...time.Duration) (pairs []overhead.Pair) {
	for _, d := range differences {
		pairs = append(pairs, overhead.Pair{{E2E: time.Second}, {E2E: time.Second + d}})
	}
	return pairs
}

func TestCompareOfFewPairs(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name      string
		pairs     []overhead.Pair
		shift     time.Duration
		low, high time.Duration
		bounded   bool
		p         float64
	}{
		// Of the 64 signs of six differences two make all ranks one-sided.
		{"all on one side", differing(1*ms, 2*ms, 3*ms, 4*ms, 5*ms, 6*ms), 3500 * time.Microsecond, 1 * ms, 6 * ms, true, 2. / 64},
		{"five are too few for an interval", differing(1*ms, 2*ms, 3*ms, 4*ms, 5*ms), 3 * ms, 0, 0, false, 2. / 32},
		{"no difference at all", differing(0, 0, 0, 0, 0, 0), 0, 0, 0, true, 1},
		// W+ = 18 of ranks 1 to 6 less the 3 of −3: 2 × P(W+ ≥ 18) = 2 × 5 ÷ 64.
		{"one on the other side", differing(1*ms, 2*ms, -3*ms, 4*ms, 5*ms, 6*ms), 3 * ms, -3 * ms, 6 * ms, true, 10. / 64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, ok := overhead.Compare(tt.pairs, e2e)
			if !ok || d.Shift != tt.shift || d.Bounded != tt.bounded || d.Low != tt.low || d.High != tt.high || math.Abs(d.P-tt.p) > 1e-9 {
				t.Errorf("%+v, %v", d, ok)
			}
		})
	}
}

func TestPairsWithoutTheIndicatorDoNotCount(t *testing.T) {
	pairs := append(differing(time.Millisecond), overhead.Pair{{E2E: time.Second}, {}}, overhead.Pair{})
	if d, ok := overhead.Compare(pairs, e2e); !ok || d.Pairs != 1 || d.Shift != time.Millisecond {
		t.Errorf("%+v, %v", d, ok)
	}
	if _, ok := overhead.Compare(pairs[1:], e2e); ok {
		t.Error("a difference of no pair")
	}
}

// service draws latencies as services have them: a lognormal bulk that rises and falls
// over time, and in one of fifty a hang of seconds.
type service struct {
	*rand.Rand
	level float64
}

func (s *service) latency() time.Duration {
	s.level = .9*s.level + .1*s.NormFloat64()
	seconds := .2 * math.Exp(.3*s.NormFloat64()+s.level)
	if s.IntN(50) == 0 {
		seconds += 5 * s.Float64()
	}
	return time.Duration(seconds * float64(time.Second))
}

// trial are pairs on a service whose answers come delay later through headway.
func trial(seed uint64, n int, delay time.Duration) (pairs []overhead.Pair) {
	s := &service{Rand: rand.New(rand.NewPCG(seed, uint64(n)))}
	for range n {
		var pair overhead.Pair
		for _, way := range s.Perm(2) {
			pair[way].E2E = s.latency()
		}
		pair[overhead.Through].E2E += delay
		pairs = append(pairs, pair)
	}
	return pairs
}

// TestTheIntervalCoversTheTruth in 200 runs, and in many more for what 200 cannot tell.
func TestTheIntervalCoversTheTruth(t *testing.T) {
	for _, tt := range []struct {
		pairs, trials int
		least         float64
	}{{20, 200, .93}, {40, 200, .93}, {100, 200, .93}, {12, 2000, .945}, {20, 2000, .945}, {61, 1000, .935}} {
		covered, found := 0, 0
		for seed := range uint64(tt.trials) {
			const delay = 3 * time.Millisecond
			d, ok := overhead.Compare(trial(seed, tt.pairs, delay), e2e)
			if ok && d.Bounded && d.Low <= delay && delay <= d.High {
				covered++
			}
			if d.Low <= d.Shift && d.Shift <= d.High {
				found++
			}
		}
		share := float64(covered) / float64(tt.trials)
		t.Logf("%d pairs: covered in %.1f %% of %d trials", tt.pairs, 100*share, tt.trials)
		if share < tt.least || found != tt.trials {
			t.Errorf("%d pairs: the interval covers the truth in %.1f %% of %d trials, and has the estimate in %d", tt.pairs, 100*share, tt.trials, found)
		}
	}
}

// TestPIsAPromise: without a difference, P ≤ 5 % in 5 % of the trials; with a large one, in
// nearly all.
func TestPIsAPromise(t *testing.T) {
	for pairs, trials := range map[int]int{10: 400, 30: 400, 201: 100} {
		false5, true5 := 0, 0
		for seed := range uint64(trials) {
			if d, _ := overhead.Compare(trial(seed, pairs, 0), e2e); d.P <= .05 {
				false5++
			}
			if d, _ := overhead.Compare(trial(seed, pairs, 2*time.Second), e2e); d.P <= .05 {
				true5++
			}
		}
		t.Logf("%d pairs: P ≤ 5 %% in %d of %d trials without a difference, in %d with one", pairs, false5, trials, true5)
		if false5 > trials*8/100 || true5 < trials*95/100 {
			t.Errorf("%d pairs: P ≤ 5 %% in %d of %d trials without a difference, in %d with one", pairs, false5, trials, true5)
		}
	}
}
