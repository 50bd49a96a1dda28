package proxy

import (
	"net"
	"sync"

	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	// smallBuffer is what every open connection holds while it is parked in a read:
	// room for a common head, or a few events of a stream.
	smallBuffer = 4 << 10
	// wideBuffer is borrowed while a body comes faster than smallBuffer takes it.
	wideBuffer = 32 << 10
	// maxHead bounds the head of a message.
	maxHead = 256 << 10
)

// socket reads from a connection and stamps what was read. This is the one place
// where the moments of arrival come from.
type socket struct {
	conn net.Conn
	inbox
	at tap.Instant // of the last read
}

// fill reads once, into the free part of the inbox, and returns what came.
func (s *socket) fill() (p []byte, at tap.Instant, err error) {
	n, err := s.conn.Read(s.free())
	s.at = tap.Now()
	s.end += n
	return s.buf[s.end-n : s.end], s.at, err
}

// inbox holds bytes that were read and not yet used: buf[start:end].
type inbox struct {
	buf        []byte
	start, end int
	wide       *[wideBuffer]byte // the borrowed buffer, when buf is that
	small      []byte            // the own buffer, while another is in use
}

func newInbox() inbox { return inbox{buf: make([]byte, smallBuffer)} }

// bytes is what was read and not yet used.
func (in *inbox) bytes() []byte { return in.buf[in.start:in.end] }

// use marks the first n of bytes as used.
func (in *inbox) use(n int) {
	in.start += n
	if in.start == in.end {
		in.start, in.end = 0, 0
	}
}

// free is the room for the next read. It is empty when the inbox is full.
func (in *inbox) free() []byte {
	if in.end == len(in.buf) && in.start > 0 {
		in.end = copy(in.buf, in.buf[in.start:in.end])
		in.start = 0
	}
	return in.buf[in.end:]
}

// grow doubles the buffer, up to limit, and tells whether there is room now.
func (in *inbox) grow(limit int) bool {
	if in.end < len(in.buf) || in.start > 0 {
		return true
	}
	if len(in.buf) >= limit {
		return false
	}
	grown := make([]byte, min(2*len(in.buf), limit))
	in.end = copy(grown, in.bytes())
	in.start = 0
	in.keepSmall()
	in.buf = grown
	return true
}

// widen borrows a wide buffer for an empty inbox.
func (in *inbox) widen(pool *sync.Pool) {
	if in.wide != nil || in.start != in.end {
		return
	}
	in.wide, _ = pool.Get().(*[wideBuffer]byte)
	if in.wide == nil {
		in.wide = new([wideBuffer]byte)
	}
	in.keepSmall()
	in.buf, in.start, in.end = in.wide[:], 0, 0
}

// narrow goes back to the small buffer, if what is unused fits it.
func (in *inbox) narrow(pool *sync.Pool) {
	if in.small == nil || in.end-in.start > len(in.small) {
		return
	}
	in.end = copy(in.small, in.bytes())
	in.start = 0
	in.buf, in.small = in.small, nil
	if in.wide != nil {
		pool.Put(in.wide)
		in.wide = nil
	}
}

func (in *inbox) keepSmall() {
	if in.small == nil {
		in.small = in.buf
	}
}

// scratch lends buffers in which a head is put together.
type scratch struct{ pool sync.Pool }

func (s *scratch) get() *[]byte {
	if b, ok := s.pool.Get().(*[]byte); ok {
		*b = (*b)[:0]
		return b
	}
	b := make([]byte, 0, smallBuffer)
	return &b
}

func (s *scratch) put(b *[]byte) {
	if cap(*b) <= wideBuffer {
		s.pool.Put(b)
	}
}
