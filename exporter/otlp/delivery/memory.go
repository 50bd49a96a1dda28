package delivery

import (
	"sync"
	"sync/atomic"
)

// memory is a store of payloads in memory: a circular list under a bound of bytes.
type memory struct {
	max     int64
	dropped *atomic.Uint64
	wake    chan<- struct{} // told of every put

	mu      sync.Mutex
	entries []entry // circular, from first on
	first   int
	length  int
	bytes   int64 // of the entries and of what is lent
	refused bool
}

func newMemory(most int64, dropped *atomic.Uint64, wake chan<- struct{}) *memory {
	return &memory{max: most, dropped: dropped, wake: wake, entries: make([]entry, 8)}
}

func (m *memory) put(payload []byte, items int) {
	m.mu.Lock()
	dropped := m.push(entry{payload: payload, items: items})
	m.mu.Unlock()
	if dropped > 0 {
		m.dropped.Add(dropped)
	}
	tell(m.wake)
}

// tell leaves word in a channel that holds one.
func tell(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// push appends an entry, drops the oldest as the bound demands, and returns how many
// items that took.
func (m *memory) push(e entry) (dropped uint64) {
	size := int64(len(e.payload))
	if m.refused || size == 0 || size > m.max {
		return uint64(e.items)
	}
	for m.length > 0 && m.bytes+size > m.max {
		oldest := m.pop()
		m.bytes -= int64(len(oldest.payload))
		dropped += uint64(oldest.items)
	}
	if m.bytes+size > m.max { // what is lent takes the room
		return dropped + uint64(e.items)
	}
	m.grow()
	m.entries[(m.first+m.length)%len(m.entries)] = e
	m.length++
	m.bytes += size
	return dropped
}

func (m *memory) grow() {
	if m.length < len(m.entries) {
		return
	}
	grown := make([]entry, 2*len(m.entries))
	n := copy(grown, m.entries[m.first:])
	copy(grown[n:], m.entries[:m.first])
	m.entries, m.first = grown, 0
}

func (m *memory) pop() entry {
	e := m.entries[m.first]
	m.entries[m.first] = entry{}
	m.first = (m.first + 1) % len(m.entries)
	m.length--
	return e
}

func (m *memory) take() (entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.length == 0 {
		return entry{}, false
	}
	return m.pop(), true
}

func (m *memory) settle(e entry) {
	m.mu.Lock()
	m.bytes -= int64(len(e.payload))
	m.mu.Unlock()
}

func (m *memory) giveBack(e entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.grow()
	m.first = (m.first + len(m.entries) - 1) % len(m.entries)
	m.entries[m.first] = e
	m.length++
}

func (m *memory) waiting() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes
}

func (m *memory) refuse() {
	m.mu.Lock()
	m.refused = true
	m.mu.Unlock()
}

func (m *memory) close() {
	m.refuse()
	for e, ok := m.take(); ok; e, ok = m.take() {
		m.settle(e)
		m.dropped.Add(uint64(e.items))
	}
}
