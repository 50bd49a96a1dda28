package prober_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/headway-sidecar/headway/probe/prober"
)

// wallClock is a wall clock that somebody sets while the monotonic clock goes on. The times
// of a synctest bubble have no reading of the monotonic clock, so it takes one from outside.
type wallClock struct {
	real, begin time.Time    // one moment, outside and in the bubble
	off         atomic.Int64 // seconds
}

// setTheClock runs f in a bubble, with a clock that it may set.
func setTheClock(t *testing.T, f func(*testing.T, *wallClock)) {
	t.Helper()
	c := &wallClock{real: time.Now()}
	synctest.Test(t, func(t *testing.T) {
		c.begin = time.Now()
		f(t, c)
	})
}

func (c *wallClock) step(by time.Duration) { c.off.Add(int64(by / time.Second)) }

// now is the bubble's time with a reading of the wall clock that may be another. A Time with
// a monotonic reading has the seconds of its wall clock from bit 30 of its first word on.
func (c *wallClock) now() time.Time {
	t := c.real.Add(time.Since(c.begin))
	const nanosecondBits = 30
	*(*uint64)(unsafe.Pointer(&t)) += uint64(c.off.Load()) << nanosecondBits
	return t
}

func TestTheClockOfTheseTestsStepsTheWallAlone(t *testing.T) {
	setTheClock(t, func(t *testing.T, c *wallClock) {
		before := c.now()
		time.Sleep(time.Second)
		c.step(48 * time.Hour)
		if after := c.now(); after.Sub(before) != time.Second || after.Round(0).Sub(before.Round(0)) != 48*time.Hour+time.Second {
			t.Errorf("%s by the monotonic clock, %s by the wall clock", after.Sub(before), after.Round(0).Sub(before.Round(0)))
		}
	})
}

func TestAStepOfTheWallClockChangesNothing(t *testing.T) {
	for name, step := range map[string]time.Duration{"forwards": 25 * time.Hour, "backwards": -25 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			setTheClock(t, func(t *testing.T, clock *wallClock) {
				p := one("p")
				p.Budget.Tokens = 30_000 // of 1000 each
				s := newStage(t, func(c *prober.Config, _ *target) { c.Now = clock.now }, p)
				for range 20 {
					time.Sleep(time.Minute)
					clock.step(step)
				}
				s.stop()
				times := s.target.times(s.begin)
				for i := 1; i < len(times); i++ {
					if gap := times[i] - times[i-1]; gap != 30*time.Second {
						t.Errorf("%s after the last canary, want 30s", gap)
					}
				}
				if len(times) != 30 {
					t.Errorf("%d canaries in 20 minutes, want the 30 of a day's budget", len(times))
				}
			})
		})
	}
}
