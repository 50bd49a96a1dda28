package exchange

// ArrivalClock is the clock that told when the bytes of an exchange came. All moments of a
// Record are on one clock, the monotonic one of the machine; it says whose look at it counts.
type ArrivalClock uint8

const (
	// ProcessClock is headway's own look, after it had read the bytes. It is late by as long
	// as headway waited for a processor: tens of microseconds mostly, milliseconds on a
	// machine or in a container with too little CPU.
	ProcessClock ArrivalClock = iota
	// KernelClock is the kernel's stamp of the packet that brought the last of the bytes.
	// It stays true while headway waits.
	KernelClock
)

// String names c as all outputs do.
func (c ArrivalClock) String() string {
	if c == KernelClock {
		return "kernel"
	}
	return "process"
}
