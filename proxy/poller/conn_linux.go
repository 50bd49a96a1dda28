package poller

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Conn is a TCP connection of a Poller. It is a net.Conn for a goroutine that waits in
// Read and Write, and it serves code that must not wait by ReadNow, WriteNow and Park.
//
// Its methods are safe for concurrent use, but only one goroutine at a time may read, or
// park, if it wants to know the order of the bytes; the same holds for writes.
type Conn struct {
	loop  *loop
	place place
	fd    int32

	use     atomic.Int32  // the calls that use fd, or closing more when the connection is closed
	state   atomic.Uint32 // of the bits below
	waiting atomic.Int32  // goroutines that wait for a change
	nowait  atomic.Bool   // Read returns ErrWait; see NeverWait
	calling atomic.Bool   // a write is in the kernel, and sent does not have its bytes yet
	sent    atomic.Int64  // bytes that the kernel has taken

	readBy, writeBy atomic.Int64 // the deadlines, in nanoseconds since epoch; 0 is none

	mu     sync.Mutex
	parked func(*Leader)
	change chan struct{} // closed at the next change; nil while no goroutine waits
	timer  *time.Timer   // looks at the deadlines; nil before the first
	due    int64         // the moment at which it does, in nanoseconds since epoch; 0 is never

	stall func() // see OnStall

	local, remote netip.AddrPort

	came, read time.Duration // see LastRead; since epoch, and of the goroutine that reads
}

// closing marks Conn.use of a closed connection.
const closing = 1 << 30

// The bits of Conn.state.
const (
	readable uint32 = 1 << iota // there may be bytes, or an end, to read
	ended                       // the other side has ended its sending side, or the connection
	failed                      // the connection has failed, by a reset for example
	urgent                      // the other side has sent urgent bytes
	writable                    // there may be room to write again
	watched                     // the kernel reports room to write
)

// epoch is the zero of deadlines.
var epoch = time.Now()

// newConn returns a Conn that belongs to no loop yet.
func newConn(fd int, tcp *net.TCPConn) *Conn {
	return &Conn{fd: int32(fd), local: addrPort(tcp.LocalAddr()), remote: addrPort(tcp.RemoteAddr())}
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// register tells the kernel which events of the connection the loop wants.
func (c *Conn) register(operation int, events uint32) error {
	e := unix.EpollEvent{Events: events, Fd: int32(c.place.index), Pad: int32(c.place.number)}
	return unix.EpollCtl(c.loop.fd, operation, int(c.fd), &e)
}

// happened notes events, and calls the parked function if it may read now. The connection
// may be nil, or closed.
func (c *Conn) happened(events uint32, leader *Leader) {
	if c == nil {
		return
	}
	var bits uint32
	if events&(unix.EPOLLIN|unix.EPOLLPRI|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		bits = readable
	}
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		bits |= ended
	}
	if events&unix.EPOLLERR != 0 {
		bits |= failed
	}
	if events&unix.EPOLLPRI != 0 {
		bits |= urgent
	}
	if events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		bits |= writable
	}
	c.mu.Lock()
	c.state.Or(bits)
	var f func(*Leader)
	if bits&readable != 0 {
		f, c.parked = c.parked, nil
	}
	c.signal()
	c.mu.Unlock()
	if f != nil {
		f(leader)
	}
}

// signal wakes the goroutines that wait for a change. The caller holds c.mu.
func (c *Conn) signal() {
	if c.change != nil {
		close(c.change)
		c.change = nil
	}
}

// Park has f called once when there may be something to read: bytes, an end, a deadline
// that has passed, or the connection's Close. It returns false, and keeps nothing, if that
// is so already. The caller has got ErrWait from its last read, or has just taken the
// connection. After Park has returned true the caller touches nothing that f touches.
//
// The loop calls f on its own goroutine, with a Leader, and serves no other connection
// meanwhile. A deadline or a Close has f called on a goroutine of its own, without one.
func (c *Conn) Park(f func(*Leader)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mayRead() {
		return false
	}
	c.parked = f
	return true
}

// unpark calls the parked function, on a goroutine of its own, and wakes all goroutines
// that wait.
func (c *Conn) unpark() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signal()
	if f := c.parked; f != nil {
		c.parked = nil
		go f(nil)
	}
}

// await waits until is returns true. It asks that after every change.
func (c *Conn) await(is func() bool) {
	c.waiting.Add(1)
	defer c.waiting.Add(-1)
	for {
		c.mu.Lock()
		if is() {
			c.mu.Unlock()
			return
		}
		if c.change == nil {
			c.change = make(chan struct{})
		}
		change := c.change
		c.mu.Unlock()
		<-change
	}
}

