//go:build !linux

package attack

import (
	"errors"
	"time"
)

// cpuTime fails: no other system lets a process read the CPU clock of another one.
func cpuTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
