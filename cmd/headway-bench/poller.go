package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poller is a single-threaded epoll loop. Both ends of the benchmark use it rather than goroutines on
// net.Conn: the runtime rounds an idle timer up to a millisecond, and at 20,000 events a second its
// scheduler would be a visible part of the figures.
type poller struct {
	clock  clock
	epoll  int
	ready  []unix.EpollEvent
	buffer []byte
	conns  map[int32]*conn
	ended  bool // the pipe of watchEnd is closed
}

// conn is one non-blocking socket of a poller. The poller calls onRead with bytes, which are valid until
// it returns, and with the time right after the read. It calls onClose once, with io.EOF when the peer
// closed, and not at all when the owner called close.
type conn struct {
	poller  *poller
	fd      int
	unsent  []byte // waits for room in the socket
	waiting bool   // epoll watches for that room
	closed  bool
	sealed  *tls.Conn // nil without TLS
	stamped bool      // the kernel stamps arrivals, see stampArrivals
	ahead   int64     // how far its clock is ahead of the poller's
	onRead  func(p []byte, at int64)
	onClose func(err error)
	// onAccept makes the socket a listening one; the poller calls it with every new connection.
	onAccept func(c *conn)
}

// newPoller makes a poller for the calling thread, and asks the kernel for exact timers on that thread.
func newPoller() (*poller, error) {
	clock, err := newClock()
	if err != nil {
		return nil, fmt.Errorf("reading the monotonic clock: %w", err)
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("creating an epoll instance: %w", err)
	}
	// The default timer slack is 50 µs, as long as the time between two events of the soak scenario.
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("setting the timer slack: %w", err)
	}
	return &poller{
		clock:  clock,
		epoll:  epoll,
		ready:  make([]unix.EpollEvent, 256),
		buffer: make([]byte, 64<<10),
		conns:  map[int32]*conn{},
	}, nil
}

// listen accepts connections on 127.0.0.1 and returns the port that the kernel chose.
func (p *poller) listen(onAccept func(c *conn)) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("creating a socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, fmt.Errorf("binding to loopback: %w", err)
	}
	if err := unix.Listen(fd, 4096); err != nil {
		return 0, fmt.Errorf("listening: %w", err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return 0, fmt.Errorf("reading the bound address: %w", err)
	}
	c := &conn{poller: p, fd: fd, onAccept: onAccept}
	return bound.(*unix.SockaddrInet4).Port, p.add(c)
}

// watchEnd sets p.ended when the pipe fd closes.
func (p *poller) watchEnd(fd int) error {
	c := &conn{poller: p, fd: fd, onRead: func([]byte, int64) {}, onClose: func(error) { p.ended = true }}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("watching standard input: %w", err)
	}
	p.conns[int32(fd)] = c
	return nil
}

// dial connects to 127.0.0.1:port. On loopback the kernel completes the handshake inside connect, unless the
// listener's backlog is full; then what the owner writes waits until the connection is made.
func (p *poller) dial(port int) (*conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("creating a socket: %w", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("connecting to port %d: %w", port, err)
	}
	c := &conn{poller: p, fd: fd}
	return c, p.add(c)
}

// add makes epoll watch a socket.
func (p *poller) add(c *conn) error {
	if c.onAccept == nil {
		if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return fmt.Errorf("setting TCP_NODELAY: %w", err)
		}
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
		return fmt.Errorf("adding a socket to epoll: %w", err)
	}
	p.conns[int32(c.fd)] = c
	return nil
}

// wait sleeps until a socket is ready or the clock reaches until, and serves every ready socket once.
func (p *poller) wait(until int64) error {
	n, err := p.sleep(max(until-p.clock.now(), 0))
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("waiting for epoll: %w", err)
	}
	for _, event := range p.ready[:n] {
		// An earlier handler of this batch may have closed the connection.
		if c := p.conns[event.Fd]; c != nil {
			c.serve(event.Events)
		}
	}
	return nil
}

// sleep is epoll_pwait2(2) with a timeout in nanoseconds. It makes a raw system call on purpose: around
// any other blocking call the runtime takes the only processor away and gives it back, which doubles
// the cost of an event. Nothing else in these processes needs the processor meanwhile.
func (p *poller) sleep(nanoseconds int64) (int, error) {
	timeout := unix.NsecToTimespec(nanoseconds)
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.epoll),
		uintptr(unsafe.Pointer(&p.ready[0])), uintptr(len(p.ready)), uintptr(unsafe.Pointer(&timeout)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// serve handles the events of a ready socket.
func (c *conn) serve(events uint32) {
	if c.onAccept != nil {
		c.accept()
		return
	}
	if events&unix.EPOLLOUT != 0 {
		unsent := c.unsent
		c.unsent = nil
		c.send(unsent)
	}
	if events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) == 0 || c.closed {
		return
	}
	// One read may bring several TLS records, and crypto/tls returns one at a time.
	more := true
	for more {
		more = c.read() && c.sealed != nil && !c.closed
	}
}

// read reads once, and reports whether there was something to read.
func (c *conn) read() bool {
	var n int
	var arrived int64
	var err error
	switch {
	case c.sealed != nil:
		n, err = c.sealed.Read(c.poller.buffer)
	case c.stamped:
		n, arrived, err = readStamped(c.fd, c.poller.buffer)
	default:
		n, err = unix.Read(c.fd, c.poller.buffer)
	}
	at := c.poller.clock.now()
	if arrived != 0 {
		at = arrived - c.ahead
	}
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), errors.Is(err, os.ErrDeadlineExceeded):
		return false
	case err != nil:
		c.fail(err)
	case n == 0:
		c.fail(io.EOF)
	default:
		c.onRead(c.poller.buffer[:n], at)
	}
	return true
}

func (c *conn) accept() {
	for {
		fd, _, err := unix.Accept4(c.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		accepted := &conn{poller: c.poller, fd: fd}
		if err := c.poller.add(accepted); err != nil {
			_ = unix.Close(fd)
			continue
		}
		c.onAccept(accepted)
	}
}

// write sends p; with TLS, in one record.
func (c *conn) write(p []byte) {
	if c.sealed == nil {
		c.send(p)
	} else if _, err := c.sealed.Write(p); err != nil {
		c.fail(err)
	}
}

// send writes as much of p as the socket takes, and keeps a copy of the rest for later.
func (c *conn) send(p []byte) {
	if c.closed {
		return
	}
	if len(c.unsent) > 0 {
		c.unsent = append(c.unsent, p...)
		return
	}
	n, err := unix.Write(c.fd, p)
	if err != nil && !errors.Is(err, unix.EAGAIN) {
		c.fail(err)
		return
	}
	if rest := p[max(n, 0):]; len(rest) > 0 {
		c.unsent = append([]byte(nil), rest...)
	}
	c.watchWritable(len(c.unsent) > 0)
}

// watchWritable starts or stops watching for room in the socket.
func (c *conn) watchWritable(wanted bool) {
	if c.waiting == wanted {
		return
	}
	c.waiting = wanted
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.fd)}
	if wanted {
		event.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(c.poller.epoll, unix.EPOLL_CTL_MOD, c.fd, &event); err != nil {
		c.fail(err)
	}
}

// fail closes the connection and reports the error to its owner.
func (c *conn) fail(err error) {
	if c.closed {
		return
	}
	c.close()
	if c.onClose != nil {
		c.onClose(err)
	}
}

func (c *conn) close() {
	if c.closed {
		return
	}
	c.closed = true
	delete(c.poller.conns, int32(c.fd))
	_ = unix.Close(c.fd)
}
