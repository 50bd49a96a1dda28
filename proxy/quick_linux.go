package proxy

import (
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// quickConn is a TCP connection that makes its system calls without announcing them
// to Go's scheduler. Its socket is non-blocking, so the scheduler need not know; but on
// a machine with idle processors every announced call wakes the runtime's monitor
// thread, which costs more than the call itself.
//
// One goroutine may read while another writes; two must not read, nor write, at once.
type quickConn struct {
	*net.TCPConn
	raw syscall.RawConn

	sent    atomic.Int64 // bytes that the kernel has taken
	calling atomic.Bool  // a write is in the kernel, and sent does not have its bytes yet
	stall   func()       // Write calls it when it has to wait; may be nil
	poll    poll

	reading, writing transfer

	borrowing func(fd uintptr) bool // reads into a buffer that it borrows
	lender    *buffers
	lent      *[readBuffer]byte
}

// transfer is one read or write: its buffer, and the kernel's answer.
type transfer struct {
	p     []byte
	n     int
	errno syscall.Errno
	call  func(fd uintptr) bool // makes the system call; made once, so that a transfer allocates nothing
}

// quick returns a quickConn of conn if conn is TCP, else conn itself.
func quick(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	q := &quickConn{TCPConn: tcp, raw: raw}
	q.reading.call = q.reading.do(trapRead)
	write := q.writing.do(trapWrite)
	q.writing.call = func(fd uintptr) bool {
		q.calling.Store(true)
		taken := write(fd)
		if taken && q.writing.errno == 0 {
			q.sent.Add(int64(q.writing.n))
		}
		q.calling.Store(false)
		if !taken && q.stall != nil {
			q.stall()
		}
		return taken
	}
	q.poll.call = q.poll.do
	q.borrowing = func(fd uintptr) bool {
		q.lent = q.lender.get()
		q.reading.p = q.lent[:]
		if q.reading.call(fd) {
			return true
		}
		q.lender.put(q.lent)
		q.lent = nil
		return false
	}
	return q
}

// readBorrowed implements borrower.
func (q *quickConn) readBorrowed(from *buffers) (*[readBuffer]byte, int, error) {
	q.lender = from
	n, err := q.read(q.borrowing)
	lent := q.lent
	q.lent = nil
	if lent == nil { // there was never anything to read
		lent = from.get()
	}
	return lent, n, err
}

// do returns a function that makes the system call once. That function returns false
// when the caller has to wait for the socket.
func (t *transfer) do(trap uintptr) func(fd uintptr) bool {
	return func(fd uintptr) bool {
		for {
			n, _, errno := syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.p))), uintptr(len(t.p)), 0, 0, 0)
			switch errno {
			case syscall.EINTR:
				continue
			case syscall.EAGAIN:
				return false
			}
			t.n, t.errno = int(n), errno
			return true
		}
	}
}

// Read reads once, waiting until there is something to read.
func (q *quickConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	q.reading.p = p
	return q.read(q.reading.call)
}

func (q *quickConn) read(call func(fd uintptr) bool) (int, error) {
	t := &q.reading
	err := q.raw.Read(call)
	t.p = nil
	switch {
	case err != nil:
		return 0, err
	case t.errno != 0:
		return 0, q.failed("read", t.errno)
	case t.n == 0:
		return 0, io.EOF
	}
	return t.n, nil
}

// Write writes all of p, waiting for the other side to take it.
func (q *quickConn) Write(p []byte) (int, error) {
	t := &q.writing
	for done := 0; done < len(p); done += t.n {
		t.p = p[done:]
		err := q.raw.Write(t.call)
		t.p = nil
		if err == nil && t.errno != 0 {
			err = q.failed("write", t.errno)
		}
		if err != nil {
			return done, err
		}
	}
	return len(p), nil
}

func (q *quickConn) failed(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Source: q.LocalAddr(), Addr: q.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
}
