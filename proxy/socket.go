package proxy

import (
	"errors"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	// readBuffer is the size of the buffer for one read. A connection borrows one for as
	// long as it holds unused bytes; while it waits it holds none.
	readBuffer = 16 << 10
	// wideBuffer is the size of the buffer of a head that does not fit into readBuffer. If
	// it does not fit into wideBuffer either, it gets one of maxHead.
	wideBuffer = 64 << 10
	// ownBuffer is the size of the buffer that a connection holds while it waits, if it is
	// no wire.
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
	conn   net.Conn
	wire   wire // conn, or the connection below TLS; nil if that is no wire
	secure bool // TLS is between conn and wire
	parks  bool // the connection can be parked
	inbox
	at   tap.Instant // of the last read
	came tap.Instant // when its bytes had come: at, where the kernel does not tell

	leader *poller.Leader       // of the goroutine in run
	resume func(*poller.Leader) // run, for the loop

	share share
}

// begin begins to serve the connection: with its first bytes, if it can be parked.
func (s *socket) begin() {
	if !s.parks || !s.wire.Park(s.resume) {
		go s.resume(nil)
	}
}

// fill reads once, into the free part of the inbox, and returns the bytes that came with
// the moment of the read. It waits if there are none. The bytes are valid until use drops
// them or fill moves them.
//
// A peer that sends without a pause leaves fill nothing to wait for. So after a read that
// has filled its buffer, fill lets other connections go first: else they would wait for
// the scheduler, which interrupts a goroutine after 10 ms.
func (s *socket) fill() (p []byte, at tap.Instant, err error) {
	if s.flood {
		s.leader.StepDown()
		runtime.Gosched()
	}
	for {
		if p, at, err = s.fillNow(); !errors.Is(err, poller.ErrWait) {
			return p, at, err
		}
		s.leader.StepDown()
		s.wire.AwaitRead()
	}
}

// fillOrPark is fill where it is the end of a step: instead of waiting it parks the
// connection, if it can. Its error is errParked then, and run begins anew with the next
// bytes.
func (s *socket) fillOrPark() (p []byte, at tap.Instant, err error) {
	if !s.parks {
		return s.fill()
	}
	if s.flood && s.leader.Leads() {
		s.flood = false
		s.leader.Later(s.resume)
		return nil, 0, errParked
	}
	for {
		if p, at, err = s.fillNow(); !errors.Is(err, poller.ErrWait) {
			return p, at, err
		}
		if s.wire.Park(s.resume) {
			return nil, 0, errParked
		}
	}
}

// fillNow is fill, but on a wire its error is poller.ErrWait where fill would wait.
func (s *socket) fillNow() (p []byte, at tap.Instant, err error) {
	n, err := s.readNow(s.free())
	if err != nil && errors.Is(err, poller.ErrWait) {
		s.use(0)
		return nil, s.at, err
	}
	s.stamp(n)
	s.end += n
	s.flood = s.end == len(s.buf)
	p = s.buf[s.end-n : s.end]
	if n == 0 {
		s.use(0)
	}
	return p, s.at, err
}

// stamp notes when the last read was, of so many bytes, and when they had come. What TLS
// has read came with the bytes that completed its record.
func (s *socket) stamp(n int) {
	if n == 0 || s.wire == nil {
		s.at = tap.Now()
		s.came = s.at
		return
	}
	came, read := s.wire.LastRead()
	if s.came, s.at = tap.InstantOf(came), tap.InstantOf(read); s.secure {
		s.at = tap.Now()
	}
}

// arrived is when the bytes of the last read had come, by the kernel's stamp; 0 if it told none.
func (s *socket) arrived() tap.Instant {
	if s.came == s.at {
		return 0
	}
	return s.came
}

func (s *socket) readNow(p []byte) (int, error) {
	switch {
	case s.wire == nil:
		return s.conn.Read(p)
	case s.secure:
		s.wire.NeverWait(true)
		return s.conn.Read(p)
	}
	return s.wire.ReadNow(p)
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

// inbox holds the bytes that are read and not yet used: buf[start:end].
type inbox struct {
	buf        []byte // nil while there are no bytes
	start, end int

	lender *buffers
	lent   *[readBuffer]byte // the borrowed buffer, when buf is that

	// own is the buffer of a connection that is no wire. It waits with own, and borrows a
	// larger one after a read that has filled own.
	own   []byte
	flood bool // the last read filled its buffer
}

// newSocket is a socket on conn. Raw is the connection below TLS, or conn itself.
func newSocket(conn, raw net.Conn, e *engine) socket {
	s := socket{conn: conn, secure: conn != raw, inbox: inbox{lender: &e.buffers}}
	var ok bool
	if s.wire, ok = raw.(wire); !ok {
		s.own = make([]byte, ownBuffer)
	}
	s.parks = ok && e.parks
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
