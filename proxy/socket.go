package proxy

import (
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	// readBuffer is the size of the buffer for one read. A connection borrows one for as
	// long as it holds unused bytes; parked in a read it holds none.
	readBuffer = 16 << 10
	// wideBuffer is the size of the buffer of a head that does not fit into readBuffer. If
	// it does not fit into wideBuffer either, it gets one of maxHead.
	wideBuffer = 64 << 10
	// ownBuffer is the size of the buffer that a connection holds while it is parked, if
	// it cannot borrow.
	ownBuffer = 4 << 10
	// maxHead bounds the head of a message.
	maxHead = 256 << 10
)

// buffers lends buffers for reads, and knows how much memory unfinished heads hold. It is
// safe for concurrent use.
type buffers struct {
	pool   sync.Pool
	wide   sync.Pool // of *[wideBuffer]byte
	widest sync.Pool // of *[maxHead]byte
	heads  unfinished
}

func (b *buffers) get() *[readBuffer]byte {
	if p, ok := b.pool.Get().(*[readBuffer]byte); ok {
		return p
	}
	return new([readBuffer]byte)
}

func (b *buffers) put(p *[readBuffer]byte) { b.pool.Put(p) }

// getLarge returns a buffer of wideBuffer or of maxHead.
func (b *buffers) getLarge(size int) []byte {
	if size == wideBuffer {
		if p, ok := b.wide.Get().(*[wideBuffer]byte); ok {
			return p[:]
		}
	} else if p, ok := b.widest.Get().(*[maxHead]byte); ok {
		return p[:]
	}
	return make([]byte, size)
}

// putLarge takes a buffer of getLarge back, and leaves any other to the collector.
func (b *buffers) putLarge(p []byte) {
	switch len(p) {
	case wideBuffer:
		b.wide.Put((*[wideBuffer]byte)(p))
	case maxHead:
		b.widest.Put((*[maxHead]byte)(p))
	}
}

// larger is the size of the next larger buffer.
func larger(size int) int {
	switch {
	case size < readBuffer:
		return readBuffer
	case size < wideBuffer:
		return wideBuffer
	}
	return maxHead
}

// socket reads from a connection and stamps every read. All moments of arrival come from
// here.
type socket struct {
	conn net.Conn
	inbox
	at tap.Instant // of the last read

	share share
}

// fill reads once, into the free part of the inbox, and returns the bytes that came with
// the moment of the read. The bytes are valid until use drops them or fill moves them.
//
// A peer that sends without a pause leaves fill nothing to wait for. So after a read that
// has filled its buffer, fill lets other connections go first: else they would wait for
// the scheduler, which interrupts a goroutine after 10 ms.
func (s *socket) fill() (p []byte, at tap.Instant, err error) {
	if s.flood {
		runtime.Gosched()
	}
	var n int
	if q, ok := s.conn.(borrower); ok && s.buf == nil {
		s.lent, n, err = q.readBorrowed(s.lender)
		s.buf = s.lent[:]
	} else {
		n, err = s.conn.Read(s.free())
	}
	s.at = tap.Now()
	s.end += n
	s.flood = s.end == len(s.buf)
	p = s.buf[s.end-n : s.end]
	if n == 0 {
		s.use(0)
	}
	return p, s.at, err
}

// holdHead makes room for the next read of an unfinished head, and counts its memory. It
// returns errHeadTooLarge, or errCrowded if other heads need the memory. The connection's
// read fails when that happens later: evicted tells.
func (s *socket) holdHead() error {
	if !s.grow(maxHead) {
		return errHeadTooLarge
	}
	s.shrink()
	if !s.lender.heads.hold(&s.share, s.size(), func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) }) {
		return errCrowded
	}
	return nil
}

// evicted tells whether other heads needed the memory of the unfinished head of s.
func (s *socket) evicted() bool { return s.lender.heads.evicts(&s.share) }

// headDone notes that the head is whole, or that no more of it will come. It returns
// false if other heads needed the memory before; the reads of s fail then.
func (s *socket) headDone() bool { return s.lender.heads.leave(&s.share) }

// growAhead makes room for the next read while bytes wait for their turn, up to limit
// together. It tells whether there is room.
func (s *socket) growAhead(limit int) bool {
	if len(s.bytes()) == 0 {
		s.lender.heads.leaveAhead(&s.share)
		return true
	}
	s.shrink()
	if next := s.size(); s.end == len(s.buf) && s.start == 0 {
		return next < limit && s.lender.heads.holdAhead(&s.share, min(larger(next), limit)) && s.grow(limit)
	}
	return s.lender.heads.holdAhead(&s.share, s.size())
}

