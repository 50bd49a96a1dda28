package main

import (
	"fmt"
	"time"
)

// memoryResult is what the proxy held, in bytes of resident memory and in goroutines. Goroutines are
// zero when the proxy does not tell.
type memoryResult struct {
	Idle            int64 `json:"idle"`
	Open            int64 `json:"open"`
	After           int64 `json:"after"`
	IdleGoroutines  int   `json:"idle_goroutines,omitempty"`
	OpenGoroutines  int   `json:"open_goroutines,omitempty"`
	AfterGoroutines int   `json:"after_goroutines,omitempty"`
	Streams         int   `json:"streams"` // that were open and had carried tokens
}

// runMemory opens the streams, reads the proxy's memory while all are open and have carried tokens,
// ends them, and reads again when the proxy has had time to give it back.
func (l *loader) runMemory() error {
	spec, m := l.spec, &l.result.Memory
	if err := l.readMemory(&m.Idle, &m.IdleGoroutines); err != nil {
		return err
	}
	// 1,000 streams a second: an opening storm is another measurement.
	streams, err := l.openAll(time.Duration(spec.Streams)*time.Millisecond, false)
	if err != nil {
		return err
	}
	if err := l.sleep(2*spec.Interval + time.Second); err != nil {
		return err
	}
	for _, s := range streams {
		if s.busy && s.checker.sequence > 0 {
			m.Streams++
		}
	}
	if m.Streams < spec.Streams {
		l.bad(fmt.Errorf("%d of %d streams carry tokens", m.Streams, spec.Streams))
	}
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
