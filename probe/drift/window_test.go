package drift

import (
	"math/rand/v2"
	"testing"
)

func TestAnytimeRanks(t *testing.T) {
	for _, test := range []struct {
		n         int
		p         float64
		low, high int // the order statistics that bound the quantile
	}{
		{60, .5, 19, 42}, {120, .5, 44, 77}, {500, .5, 215, 286}, {2880, .5, 1349, 1532},
		{120, .9, 97, 117}, {500, .9, 427, 470}, {2880, .9, 2536, 2646}, {2880, .99, 2830, 2868},
	} {
		low, high := anytimeRanks(test.n, test.p)
		if low != test.low || high+1 != test.high {
			t.Errorf("p%v of %d values: %d to %d, want %d to %d", 100*test.p, test.n, low, high+1, test.low, test.high)
		}
	}
}

// An interval that holds at every moment may miss the true median at any of 720 looks in at
// most 5 % of the runs.
func TestIntervalHoldsAtEveryMoment(t *testing.T) {
	var low, high [windowSize + 1]int
	for n := 1; n <= windowSize; n++ {
		low[n], high[n] = anytimeRanks(n, .5)
	}
	random := rand.New(rand.NewPCG(1, 2))
	const runs = 2000
	missed := 0
	for range runs {
		below := 0
		for n := 1; n <= windowSize; n++ {
			below += int(random.Uint64() & 1)
			if below < low[n] || below > high[n] {
				missed++
				break
			}
		}
	}
	if share := float64(missed) / runs; share > 0.05 || share < 0.005 {
		t.Errorf("missed in %.1f %% of the runs, want 0.5 to 5 %%", 100*share)
	}
}

func TestWindowForgetsItsOlderHalf(t *testing.T) {
	w := newWindow()
	for i := range windowSize + 1 {
		w.add(float32(i))
	}
	if values := w.since(0); len(values) != windowSize/2+1 || values[0] != windowSize/2 {
		t.Errorf("%d values from %v on, want %d from %d on", len(values), values[0], windowSize/2+1, windowSize/2)
	}
	if values := w.since(windowSize); len(values) != 1 || values[0] != windowSize {
		t.Errorf("since the last observation: %v, want it alone", values)
	}
}
