package poller

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Acknowledged counts the bytes sent that the other side's kernel has acknowledged. It is
// not known of a connection that is closed. A write that is under way may move the two
// numbers between a look at each, so it looks until they hold still. SIOCOUTQ is what the
// kernel still holds, sent or not (tcp(7)). It stays what it was when a reset comes.
func (c *Conn) Acknowledged() (n int64, known bool) {
	for {
		before := c.sent.Load()
		if c.calling.Load() { // for the moment of a system call that waits for nothing
			runtime.Gosched()
			continue
		}
		if !c.acquire() {
			return 0, false
		}
		waiting, err := unix.IoctlGetInt(int(c.fd), unix.SIOCOUTQ)
		c.release()
		if err != nil {
			return 0, false
		}
		if !c.calling.Load() && c.sent.Load() == before {
			return max(0, before-int64(waiting)), true
		}
	}
}

// HasEnded tells whether the other side of an idle connection has ended it. If quiet,
// bytes that nobody asked for count as an end, too. It asks the kernel, which may know
// more than the loop has reported.
func (c *Conn) HasEnded(quiet bool) bool {
	if !c.acquire() {
		return true
	}
	defer c.release()
	events := pollNow(int(c.fd))
	return events&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0 || (quiet && events != 0)
}

// pollNow returns the state of a socket, without waiting.
func pollNow(fd int) int16 {
	p := unix.PollFd{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}
	at := unix.Timespec{}
	for {
		_, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&at)), 0, 0, 0)
		if errno != unix.EINTR {
			return p.Revents
		}
	}
}

// AwaitDeparture waits until the other side has left, also behind bytes that nobody has
// read, and returns true then, or until the read deadline has passed or the connection is
// closed. If byReset, only a reset is a departure, and a FIN is none.
func (c *Conn) AwaitDeparture(byReset bool) bool {
	left := ended
	if byReset {
		left = failed
	}
	has := false
	c.await(func() bool {
		has = c.state.Load()&left != 0
		return has || c.isClosed() || passed(&c.readBy)
	})
	return has
}
