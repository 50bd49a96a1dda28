package poller

import (
	"net"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// link is a TCP connection over loopback. Its receiving end is a descriptor that no
// poller knows.
type link struct {
	sender net.Conn
	fd     int
}

// newLink returns a link whose receiving end has stamps if stamped is true.
func newLink(t testing.TB, stamped bool) link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if stamped && !StampArrivals(l.(*net.TCPListener)) {
		t.Skip("this kernel stamps nothing")
	}
	sender, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sender.Close() })
	receiver, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = receiver.Close() }()
	raw, err := receiver.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	link := link{sender: sender}
	var duplicated error
	if err := raw.Control(func(fd uintptr) { link.fd, duplicated = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil || duplicated != nil {
		t.Fatal(err, duplicated)
	}
	t.Cleanup(func() { _ = unix.Close(link.fd) })
	return link
}

func (l *link) send(t testing.TB, text string) {
	t.Helper()
	if _, err := l.sender.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// await waits until so many bytes are there to read.
func (l *link) await(t testing.TB, n int) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if there, err := unix.IoctlGetInt(l.fd, unix.TIOCINQ); err != nil || there >= n {
			return
		}
		if time.Now().After(until) {
			t.Fatal("the bytes do not come")
		}
	}
}

// begin waits until the kernel stamps, which it does some time after somebody has asked.
func (l *link) begin(t testing.TB) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
		l.send(t, "?")
		l.await(t, 1)
		if _, stamp, _ := receiveStamped(l.fd, make([]byte, 1)); stamp != 0 {
			return
		}
	}
	t.Fatal("the kernel was asked for stamps, and stamps nothing")
}

// TestStampTellsWhenBytesCame has bytes wait before they are read.
func TestStampTellsWhenBytesCame(t *testing.T) {
	const wait = 50 * time.Millisecond
	l := newLink(t, true)
	l.begin(t)
	zero := time.Now()
	c := newStampClock(zero)
	before := time.Since(zero)
	l.send(t, "token")
	l.await(t, 5)
	there := time.Since(zero)
	time.Sleep(wait)
	p := make([]byte, 64)
	n, stamp, errno := receiveStamped(l.fd, p)
	if string(p[:n]) != "token" || errno != 0 {
		t.Fatalf("got %q, %v", p[:n], errno)
	}
	at, now := c.arrival(stamp, 0)
	if at < before-time.Duration(steady) || at > there+time.Duration(steady) || now-at < wait {
		t.Errorf("bytes that were sent at %v, there at %v, and read at %v are said to have come at %v", before, there, now, at)
	}
}

// TestStampIsThatOfTheLastByte reads two segments at once.
func TestStampIsThatOfTheLastByte(t *testing.T) {
	l := newLink(t, true)
	l.begin(t)
	l.send(t, "one ")
	l.await(t, 4)
	time.Sleep(20 * time.Millisecond)
	between := time.Now()
	l.send(t, "two")
	l.await(t, 7)
	p := make([]byte, 64)
	n, stamp, errno := receiveStamped(l.fd, p)
	if string(p[:n]) != "one two" || errno != 0 {
		t.Fatalf("got %q, %v", p[:n], errno)
	}
	if came := time.Unix(0, stamp); came.Before(between.Round(0)) {
		t.Errorf("the stamp is %v before the last segment was sent", between.Sub(came))
	}
}

func TestReadsWithoutStamps(t *testing.T) {
	l := newLink(t, false)
	l.send(t, "token")
	l.await(t, 5)
	p := make([]byte, 64)
	if n, stamp, errno := receiveStamped(l.fd, p); string(p[:n]) != "token" || stamp != 0 || errno != 0 {
		t.Errorf("got %q, stamp %d, %v", p[:n], stamp, errno)
	}
	if n, stamp, errno := receiveStamped(l.fd, p); n != 0 || stamp != 0 || errno != unix.EAGAIN {
		t.Errorf("with nothing to read: got %d bytes, stamp %d, %v", n, stamp, errno)
	}
	_ = l.sender.Close()
	l.await(t, 0)
	if n, stamp, errno := end(l.fd); n != 0 || stamp != 0 || errno != 0 {
		t.Errorf("at the end: got %d bytes, stamp %d, %v", n, stamp, errno)
	}
}

