package proxy

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poll asks the kernel for the state of a socket, without waiting.
type poll struct {
	fd   unix.PollFd
	at   unix.Timespec    // zero
	call func(fd uintptr) // do; made once, so that a poll allocates nothing
}

func (p *poll) do(fd uintptr) {
	p.fd = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}
	p.at = unix.Timespec{}
	for {
		_, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p.fd)), 1, uintptr(unsafe.Pointer(&p.at)), 0, 0, 0)
		if errno != syscall.EINTR {
			return
		}
	}
}

// hungUp tells whether the other side has ended the connection.
func (p *poll) hungUp() bool {
	return p.fd.Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
}

// failed tells whether the connection has failed, by a reset of the other side for example.
func (p *poll) failed() bool { return p.fd.Revents&unix.POLLERR != 0 }

// bytesSent implements wire.
func (q *quickConn) bytesSent() int64 { return q.sent.Load() }

// acknowledged implements wire. A write that is under way may move the two numbers
// between a look at each, so it looks until they hold still. SIOCOUTQ is what the kernel
// still holds, sent or not (tcp(7)). It stays what it was when a reset comes.
func (q *quickConn) acknowledged() (int64, bool) {
	for {
		before := q.sent.Load()
		if q.calling.Load() { // for the moment of a system call that waits for nothing
			runtime.Gosched()
			continue
		}
		waiting, failed := 0, error(nil)
		if err := q.raw.Control(func(fd uintptr) { waiting, failed = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); err != nil || failed != nil {
			return 0, false
		}
		if !q.calling.Load() && q.sent.Load() == before {
			return max(0, before-int64(waiting)), true
		}
	}
}

// onStall implements wire. The caller sets f before the first write.
func (q *quickConn) onStall(f func()) { q.stall = f }

// hasEnded implements wire.
func (q *quickConn) hasEnded(quiet bool) bool {
	if err := q.raw.Control(q.poll.call); err != nil {
		return true
	}
	return q.poll.hungUp() || (quiet && q.poll.fd.Revents != 0)
}

// awaitDeparture implements departing.
func (q *quickConn) awaitDeparture(byReset bool) bool {
	left := false
	_ = q.raw.Read(func(fd uintptr) bool {
		q.poll.do(fd)
		left = q.poll.hungUp() && (!byReset || q.poll.failed())
		return left
	})
	return left
}
