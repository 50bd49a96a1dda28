//go:build !unix

package dialecttest

import "time"

// CPUTime is not ok: the system does not tell the CPU time of a process.
func CPUTime() (used time.Duration, ok bool) { return 0, false }
