package drift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Delay is how long a Detector needs to notice a change.
type Delay struct {
	Mean time.Duration
	P90  time.Duration // of ten changes it notices nine within this time
	// Missed is the share of changes that it did not notice within the time of the promise.
	Missed float64
}

// ExpectedDelay simulates changes of a service that is as fast as the load test until it
// becomes slower by the factor slowdown. The same seed gives the same result. Learning is
// over in the simulation: set Margin and Temper to those that it led to.
func (r *Reference) ExpectedDelay(s Settings, slowdown float64, runs int, seed uint64) (Delay, error) {
	if !(slowdown > 0) || runs < 1 {
		return Delay{}, fmt.Errorf("simulating %d changes by a factor of %v; want at least 1, and a factor above 0", runs, slowdown)
	}
	s.Learn = 0
	random := rand.New(rand.NewPCG(seed, math.Float64bits(slowdown)))
	var delays []int
	missed, patience := 0, int(min(float64(s.Promise)/float64(max(s.Every, 1)), 1e6))
	for range runs {
		d, err := NewDetector(r, s)
		if err != nil {
			return Delay{}, err
		}
		n := d.delayOf(slowdown, patience, random)
		if n == patience {
			missed++
		}
		delays = append(delays, n)
	}
	slices.Sort(delays)
	all := 0.0
	for _, n := range delays {
		all += float64(n)
	}
	return Delay{
		Mean:   times(s.Every, all/float64(runs)),
		P90:    times(s.Every, float64(delays[min(runs-1, runs*9/10)])),
		Missed: float64(missed) / float64(runs),
	}, nil
}

// delayOf returns the number of observations from the change to the alarm, at most patience.
func (d *Detector) delayOf(slowdown float64, patience int, random *rand.Rand) int {
	const before = 400 // observations in which the evidence finds its usual height
	shift := 0.0
	for i := range before + patience {
		if i == before {
			shift, d.evidence.alarm = math.Log(slowdown), false
		}
		bin := d.reference.bin(d.reference.at(random.NormFloat64()) + shift - d.shift)
		d.evidence.update(time.Time{}, d.weights[bin], true)
		if i >= before && d.evidence.alarm {
			return i - before + 1
		}
	}
	return patience
}
