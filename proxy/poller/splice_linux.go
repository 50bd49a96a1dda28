package poller

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeSize is the size of the pipe between two sockets: as much as the kernel grants
// anybody (pipe(7)).
const pipeSize = 1 << 20

// Splice moves bytes from src to dst inside the kernel, until src has none left for now.
// It waits while dst has no room. Its error is io.EOF at the end of src. It moves nothing
// if there is no descriptor left for a pipe. One goroutine at a time may splice from, or
// read from, src; the same holds for dst and writes.
func Splice(dst, src *Conn) error {
	var pipe [2]int
	if unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return nil
	}
	defer func() {
		_ = unix.Close(pipe[0])
		_ = unix.Close(pipe[1])
	}()
	_, _ = unix.FcntlInt(uintptr(pipe[1]), unix.F_SETPIPE_SZ, pipeSize) // a smaller one does, too
	for {
		n, err := src.draw(pipe[1])
		switch {
		case errors.Is(err, ErrWait):
			return nil
		case err != nil:
			return err
		}
		if err := dst.pour(pipe[0], n); err != nil {
			return err
		}
	}
}

// draw moves bytes into an empty pipe, once, without waiting. Its errors are ReadNow's.
func (c *Conn) draw(pipe int) (int, error) {
	if passed(&c.readBy) {
		return 0, c.fail("splice", os.ErrDeadlineExceeded)
	}
	if !c.acquire() {
		return 0, c.fail("splice", net.ErrClosed)
	}
	c.state.And(^readable)
	n, errno := splice(int(c.fd), pipe, pipeSize)
	c.release()
	if errno == unix.EAGAIN {
		return 0, ErrWait
	}
	c.leaveReadable()
	switch {
	case errno != 0:
		return 0, c.fail("splice", os.NewSyscallError("splice", errno))
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// pour moves the n bytes of a pipe to the connection, and waits for room.
func (c *Conn) pour(pipe, n int) error {
	for n > 0 {
		moved, err := c.pourNow(pipe, n)
		n -= moved
		switch {
		case errors.Is(err, ErrWait):
			c.awaitRoom()
		case err != nil:
			return err
		}
	}
	return nil
}

// pourNow is pour, once, without waiting. Its errors are WriteNow's.
func (c *Conn) pourNow(pipe, n int) (int, error) {
	if passed(&c.writeBy) {
		return 0, c.fail("splice", os.ErrDeadlineExceeded)
	}
	if !c.acquire() {
		return 0, c.fail("splice", net.ErrClosed)
	}
	defer c.release()
	c.state.And(^writable)
	c.calling.Store(true)
	moved, errno := splice(pipe, int(c.fd), n)
	c.sent.Add(int64(moved))
	c.calling.Store(false)
	if errno == unix.EAGAIN {
		errno = c.watchRoom()
	}
	switch {
	case errno == unix.EAGAIN:
		return moved, ErrWait
	case errno != 0:
		return moved, c.fail("splice", os.NewSyscallError("splice", errno))
	}
	return moved, nil
}

// splice moves bytes once. It announces the call to Go's scheduler, because moving a
// pipe's bytes takes its time.
func splice(from, to, most int) (int, syscall.Errno) {
	for {
		n, err := unix.Splice(from, nil, to, nil, most, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		var errno syscall.Errno
		switch {
		case !errors.As(err, &errno):
			return int(n), 0
		case errno != unix.EINTR:
			return 0, errno
		}
	}
}