// Read reads once, and waits until there is something to read.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := c.ReadNow(p)
		if !errors.Is(err, ErrWait) || c.nowait.Load() {
			return n, err
		}
		c.AwaitRead()
	}
}

// AwaitRead waits until ReadNow may find something: bytes, an end, a deadline that has
// passed, or a closed connection.
func (c *Conn) AwaitRead() {
	c.await(c.mayRead)
}

func (c *Conn) mayRead() bool {
	return c.state.Load()&readable != 0 || c.isClosed() || passed(&c.readBy)
}

// NeverWait makes Read return ErrWait instead of waiting, or wait again. It is for code
// that drives a tls.Conn on top: the caller reads from that only.
func (c *Conn) NeverWait(never bool) { c.nowait.Store(never) }

// ReadNow reads once, without waiting. Its error is ErrWait if there is nothing to read,
// io.EOF at the end, or a *net.OpError.
//
// The kernel reports only that bytes have come, not that they are still there. A read that
// returns fewer bytes than p has room for has emptied the socket, and ReadNow asks the
// kernel no more until the next report. Two cases are different. An end may have come
// before the read, and has its report already. And a read ends before urgent bytes
// (tcp(7)), though more follows.
func (c *Conn) ReadNow(p []byte) (int, error) {
	if passed(&c.readBy) {
		return 0, c.fail("read", os.ErrDeadlineExceeded)
	}
	if c.state.Load()&(readable|ended|urgent) == 0 && !c.isClosed() {
		return 0, ErrWait
	}
	if !c.acquire() {
		return 0, c.fail("read", net.ErrClosed)
	}
	c.state.And(^readable)
	n, stamp, errno := receiveStamped(int(c.fd), p)
	if n > 0 {
		c.came, c.read = c.loop.clock.arrival(stamp, c.came)
	}
	c.release()
	switch {
	case errno == unix.EAGAIN:
		return 0, ErrWait
	case errno != 0:
		c.leaveReadable()
		return 0, c.fail("read", os.NewSyscallError("recvmsg", errno))
	case n == 0:
		c.leaveReadable()
		return 0, io.EOF
	case n == len(p):
		c.leaveReadable()
	}
	return n, nil
}

// LastRead returns when the bytes of the last read came, and when they were read. Both are
// equal where the kernel does not tell the first; see stampClock and receiveStamped. It is
// for the goroutine that reads, after a read that has returned bytes.
func (c *Conn) LastRead() (came, read time.Time) { return epoch.Add(c.came), epoch.Add(c.read) }

// leaveReadable notes that a further read may find something, also one of another
// goroutine that waits already.
func (c *Conn) leaveReadable() {
	c.state.Or(readable)
	if c.waiting.Load() > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.signal()
	}
}

// Write writes all of p, and waits for the other side to make room.
func (c *Conn) Write(p []byte) (int, error) {
	done := 0
	for {
		n, err := c.WriteNow(p[done:])
		if done += n; !errors.Is(err, ErrWait) {
			return done, err
		}
		c.awaitRoom()
	}
}

// awaitRoom waits until WriteNow may find room, a deadline that has passed, or a closed
// connection.
func (c *Conn) awaitRoom() {
	if c.stall != nil {
		c.stall()
	}
	c.await(func() bool { return c.state.Load()&writable != 0 || c.isClosed() || passed(&c.writeBy) })
}

// WriteNow writes as much of p as there is room for, without waiting. Its error is ErrWait
// if that is not all, or a *net.OpError.
func (c *Conn) WriteNow(p []byte) (int, error) {
	for done := 0; ; {
		if passed(&c.writeBy) {
			return done, c.fail("write", os.ErrDeadlineExceeded)
		}
		if !c.acquire() {
			return done, c.fail("write", net.ErrClosed)
		}
		c.state.And(^writable)
		c.calling.Store(true)
		n, errno := send(int(c.fd), p[done:])
		c.sent.Add(int64(n))
		c.calling.Store(false)
		if errno == unix.EAGAIN {
			errno = c.watchRoom()
		}
		c.release()
		done += n
		switch {
		case errno == unix.EAGAIN:
			return done, ErrWait
		case errno != 0:
			return done, c.fail("write", os.NewSyscallError("sendto", errno))
		case done == len(p):
			return done, nil
		}
	}
}

// watchRoom has the kernel report room to write from now on. It returns EAGAIN if the
// caller has to wait for it, 0 if the caller should try again, or an error.
func (c *Conn) watchRoom() syscall.Errno {
	if c.state.Or(watched)&watched != 0 {
		return unix.EAGAIN
	}
	var errno syscall.Errno
	if errors.As(c.register(unix.EPOLL_CTL_MOD, interest|unix.EPOLLOUT), &errno) {
		return errno
	}
	return unix.EAGAIN // the kernel reports room that there is already
}

