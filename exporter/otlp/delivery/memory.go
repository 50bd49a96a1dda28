package delivery

import (
	"sync"
	"sync/atomic"
)

// memory is a store of payloads in memory: a circular list of at most max bytes.
type memory struct {
	max     int64
	dropped *atomic.Uint64
	wake    chan<- struct{} // put notifies it

	mu       sync.Mutex
	entries  []entry // circular, from first on
	first    int
	length   int
	bytes    int64 // of the entries and of the lent entry
	refusing bool  // push drops everything
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
	notify(m.wake)
}

// notify wakes the receiver of a channel with room for one notice. It does nothing when a
// notice waits there already.
func notify(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// push appends an entry, and drops as many of the oldest as the bound demands. It returns
// the number of dropped items. It drops the new entry when the bound has no room for it.
func (m *memory) push(e entry) (dropped uint64) {
	size := int64(len(e.payload))
	if m.refusing || size == 0 || size > m.max {
		return uint64(e.items)
	}
	for m.length > 0 && m.bytes+size > m.max {
		oldest := m.pop()
		m.bytes -= int64(len(oldest.payload))
		dropped += uint64(oldest.items)
	}
	if m.bytes+size > m.max { // the lent entry takes the room
		return dropped + uint64(e.items)
	}
	m.grow()
	m.entries[(m.first+m.length)%len(m.entries)] = e
	m.length++
	m.bytes += size
	return dropped
}

// grow makes room in the list for another entry.
func (m *memory) grow() {
	if m.length < len(m.entries) {
		return
	}
	grown := make([]entry, 2*len(m.entries))
	n := copy(grown, m.entries[m.first:])
	copy(grown[n:], m.entries[:m.first])
	m.entries, m.first = grown, 0
}

// pop removes the oldest entry from the list.
func (m *memory) pop() entry {
	e := m.entries[m.first]
	m.entries[m.first] = entry{}
	m.first = (m.first + 1) % len(m.entries)
	m.length--
	return e
}

func (m *memory) lend() (entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.length == 0 {
		return entry{}, false
	}
	return m.pop(), true
}

func (m *memory) finish(e entry) {
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
	m.refusing = true
	m.mu.Unlock()
}

func (m *memory) close() {
	m.refuse()
	for e, ok := m.lend(); ok; e, ok = m.lend() {
		m.finish(e)
		m.dropped.Add(uint64(e.items))
	}
}
