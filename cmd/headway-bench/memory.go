package main

import "time"

// memoryResult is the proxy's resident memory in bytes, and the number of its goroutines, before, while
// and after its streams are open. Goroutines are 0 for a proxy that does not count them.
type memoryResult struct {
	Idle            int64 `json:"idle"`
	Open            int64 `json:"open"`
	After           int64 `json:"after"`
	IdleGoroutines  int   `json:"idle_goroutines,omitempty"`
	OpenGoroutines  int   `json:"open_goroutines,omitempty"`
	AfterGoroutines int   `json:"after_goroutines,omitempty"`
	Streams         int   `json:"streams"` // open streams that had carried tokens
}

// runMemory reads the proxy's memory three times: before the streams, while all are open and carry
// tokens, and after their end, when the proxy has had time to release memory.
func (l *loader) runMemory() error {
	spec, m := l.spec, &l.result.Memory
	if err := l.readMemory(&m.Idle, &m.IdleGoroutines); err != nil {
		return err
	}
	// It opens 1,000 streams a second. runOpening measures a storm of new connections.
	streams, err := l.openAll(time.Duration(spec.Streams)*time.Millisecond, false)
	if err != nil {
		return err
	}
	if err := l.sleep(2*spec.Interval + time.Second); err != nil {
		return err
	}
	l.countOpen(streams)
	if err := l.readMemory(&m.Open, &m.OpenGoroutines); err != nil {
		return err
	}
	if err := l.finishStreams(streams); err != nil {
		return err
	}
	if err := l.sleep(spec.Settle); err != nil {
		return err
	}
	return l.readMemory(&m.After, &m.AfterGoroutines)
}

// readMemory reads memory and goroutines of the proxy.
func (l *loader) readMemory(rss *int64, goroutines *int) error {
	*rss = 0
	for _, pid := range l.spec.ProxyPIDs {
		n, err := residentBytes(pid)
		if err != nil {
			return err
		}
		*rss += n
	}
	if l.spec.AdminAddr == "" {
		return nil
	}
	var err error
	*goroutines, err = goroutineCount(l.spec.AdminAddr)
	return err
}
