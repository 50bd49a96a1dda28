package drift

import (
	"fmt"
	"time"
)

// Settings decide what a Detector or a Witness promises.
type Settings struct {
	// Margin is how much slower than the load test still counts as tested: 0.1 is 10 %.
	Margin float64 `json:"margin"`
	// Temper, above 0 and at most 1, is the weight of one observation. Observations that
	// resemble the one before them need less than 1.
	Temper float64 `json:"temper"`
	// Every is the time between two observations.
	Every time.Duration `json:"every"`
	// Promise is the time in which at most one false alarm comes on average.
	Promise time.Duration `json:"promise"`
	// Learn is the time from the first observation in which no alarm is raised. The service's
	// Habits show meanwhile; then they widen Margin and lower Temper. 0 is none.
	Learn time.Duration `json:"learn"`
	// Sharing is the number of detectors that keep the promise together.
	Sharing int `json:"sharing"`
}

const day = 24 * time.Hour

// Defaults are a margin of 10 %, one false alarm in 30 days, and a day to learn.
func Defaults(every time.Duration) Settings {
	return Settings{Margin: 0.10, Temper: 1, Every: every, Promise: 30 * day, Learn: day, Sharing: 1}
}

func (s Settings) check() error {
	switch {
	case !(s.Margin >= 0 && s.Margin <= 10):
		return fmt.Errorf("margin %v; want a share such as 0.1", s.Margin)
	case !(s.Temper > 0 && s.Temper <= 1):
		return fmt.Errorf("temper %v; want above 0 and at most 1", s.Temper)
	case s.Every <= 0:
		return fmt.Errorf("an observation every %s; want a time above 0", s.Every)
	case s.Promise < s.Every:
		return fmt.Errorf("one false alarm in %s, with an observation every %s; want a longer time", s.Promise, s.Every)
	case s.Learn < 0:
		return fmt.Errorf("%s to learn; want 0 or more", s.Learn)
	case s.Sharing < 1:
		return fmt.Errorf("%d detectors share the promise; want at least 1", s.Sharing)
	}
	return nil
}

// level is the evidence that raises the alarm. A service as fast as the load test reaches
// it once in so many observations, or less often.
func (s Settings) level() float64 {
	return float64(s.Promise) / float64(s.Every) * float64(s.Sharing)
}

// same says whether evidence gathered under s counts under the other settings. The number
// of detectors that share the promise only moves the level that evidence has to reach.
func (s Settings) same(other Settings) bool {
	s.Sharing = other.Sharing
	return s == other
}
