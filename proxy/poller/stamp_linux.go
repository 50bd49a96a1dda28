package poller

import (
	"encoding/binary"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// StampArrivals has the kernel stamp what a listener's connections, or a connection,
// receive: see enableStamps. A listener that asks for stamps once saves each of its
// connections the call.
func StampArrivals(of syscall.Conn) bool {
	raw, err := of.SyscallConn()
	if err != nil {
		return false
	}
	enabled := false
	err = raw.Control(func(fd uintptr) { enabled = enableStamps(int(fd)) })
	return err == nil && enabled
}

// enableStamps has the kernel stamp what the socket receives with the moment at which it
// came, and tell the stamps to receiveStamped. It returns false where the kernel does not
// know how: then no read has a stamp, and nothing else changes.
//
// The stamp is CLOCK_REALTIME, taken when the driver hands the packet to the kernel, on
// loopback when the sender's write hands it over (timestamping.rst, RX_SOFTWARE). The first
// socket of the machine that asks for stamps makes the kernel stamp every packet of the
// machine, of all network namespaces; the kernel begins some time after the call. So what
// came before it has no stamp. A socket inherits the option from its listener.
func enableStamps(fd int) bool {
	const flags = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, flags) == nil {
		return true
	}
	// Before Linux 5.1 there is only the option whose format depends on the size of a word.
	return wideWord && unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, flags) == nil
}

// wideWord says that the kernel's old and new formats of stamps are the same.
const wideWord = unsafe.Sizeof(uintptr(0)) == 8

// stampControl has room for the control message of a stamp: its head, and three times of two
// words of 64 bits each, of which the first is that of software. It is in words so that it
// is aligned as the kernel wants it.
type stampControl [unix.SizeofCmsghdr/8 + 1 + 3*2]uint64

// receiveStamped reads once, without waiting, and returns the stamp of the bytes as well:
// nanoseconds of CLOCK_REALTIME, 0 if there is none. It allocates nothing, and does not
// announce the call to Go's scheduler, because the call does not wait: on a machine with
// idle processors every announced call wakes the runtime's monitor thread, which costs more
// than the call itself.
//
// A read may return the bytes of many segments. The stamp is that of the last of them: the
// moment at which the last byte of the read had come, and all others had before
// (tcp_recvmsg_locked takes the stamp of each buffer that it copies from, also in part).
// Two cases are different. The kernel may have joined the last segment with later ones that
// the read did not get to (tcp_try_coalesce): the stamp is that of the latest, and still
// not later than the read. And segments that came out of order keep the moment at which
// they came, though nobody could read them before the gap was closed: their stamp may be
// earlier than that of the bytes before them.
func receiveStamped(fd int, p []byte) (n int, stamp int64, errno syscall.Errno) {
	var control stampControl
	part := unix.Iovec{Base: unsafe.SliceData(p)}
	part.SetLen(len(p))
	for {
		message := unix.Msghdr{Iov: &part, Control: (*byte)(unsafe.Pointer(&control))}
		message.SetIovlen(1)
		message.SetControllen(int(unsafe.Sizeof(control)))
		n, _, errno := syscall.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)), unix.MSG_DONTWAIT)
		switch errno {
		case 0:
			return int(n), control.stamp(int(message.Controllen)), 0
		case unix.EINTR:
			continue
		}
		return 0, 0, errno
	}
}

// stamp is the stamp in the first length bytes, 0 if there is none. No other message can be
// there, because enableStamps asks for no other.
func (c *stampControl) stamp(length int) int64 {
	const end = unix.SizeofCmsghdr + 16
	if length < end {
		return 0
	}
	head := (*unix.Cmsghdr)(unsafe.Pointer(c))
	known := head.Type == unix.SO_TIMESTAMPING_NEW || wideWord && head.Type == unix.SO_TIMESTAMPING
	if head.Level != unix.SOL_SOCKET || !known {
		return 0
	}
	at := unsafe.Slice((*byte)(unsafe.Pointer(c)), end)[unix.SizeofCmsghdr:]
	seconds, rest := binary.NativeEndian.Uint64(at), binary.NativeEndian.Uint64(at[8:])
	return int64(seconds)*int64(time.Second) + int64(rest)
}
