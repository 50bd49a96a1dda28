package poller

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lookEvery is how long the clock trusts an offset without a look.
	lookEvery = time.Millisecond
	// steady is the largest difference between two looks that says nothing: they are not
	// that exact, in nanoseconds.
	steady = int64(time.Microsecond)
	// drift is the largest change that counts as two clocks drifting apart, and not as a
	// step, in nanoseconds. Linux runs both clocks at one rate, also while NTP slews them; a
	// sandbox that keeps clocks of its own need not.
	drift = 10 * int64(time.Microsecond)
	// looks bounds the looks of one measurement, and narrow ends it.
	looks  = 8
	narrow = 150 * time.Nanosecond
	// steps is how many offsets the clock remembers.
	steps = 4
)

// stampClock finds the moments of stamps of CLOCK_REALTIME on the monotonic clock, which
// nobody can set. All moments count from the zero of that. It is safe for concurrent use.
//
// CLOCK_REALTIME is CLOCK_MONOTONIC plus an offset, which changes only when somebody sets
// the clock: settimeofday, NTP that steps, a leap second, the end of a suspension (in the
// kernel's timekeeper, wall_to_monotonic). So a stamp less the offset is the moment. But the
// offset may have changed since the stamp, or while the bytes waited. So the clock remembers
// the last offsets, and when each can have been in force, and a stamp means a moment at
// which the offset that it is read with was. If two offsets give such a moment, the later one
// counts. So the moment is never later than the read, and not earlier than the truth: the
// moment of the read, which is all that the process knows by itself, is never nearer to it.
//
// The clock looks for a change when it has not looked for lookEvery, and when a stamp means a
// moment before the last look or after the read. So a change of less than lookEvery may go
// unseen for as long, and a moment be so much too early. For the rest the promise holds for
// offsets that a look has seen, if at most three have come after it. Of a stamp that no known
// offset explains, the clock says the moment of the read.
type stampClock struct {
	now   func() time.Duration                   // the monotonic clock
	look  func() (wall int64, now time.Duration) // CLOCK_REALTIME in nanoseconds, and now right after
	known atomic.Pointer[offsets]
	seen  atomic.Int64 // when a look last found the newest offset, as a moment

	mu sync.Mutex // of those that change known
}

// offsets are the last offsets, the newest first.
type offsets [steps]offset

// offset is how far CLOCK_REALTIME was ahead of the monotonic clock, in nanoseconds, and
// when: not before from and not after to. The zero value was in force at no moment that a
// stamp can mean.
type offset struct {
	ahead    int64
	from, to time.Duration
}

// newStampClock returns a stampClock whose moments count from zero.
func newStampClock(zero time.Time) *stampClock {
	return makeStampClock(
		func() time.Duration { return time.Since(zero) },
		func() (int64, time.Duration) {
			t := time.Now() // which reads CLOCK_REALTIME first
			return t.UnixNano(), t.Sub(zero)
		})
}

func makeStampClock(now func() time.Duration, look func() (int64, time.Duration)) *stampClock {
	c := &stampClock{now: now, look: look}
	ahead, at, _ := c.narrowest()
	c.seen.Store(int64(at))
	c.known.Store(&offsets{{ahead: ahead, from: math.MinInt64, to: math.MaxInt64}})
	return c
}

// arrival returns when bytes with the given stamp came, and the present moment, at which
// they have just been read. Both are equal if the stamp is 0 or means nothing. After is the
// arrival of the bytes before them on the same connection: nobody can have read these before.
func (c *stampClock) arrival(stamp int64, after time.Duration) (at, now time.Duration) {
	now = c.now()
	if stamp == 0 {
		return now, now
	}
	known, seen := c.known.Load(), time.Duration(c.seen.Load())
	at = time.Duration(stamp - known[0].ahead)
	if at < seen || at > now || now-seen > lookEvery {
		at = c.check().moment(stamp, now)
	}
	return max(at, min(after, now)), now
}

// moment is the latest moment that the stamp can mean, and now if it can mean none.
func (o *offsets) moment(stamp int64, now time.Duration) time.Duration {
	latest, found := now, false
	for i := range o {
		at := time.Duration(stamp - o[i].ahead)
		if at >= o[i].from && at <= min(o[i].to, now) && (!found || at > latest) {
			latest, found = at, true
		}
	}
	return latest
}

// check looks at the clocks, and notes the offset if it has changed.
func (c *stampClock) check() *offsets {
	wall, now := c.look()
	known := c.known.Load()
	if off := wall - int64(now) - known[0].ahead; off > steady || off < -steady {
		return c.measure()
	}
	c.seen.Store(int64(now))
	return known
}

// measure looks at the clocks with care, and notes the offset if it has changed.
func (c *stampClock) measure() *offsets {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known.Load()
	ahead, now, width := c.narrowest()
	change := max(ahead-known[0].ahead, known[0].ahead-ahead)
	if change <= steady+int64(width) { // the look before was inexact
		c.seen.Store(int64(now))
		return known
	}
	next := *known
	if change <= drift+int64(width) {
		next[0].ahead = ahead
	} else {
		copy(next[1:], known[:])
		next[1].to = now
		next[0] = offset{ahead: ahead, from: time.Duration(c.seen.Load()), to: math.MaxInt64}
	}
	c.seen.Store(int64(now))
	c.known.Store(&next)
	return &next
}

// narrowest looks several times, because the process may stop between the two clocks. It
// returns what the narrowest look found, the moment of the last, and how inexact that one is.
func (c *stampClock) narrowest() (ahead int64, now, width time.Duration) {
	width = math.MaxInt64
	before := c.now()
	for n := 0; n < looks && width > narrow; n++ {
		var wall int64
		wall, now = c.look()
		if now-before < width {
			ahead, width = wall-int64(before+now)/2, now-before
		}
		before = now
	}
	return ahead, now, width
}
