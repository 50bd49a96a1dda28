package drift_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/drift"
)

func witness(t testing.TB, learn time.Duration) *drift.Witness {
	t.Helper()
	settings := drift.Defaults(every)
	settings.Learn = learn
	w, err := drift.NewWitness(settings)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// block feeds five minutes of n requests with a median of ratio, from start on.
func feed(w *drift.Witness, start time.Time, n int, ratio float64, random *rand.Rand) {
	for i := range n {
		at := start.Add(time.Duration(i) * 5 * time.Minute / time.Duration(n))
		w.Observe(at, ratio*math.Exp(.3*random.NormFloat64()))
	}
}

func TestWitnessAlarmsAfterSixteenBadBlocks(t *testing.T) {
	w := witness(t, 0)
	random := rand.New(rand.NewPCG(seed, 5))
	blocks, at := 0, noon
	for ; !w.Alarm() && blocks < 100; blocks++ {
		feed(w, at, 40, 1.5, random)
		at = at.Add(5 * time.Minute)
		w.Elapse(at)
	}
	if blocks < 14 || blocks > 18 {
		t.Errorf("alarm after %d blocks, want 14 to 18", blocks)
	}
	if v := w.Verdict(); !v.Since.Equal(noon) || v.Ratio.Value < 1.4 || v.Ratio.Value > 1.6 {
		t.Errorf("%+v, want 1.5 since %s", v, noon)
	}
}

func TestWitnessJudgesNoBlockOfFewRequests(t *testing.T) {
	w := witness(t, 0)
	random := rand.New(rand.NewPCG(seed, 6))
	for i := range 200 {
		feed(w, noon.Add(time.Duration(i)*5*time.Minute), 19, 3, random)
	}
	if v := w.Verdict(); v.ReturnPeriod != 0 || v.Ratio.Of != 0 {
		t.Errorf("%+v after blocks of 19 requests, want nothing", v)
	}
}

// Requests that share their fate within a block must not count as many witnesses.
func TestWitnessKeepsItsPromiseWhenABlockSharesItsFate(t *testing.T) {
	random := rand.New(rand.NewPCG(seed, 7))
	alarms, months := 0, 12
	for range months {
		w, before := witness(t, 24*time.Hour), false
		for i := range 31 * 288 {
			fate := .3 * random.NormFloat64()
			feed(w, noon.Add(time.Duration(i)*5*time.Minute), 20, math.Exp(fate), random)
			if now := w.Alarm(); now != before {
				before = now
				if now {
					alarms++
				}
			}
		}
	}
	if alarms > months {
		t.Errorf("%d false alarms in %d months", alarms, months)
	}
}

func TestWitnessOfABusyServiceUsesTheWholeBlock(t *testing.T) {
	w := witness(t, 0)
	for i := range 100_000 { // fast at first, slow in two thirds of the block
		ratio := .5
		if i > 33_000 {
			ratio = 2
		}
		w.Observe(noon.Add(time.Duration(i)*5*time.Minute/100_000), ratio)
	}
	w.Elapse(noon.Add(5 * time.Minute))
	if got := w.Verdict().Ratio; got.Of != 1 || math.Abs(got.Value-2) > 1e-6 {
		t.Errorf("ratio %+v, want one block of 2", got)
	}
}

func TestWitnessEndsItsBlockWhenTheClockGoesBack(t *testing.T) {
	w := witness(t, 0)
	random := rand.New(rand.NewPCG(seed, 8))
	feed(w, noon, 30, 1, random)
	feed(w, noon.Add(-time.Hour), 30, 1, random)
	w.Elapse(noon.Add(-50 * time.Minute))
	if got := w.Verdict().Ratio.Of; got != 2 {
		t.Errorf("blocks: %d, want 2", got)
	}
	for _, ratio := range []float64{math.NaN(), math.Inf(1), 0, -1} {
		w.Observe(noon, ratio)
	}
	w.Elapse(noon.Add(time.Hour))
	if got := w.Verdict().Ratio.Of; got != 2 {
		t.Errorf("blocks after ratios that are none: %d, want 2", got)
	}
}
