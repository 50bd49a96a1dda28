//go:build !386 && !s390x

package transparent

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// tcpLink makes its system calls without announcing them to Go's scheduler. Its socket
// is non-blocking, so the scheduler need not know; but on a machine with idle processors
// every announced call wakes the runtime's monitor thread, which costs more than the
// call itself. It uses the socket's own calls, which do not pass through the file layer
// as read and write do: that saves 5 % of an event.
type tcpLink struct {
	*net.TCPConn
	raw syscall.RawConn

	reading, writing transfer
	lender           *buffers
	lent             *buffer
	borrowing        func(fd uintptr) bool
}

// transfer is one read or write: its buffer, and the kernel's answer.
type transfer struct {
	p     []byte
	n     int
	errno syscall.Errno
	call  func(fd uintptr) bool // makes the system call; made once, so that a transfer allocates nothing
}

func newLink(conn net.Conn) link {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return plainLink{conn}
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return plainLink{conn}
	}
	l := &tcpLink{TCPConn: tcp, raw: raw}
	l.reading.call = l.reading.receive
	l.writing.call = l.writing.send
	l.borrowing = l.borrow
	return l
}

// receive reads once. It returns false when the caller has to wait for the socket.
func (t *transfer) receive(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.p))), uintptr(len(t.p)), 0, 0, 0)
		if errno != syscall.EINTR {
			return t.answered(n, errno)
		}
	}
}

// send writes once. It returns false when the caller has to wait for the socket.
func (t *transfer) send(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.p))), uintptr(len(t.p)), syscall.MSG_NOSIGNAL, 0, 0)
		if errno != syscall.EINTR {
			return t.answered(n, errno)
		}
	}
}

func (t *transfer) answered(n uintptr, errno syscall.Errno) bool {
	t.n, t.errno = int(n), errno
	return errno != syscall.EAGAIN
}

// borrow reads once into a buffer that it borrows. It returns false, without a buffer,
// when the caller has to wait for the socket.
func (l *tcpLink) borrow(fd uintptr) bool {
	b := l.lender.get()
	l.reading.p = b[:]
	if !l.reading.receive(fd) {
		l.lender.put(b)
		return false
	}
	l.lent = b
	return true
}

func (l *tcpLink) bare() net.Conn { return l.TCPConn }

func (l *tcpLink) receive(from *buffers) (*buffer, int, error) {
	l.lender = from
	n, err := l.read(l.borrowing)
	b := l.lent
	l.lent = nil
	if b == nil { // there was never anything to read
		b = from.get()
	}
	return b, n, err
}

// Read reads once, waiting until there is something to read.
func (l *tcpLink) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	l.reading.p = p
	return l.read(l.reading.call)
}

func (l *tcpLink) read(call func(fd uintptr) bool) (int, error) {
	t := &l.reading
	err := l.raw.Read(call)
	t.p = nil
	switch {
	case err != nil:
		return 0, err
	case t.errno != 0:
		return 0, os.NewSyscallError("recvfrom", t.errno)
	case t.n == 0:
		return 0, io.EOF
	}
	return t.n, nil
}

// Write writes all of p, waiting for the other side to take it.
func (l *tcpLink) Write(p []byte) (int, error) {
	t := &l.writing
	for done := 0; done < len(p); done += t.n {
		t.p = p[done:]
		err := l.raw.Write(t.call)
		t.p = nil
		if err == nil && t.errno != 0 {
			err = os.NewSyscallError("sendto", t.errno)
		}
		if err != nil {
			return done, err
		}
	}
	return len(p), nil
}