// forgetBytes gives all memory back when nobody reads from s any more.
func (s *socket) forgetBytes() {
	s.lender.heads.leave(&s.share)
	s.lender.heads.leaveAhead(&s.share)
	s.use(len(s.bytes()))
}

// A borrower is a connection that borrows the buffer for a read only when there are
// bytes to read. The caller returns the buffer, after an error too.
type borrower interface {
	readBorrowed(from *buffers) (*[readBuffer]byte, int, error)
}

// inbox holds the bytes that are read and not yet used: buf[start:end].
type inbox struct {
	buf        []byte // nil while there are no bytes
	start, end int

	lender *buffers
	lent   *[readBuffer]byte // the borrowed buffer, when buf is that

	// own is the buffer of a connection that cannot wait without one. The connection waits
	// with own, and borrows a larger one after a read that has filled own.
	own   []byte
	flood bool // the last read filled its buffer
}

// newSocket is a socket on conn that borrows from lender.
func newSocket(conn net.Conn, lender *buffers) socket {
	s := socket{conn: conn, inbox: inbox{lender: lender}}
	if _, ok := conn.(borrower); !ok {
		s.own = make([]byte, ownBuffer)
	}
	return s
}

// bytes is the bytes that are read and not yet used.
func (in *inbox) bytes() []byte { return in.buf[in.start:in.end] }

// size is the size of the buffer, unless the connection holds that anyway.
func (in *inbox) size() int {
	if in.buf == nil || in.own != nil && &in.buf[0] == &in.own[0] {
		return 0
	}
	return len(in.buf)
}

// shrink moves a few bytes from a borrowed buffer to a small one, in which they may wait.
func (in *inbox) shrink() {
	if p := in.bytes(); in.lent != nil && len(p) > 0 && len(p) <= smallBuffer/2 {
		small := make([]byte, smallBuffer)
		in.start, in.end = 0, copy(small, p)
		in.replace(small)
	}
}

// use drops the first n of bytes. When none are left, it returns the buffer.
func (in *inbox) use(n int) {
	in.start += n
	if in.start == in.end {
		in.replace(nil)
		in.start, in.end = 0, 0
	}
}

// free is the room for the next read. It is empty when the inbox is full.
func (in *inbox) free() []byte {
	switch {
	case in.buf != nil:
	case in.own != nil && !in.flood:
		in.buf = in.own
	default:
		in.lent = in.lender.get()
		in.buf = in.lent[:]
	}
	if in.end == len(in.buf) && in.start > 0 {
		in.end = copy(in.buf, in.buf[in.start:in.end])
		in.start = 0
	}
	return in.buf[in.end:]
}

// grow makes room for the next read with the next larger buffer, up to limit, and tells
// whether there is room now. Limit is the size of a buffer.
func (in *inbox) grow(limit int) bool {
	if in.buf == nil || in.end < len(in.buf) || in.start > 0 {
		return true
	}
	if len(in.buf) >= limit {
		return false
	}
	var lent *[readBuffer]byte
	var grown []byte
	if size := larger(len(in.buf)); size == readBuffer {
		lent = in.lender.get()
		grown = lent[:]
	} else {
		grown = in.lender.getLarge(size)
	}
	in.start, in.end = 0, copy(grown, in.bytes())
	in.replace(grown)
	in.lent = lent
	return true
}

// replace puts buf in the place of the present buffer, and returns that one if it was
// borrowed.
func (in *inbox) replace(buf []byte) {
	if in.lent != nil {
		in.lender.put(in.lent)
		in.lent = nil
	} else if len(in.buf) > readBuffer {
		in.lender.putLarge(in.buf)
	}
	in.buf = buf
}

// scratch lends buffers in which the relay composes heads. It is safe for concurrent
// use.
type scratch struct{ pool, large sync.Pool }

// largeScratch has room for the largest head, with what headway adds to it.
const largeScratch = maxHead + readBuffer

// get returns an empty buffer for a head of the given size.
func (s *scratch) get(size int) *[]byte {
	pool, room := &s.pool, 4<<10
	if size > readBuffer {
		pool, room = &s.large, largeScratch
	}
	if b, ok := pool.Get().(*[]byte); ok {
		*b = (*b)[:0]
		return b
	}
	b := make([]byte, 0, room)
	return &b
}

func (s *scratch) put(b *[]byte) {
	switch {
	case cap(*b) <= 2*readBuffer:
		s.pool.Put(b)
	case cap(*b) == largeScratch:
		s.large.Put(b)
	}
}
