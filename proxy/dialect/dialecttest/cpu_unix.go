//go:build unix

package dialecttest

import (
	"syscall"
	"time"
)

// CPUTime is the CPU time of the process so far. It is not ok where the system does not
// tell.
func CPUTime() (used time.Duration, ok bool) {
	var of syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &of); err != nil {
		return 0, false
	}
	return time.Duration(of.Utime.Nano() + of.Stime.Nano()), true
}