// end waits for the end of what fd receives.
func end(fd int) (int, int64, syscall.Errno) {
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		n, stamp, errno := receiveStamped(fd, make([]byte, 1))
		if errno != unix.EAGAIN || time.Now().After(until) {
			return n, stamp, errno
		}
	}
}

// TestStampOfAnotherMessage has control messages that are no stamps.
func TestStampOfAnotherMessage(t *testing.T) {
	const length = unix.SizeofCmsghdr + 48
	stamped := func(level, kind int32) *stampControl {
		c := stampControl{unix.SizeofCmsghdr / 8: 3, unix.SizeofCmsghdr/8 + 1: 7}
		*(*unix.Cmsghdr)(unsafe.Pointer(&c)) = unix.Cmsghdr{Level: level, Type: kind}
		return &c
	}
	for _, test := range []struct {
		name        string
		level, kind int32
		length      int
		want        int64
	}{
		{"a stamp", unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, length, 3_000_000_007},
		{"a stamp of an old kernel", unix.SOL_SOCKET, unix.SO_TIMESTAMPING, length, 3_000_000_007},
		{"another level", unix.SOL_TCP, unix.SO_TIMESTAMPING_NEW, length, 0},
		{"another message", unix.SOL_SOCKET, unix.SO_TIMESTAMPNS_NEW, length, 0},
		{"a stamp cut off", unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, unix.SizeofCmsghdr + 8, 0},
		{"no message", unix.SOL_SOCKET, unix.SO_TIMESTAMPING_NEW, 0, 0},
	} {
		if got := stamped(test.level, test.kind).stamp(test.length); got != test.want && wideWord {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

func TestReceiveStampedAllocatesNothing(t *testing.T) {
	l := newLink(t, true)
	l.begin(t)
	const runs = 100
	l.send(t, string(make([]byte, runs+1)))
	l.await(t, runs+1)
	p := make([]byte, 1)
	if got := testing.AllocsPerRun(runs, func() {
		if _, stamp, errno := receiveStamped(l.fd, p); stamp == 0 || errno != 0 {
			t.Errorf("stamp %d, %v", stamp, errno)
		}
	}); got != 0 {
		t.Errorf("a read allocates %v times", got)
	}
}

// BenchmarkReceiveStamped reads events of a stream with stamps, and without in turns. Each
// is there before it is read. The ratio is that of the time in the reads.
func BenchmarkReceiveStamped(b *testing.B) {
	plain, stamped := newLink(b, false), newLink(b, true)
	stamped.begin(b)
	event := string(make([]byte, 300))
	p := make([]byte, 16<<10)
	var without, with time.Duration
	for b.Loop() {
		without += plain.timed(b, event, func(fd int) int { return receivePlain(fd, p) })
		with += stamped.timed(b, event, func(fd int) int { n, _, _ := receiveStamped(fd, p); return n })
	}
	b.ReportMetric(float64(without)/float64(b.N), "ns/recvfrom")
	b.ReportMetric(float64(with)/float64(b.N), "ns/recvmsg")
	b.ReportMetric(float64(with)/float64(without), "ratio")
	b.ReportMetric(0, "ns/op")
}

// receivePlain reads as a connection without stamps does.
func receivePlain(fd int, p []byte) int {
	n, _, _ := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	return int(n)
}

// timed sends text and returns how long it takes to read it.
func (l *link) timed(b *testing.B, text string, read func(fd int) int) time.Duration {
	l.send(b, text)
	began := time.Now()
	n := read(l.fd)
	took := time.Since(began)
	for n < len(text) { // it came late: this read counts nothing
		n += max(0, read(l.fd))
		took = 0
	}
	return took
}
