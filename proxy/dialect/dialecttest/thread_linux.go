package dialecttest

import (
	"syscall"
	"time"
)

// threadTime is the CPU time of the calling thread so far.
func threadTime() (used time.Duration, ok bool) {
	const thisThread = 1 // RUSAGE_THREAD, getrusage(2)
	var of syscall.Rusage
	if err := syscall.Getrusage(thisThread, &of); err != nil {
		return 0, false
	}
	return time.Duration(of.Utime.Nano() + of.Stime.Nano()), true
}
