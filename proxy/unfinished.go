package proxy

import (
	"container/list"
	"sync"
	"sync/atomic"
)

const (
	// maxUnfinished bounds the memory of all unfinished heads of a Proxy together. It is
	// room for 16 of the largest heads, and for 2,048 that have just begun.
	maxUnfinished = 4 << 20
	// maxAhead bounds the memory of all requests that clients send ahead of a response.
	maxAhead = 8 << 20
	// maxDialing bounds the memory of all requests whose head is larger than readBuffer and
	// that wait for a connection to their upstream.
	maxDialing = 8 << 20
	// smallBuffer is the size of the buffer of a head that has just begun.
	smallBuffer = 2 << 10
)

// unfinished is the memory that heads hold while their rest is on its way. An honest
// head is whole with its first bytes or soon after. So when there is no more room, the
// oldest one has to go. unfinished is safe for concurrent use.
type unfinished struct {
	mu      sync.Mutex
	held    int
	leaving int       // held by heads that have to go, and whose goroutines have yet to notice
	heads   list.List // of *share, the oldest first

	ahead   atomic.Int64
	dialing atomic.Int64
	evicted atomic.Uint64
}

// share is the part of one connection in unfinished. Only the goroutine that reads from
// the connection calls its methods.
type share struct {
	listed *list.Element // nil while the connection holds nothing
	size   int           // guarded by unfinished.mu
	gone   bool          // another head has taken its place; guarded by unfinished.mu
	cut    func()        // ends the connection's read; it must not block
	ahead  int           // memory of requests that the client has sent ahead
}

// hold notes that s holds size bytes now. It returns false when s had to go.
func (u *unfinished) hold(s *share, size int, cut func()) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if s.listed == nil {
		s.cut, s.gone = cut, false
		s.listed = u.heads.PushBack(s)
	}
	if s.gone {
		return false
	}
	u.held += size - s.size
	s.size = size
	if u.held > maxUnfinished && u.leaving > maxUnfinished { // too fast: this one goes
		u.evict(s.listed)
	}
	for u.held > maxUnfinished {
		u.evict(u.heads.Front())
	}
	return !s.gone
}

// evict takes the memory of a head away. The caller holds u.mu.
func (u *unfinished) evict(e *list.Element) {
	s, ok := u.heads.Remove(e).(*share)
	if !ok {
		return
	}
	u.held -= s.size
	u.leaving += s.size
	s.gone = true
	u.evicted.Add(1)
	s.cut()
}

// evicts tells whether s had to go.
func (u *unfinished) evicts(s *share) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return s.listed != nil && s.gone
}

// leave notes that the head of s is whole, or that its connection ends. It returns false
// when s had to go before.
func (u *unfinished) leave(s *share) bool {
	if s.listed == nil {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if s.gone {
		u.leaving -= s.size
	} else {
		u.heads.Remove(s.listed)
		u.held -= s.size
	}
	s.listed, s.size = nil, 0
	return !s.gone
}

// holdAhead notes that s holds size bytes of requests that come before their turn. It
// returns false when there is no room for them.
func (u *unfinished) holdAhead(s *share, size int) bool {
	more := int64(size - s.ahead)
	if u.ahead.Add(more) > maxAhead && more > 0 {
		u.ahead.Add(-more)
		return false
	}
	s.ahead = size
	return true
}

// leaveAhead notes that s holds nothing ahead of its turn.
func (u *unfinished) leaveAhead(s *share) {
	if s.ahead > 0 {
		u.ahead.Add(-int64(s.ahead))
		s.ahead = 0
	}
}

// holdDialing notes that a request waits for a connection to its upstream, with a head and
// a buffer of those sizes. It returns what leaveDialing needs, and false when there is no
// room for it.
func (u *unfinished) holdDialing(head, buffer int) (held int64, ok bool) {
	if head <= readBuffer {
		return 0, true
	}
	held = int64(buffer)
	if u.dialing.Add(held) > maxDialing {
		u.dialing.Add(-held)
		return 0, false
	}
	return held, true
}

// leaveDialing notes that the request waits no longer.
func (u *unfinished) leaveDialing(held int64) {
	if held > 0 {
		u.dialing.Add(-held)
	}
}
