package attack

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the user and system time of all threads of a process, those that have ended
// too, in nanoseconds. clock_getcpuclockid(3) makes the id of that clock from the pid.
func cpuTime(pid int) (time.Duration, error) {
	const schedulerClock = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedulerClock), &ts); err != nil {
		return 0, fmt.Errorf("reading the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}
