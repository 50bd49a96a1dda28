package main

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// clock reads CLOCK_MONOTONIC in nanoseconds. All processes of a host read the same clock, so that the
// load generator can subtract a time that the upstream took from a time of its own. It is safe for
// concurrent use.
type clock struct {
	base   time.Time
	offset int64
}

// newClock finds the offset between the runtime's monotonic time, which costs no system call, and
// CLOCK_MONOTONIC. It tries several times: the offset is wrong by at most half of the duration of the
// shortest try, well under a microsecond.
func newClock() (clock, error) {
	var best clock
	shortest := time.Duration(math.MaxInt64)
	for range 64 {
		before := time.Now()
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			return clock{}, err
		}
		took := time.Since(before)
		if took < shortest {
			shortest = took
			best = clock{base: before, offset: ts.Nano() - int64(took/2)}
		}
	}
	return best, nil
}

func (c clock) now() int64 { return c.offset + int64(time.Since(c.base)) }