// OnStall sets the function that Write and Splice call, on their own goroutine, whenever
// they have to wait for room. f must not block. The caller sets it before the first write.
func (c *Conn) OnStall(f func()) { c.stall = f }

// BytesSent counts the bytes that the kernel has taken.
func (c *Conn) BytesSent() int64 { return c.sent.Load() }

// CloseWrite ends the sending side.
func (c *Conn) CloseWrite() error {
	return c.do("close", func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// SetLinger is net.TCPConn's.
func (c *Conn) SetLinger(sec int) error {
	l := unix.Linger{}
	if sec >= 0 {
		l = unix.Linger{Onoff: 1, Linger: int32(sec)}
	}
	return c.do("set", func(fd int) error { return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &l) })
}

// Control calls f with the descriptor, which is valid until f returns. Its error is
// net.ErrClosed when the connection is closed.
func (c *Conn) Control(f func(fd int)) error {
	return c.do("control", func(fd int) error { f(fd); return nil })
}

func (c *Conn) do(operation string, call func(fd int) error) error {
	if !c.acquire() {
		return c.fail(operation, net.ErrClosed)
	}
	defer c.release()
	if err := call(int(c.fd)); err != nil {
		return c.fail(operation, err)
	}
	return nil
}

// Close closes the connection at once, in the middle of any read or write.
func (c *Conn) Close() error {
	for {
		n := c.use.Load()
		if n&closing != 0 {
			return c.fail("close", net.ErrClosed)
		}
		if !c.use.CompareAndSwap(n, n|closing) {
			continue
		}
		if n == 0 {
			c.shut()
		}
		c.unpark()
		return nil
	}
}

// shut closes the descriptor, when nobody uses it any more.
func (c *Conn) shut() {
	s := c.loop.seat
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = unix.Close(int(c.fd)) // which takes it out of the epoll set, too
	s.leave(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
}

// IsOpen tells whether nobody has closed the connection yet on this side.
func (c *Conn) IsOpen() bool { return !c.isClosed() }

func (c *Conn) isClosed() bool { return c.use.Load()&closing != 0 }

// acquire keeps the descriptor open until release. It returns false when the connection
// is closed.
func (c *Conn) acquire() bool {
	for {
		n := c.use.Load()
		if n&closing != 0 {
			return false
		}
		if c.use.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (c *Conn) release() {
	if c.use.Add(-1) == closing {
		c.shut()
	}
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn. It wakes a reader, or the parked function, if t is
// in the past.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.readBy, t) }

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.writeBy, t) }

// setDeadline moves a deadline. A timer that is due before it stays, because most
// deadlines move on before they pass; the timer looks at them then.
func (c *Conn) setDeadline(by *atomic.Int64, t time.Time) error {
	if c.isClosed() {
		return c.fail("set", net.ErrClosed)
	}
	if t.IsZero() {
		by.Store(0)
		return nil
	}
	at := max(1, int64(t.Sub(epoch)))
	by.Store(at)
	if left := time.Until(t); left > 0 {
		c.alarm(at, left)
		return nil
	}
	c.unpark()
	return nil
}

// alarm has the timer look at the deadlines at a moment, which is in left, or earlier.
func (c *Conn) alarm(at int64, left time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed() || c.due != 0 && c.due <= at {
		return
	}
	c.due = at
	if c.timer == nil {
		c.timer = time.AfterFunc(left, c.ring)
		return
	}
	c.timer.Reset(left)
}

// ring wakes whoever waits when a deadline has passed, and sets the timer for the next.
func (c *Conn) ring() {
	c.mu.Lock()
	c.due = 0
	c.mu.Unlock()
	next := int64(0)
	for _, by := range []*atomic.Int64{&c.readBy, &c.writeBy} {
		switch at := by.Load(); {
		case at == 0:
		case passed(by):
			c.unpark()
		case next == 0 || at < next:
			next = at
		}
	}
	if next > 0 {
		c.alarm(next, time.Until(epoch.Add(time.Duration(next))))
	}
}

// passed tells whether a deadline has passed.
func passed(by *atomic.Int64) bool {
	at := by.Load()
	return at > 0 && int64(time.Since(epoch)) >= at
}

// fail is err as net.TCPConn reports it.
func (c *Conn) fail(operation string, err error) error {
	return &net.OpError{Op: operation, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// send writes once, as receiveStamped reads.
func send(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), 0
		case unix.EINTR:
			continue
		}
		return 0, errno
	}
}
