package poller_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/nettest"
	"golang.org/x/sys/unix"

	"github.com/headway-sidecar/headway/proxy/poller"
)

// patience bounds every wait for an event that must happen.
const patience = 20 * time.Second

// pipe returns a connection of p and its other end.
func pipe(t testing.TB, p *poller.Poller) (near *poller.Conn, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	near, ok := p.Take(accepted)
	if !ok {
		t.Fatal("not taken")
	}
	t.Cleanup(func() { _, _ = near.Close(), dialed.Close() })
	return near, dialed.(*net.TCPConn)
}

// loops counts the goroutines of pollers.
func loops() int {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	return strings.Count(string(all), "poller.(*Leader).serve")
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// TestConnIsANetConn runs the tests that every net.Conn has to pass.
func TestConnIsANetConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		p := poller.New()
		near, far := pipe(t, p)
		other, ok := p.Take(far)
		if !ok {
			return nil, nil, nil, errors.New("not taken")
		}
		return near, other, func() { _, _ = near.Close(), other.Close() }, nil
	})
	eventually(t, "the loops to end", func() bool { return loops() == 0 })
}

// read parks the connection again and again, and returns all its bytes.
func read(t testing.TB, c *poller.Conn) <-chan []byte {
	t.Helper()
	whole := make(chan []byte, 1)
	var all []byte
	p := make([]byte, 1000)
	var step func(*poller.Leader)
	step = func(*poller.Leader) {
		for {
			n, err := c.ReadNow(p)
			all = append(all, p[:n]...)
			switch {
			case errors.Is(err, poller.ErrWait):
				if c.Park(step) {
					return
				}
			case err != nil:
				whole <- all
				return
			}
		}
	}
	go step(nil)
	return whole
}

// TestParkedConnReadsEverything, however its bytes and its end come.
func TestParkedConnReadsEverything(t *testing.T) {
	for name, tt := range map[string]struct {
		write       func(*net.TCPConn)
		least, most int
	}{
		"at once":             {func(far *net.TCPConn) { _, _ = far.Write(make([]byte, 1<<20)) }, 1 << 20, 1 << 20},
		"byte by byte":        {func(far *net.TCPConn) { each(10_000, func() { _, _ = far.Write([]byte{1}) }) }, 10_000, 10_000},
		"as much as one read": {func(far *net.TCPConn) { each(1000, func() { _, _ = far.Write(make([]byte, 1000)) }) }, 1_000_000, 1_000_000},
		"with pauses": {func(far *net.TCPConn) {
			each(20, func() { _, _ = far.Write([]byte("token")); time.Sleep(time.Millisecond) })
		}, 100, 100},
		"nothing but an end":    {func(*net.TCPConn) {}, 0, 0},
		"with urgent bytes":     {sendUrgent, 600, 700}, // an urgent byte is among the others when the next has come
		"its end with its data": {func(far *net.TCPConn) { time.Sleep(10 * time.Millisecond); _, _ = far.Write([]byte("token")) }, 5, 5},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := pipe(t, poller.New())
			whole := read(t, near)
			tt.write(far)
			_ = far.Close()
			if n := len(<-whole); n < tt.least || n > tt.most {
				t.Errorf("%d bytes, want %d to %d", n, tt.least, tt.most)
			}
		})
	}
}

func sendUrgent(far *net.TCPConn) {
	raw, err := far.SyscallConn()
	if err != nil {
		return
	}
	each(100, func() {
		_ = raw.Control(func(fd uintptr) { _ = unix.Send(int(fd), []byte("abc"), unix.MSG_OOB) })
		_, _ = far.Write([]byte("defg"))
	})
}

func each(n int, do func()) {
	for range n {
		do()
	}
}

// TestParkedFunctionIsCalledOnce, for bytes, an end, a deadline and a Close alike.
func TestParkedFunctionIsCalledOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		cause func(near *poller.Conn, far *net.TCPConn)
		leads bool
		want  error
	}{
		"bytes":           {func(_ *poller.Conn, far *net.TCPConn) { _, _ = far.Write([]byte("token")) }, true, nil},
		"an end":          {func(_ *poller.Conn, far *net.TCPConn) { _ = far.CloseWrite() }, true, io.EOF},
		"a reset":         {func(_ *poller.Conn, far *net.TCPConn) { _, _ = far.SetLinger(0), far.Close() }, true, unix.ECONNRESET},
		"a close":         {func(near *poller.Conn, _ *net.TCPConn) { _ = near.Close() }, false, net.ErrClosed},
		"a deadline":      {func(near *poller.Conn, _ *net.TCPConn) { _ = near.SetReadDeadline(time.Now().Add(time.Millisecond)) }, false, os.ErrDeadlineExceeded},
		"a past deadline": {func(near *poller.Conn, _ *net.TCPConn) { _ = near.SetReadDeadline(time.Unix(1, 0)) }, false, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := pipe(t, poller.New())
			calls := make(chan *poller.Leader, 10)
			if !near.Park(func(l *poller.Leader) { calls <- l }) {
				t.Fatal("not parked")
			}
			tt.cause(near, far)
			if l := <-calls; (l != nil) != tt.leads {
				t.Errorf("called with the leader %v", l)
			}
			if _, err := near.ReadNow(make([]byte, 10)); !errors.Is(err, tt.want) {
				t.Errorf("the read's error is %v, want %v", err, tt.want)
			}
			_ = near.Close()
			select {
			case <-calls:
				t.Error("called again")
			case <-time.After(5 * time.Millisecond):
			}
		})
	}
}

// TestNobodyParksWhereThereIsSomethingToRead.
func TestNobodyParksWhereThereIsSomethingToRead(t *testing.T) {
	near, far := pipe(t, poller.New())
	_, _ = far.Write([]byte("token"))
	eventually(t, "the bytes", func() bool { return !near.Park(func(*poller.Leader) {}) })
}

// TestLoopGoesOnWithoutItsLeader: functions that wait step down, and no other connection
// notices.
func TestLoopGoesOnWithoutItsLeader(t *testing.T) {
	const waiting = 50
	p := poller.New()
	release, done := make(chan struct{}), make(chan struct{}, waiting)
	for range waiting {
		near, far := pipe(t, p)
		near.Park(func(l *poller.Leader) {
			if !l.Leads() {
				t.Error("it does not lead")
			}
			l.StepDown()
			l.StepDown()
			<-release
			done <- struct{}{}
		})
		_, _ = far.Write([]byte("a"))
	}
	for range waiting {
		near, far := pipe(t, p)
		whole := read(t, near)
		_, _ = far.Write([]byte("token"))
		_ = far.Close()
		if got := <-whole; string(got) != "token" {
			t.Errorf("got %q", got)
		}
	}
	close(release)
	for range waiting {
		<-done
	}
}

// TestLaterComesAfterTheOthers: a function that asks for its next turn again and again
// does not keep the others from theirs.
func TestLaterComesAfterTheOthers(t *testing.T) {
	p := poller.New()
	var stop atomic.Bool
	stopped := make(chan struct{}, 8)
	for range cap(stopped) { // on every loop
		near, far := pipe(t, p)
		var again func(*poller.Leader)
		again = func(l *poller.Leader) {
			if stop.Load() {
				stopped <- struct{}{}
				return
			}
			l.Later(again)
		}
		near.Park(again)
		_, _ = far.Write([]byte("a"))
	}
	for range 20 {
		near, far := pipe(t, p)
		whole := read(t, near)
		_, _ = far.Write([]byte("token"))
		_ = far.Close()
		<-whole
	}
	stop.Store(true)
	each(cap(stopped), func() { <-stopped })
}

// TestWriterWaitsForRoom, and the stall is reported each time.
func TestWriterWaitsForRoom(t *testing.T) {
	near, far := pipe(t, poller.New())
	stalls := 0
	near.OnStall(func() { stalls++ })
	const size = 16 << 20
	got := make(chan int64)
	go func() {
		time.Sleep(20 * time.Millisecond)
		n, _ := io.Copy(io.Discard, far)
		got <- n
	}()
	if n, err := near.Write(make([]byte, size)); n != size || err != nil {
		t.Fatal(n, err)
	}
	if err := near.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n := <-got; n != size || stalls == 0 || near.BytesSent() != size {
		t.Errorf("%d bytes came of %d, %d stalls, %d sent", n, size, stalls, near.BytesSent())
	}
	eventually(t, "the acknowledgement", func() bool { n, known := near.Acknowledged(); return known && n == size })
}

// TestWriteNowDoesNotWait.
func TestWriteNowDoesNotWait(t *testing.T) {
	near, _ := pipe(t, poller.New())
	n, err := near.WriteNow(make([]byte, 64<<20))
	if !errors.Is(err, poller.ErrWait) || n == 0 || int64(n) != near.BytesSent() {
		t.Errorf("%d bytes, %v; %d sent", n, err, near.BytesSent())
	}
	if _, known := near.Acknowledged(); !known {
		t.Error("unknown what is acknowledged")
	}
}

// TestDepartureShowsBehindUnreadBytes.
func TestDepartureShowsBehindUnreadBytes(t *testing.T) {
	for name, tt := range map[string]struct {
		byReset bool
		leave   func(near *poller.Conn, far *net.TCPConn)
		left    bool
	}{
		"an end":  {false, func(_ *poller.Conn, far *net.TCPConn) { _ = far.CloseWrite() }, true},
		"a reset": {true, func(_ *poller.Conn, far *net.TCPConn) { _, _ = far.SetLinger(0), far.Close() }, true},
		"no reset in time": {true, func(near *poller.Conn, far *net.TCPConn) {
			_ = far.CloseWrite()
			_ = near.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		}, false},
		"a close of our own": {false, func(near *poller.Conn, _ *net.TCPConn) { _ = near.Close() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := pipe(t, poller.New())
			_, _ = far.Write([]byte("unread"))
			go func() {
				time.Sleep(5 * time.Millisecond)
				tt.leave(near, far)
			}()
			if left := near.AwaitDeparture(tt.byReset); left != tt.left {
				t.Errorf("left: %v, want %v", left, tt.left)
			}
		})
	}
}

// TestTLSIsDrivenWithoutWaiting: a record that comes in parts is whole in the end.
func TestTLSIsDrivenWithoutWaiting(t *testing.T) {
	cert, pool := certificate(t)
	near, far := pipe(t, poller.New())
	server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}})
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	client := tls.Client(near, &tls.Config{RootCAs: pool, ServerName: "example.com"})
	if err := errors.Join(client.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	const size = 300_000
	go func() {
		_, _ = server.Write(make([]byte, size))
		_ = server.Close()
	}()
	near.NeverWait(true)
	total, waits := 0, 0
	p := make([]byte, 16<<10)
	for {
		n, err := client.Read(p)
		total += n
		if errors.Is(err, poller.ErrWait) {
			again := make(chan struct{})
			if waits++; near.Park(func(*poller.Leader) { close(again) }) {
				<-again
			}
			continue
		}
		if err != nil {
			if total != size || !errors.Is(err, io.EOF) || waits == 0 {
				t.Errorf("%d bytes of %d, %d waits, then %v", total, size, waits, err)
			}
			return
		}
	}
}

// TestOnlyTCPIsTaken.
func TestOnlyTCPIsTaken(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _, _ = near.Close(), far.Close() }()
	if _, ok := poller.New().Take(near); ok {
		t.Error("it took a pipe")
	}
}

// TestManyConnectionsNeedFewGoroutines, and none when they are gone.
func TestManyConnectionsNeedFewGoroutines(t *testing.T) {
	eventually(t, "the loops before to end", func() bool { return loops() == 0 })
	p := poller.New()
	var open []*poller.Conn
	for range 300 {
		near, far := pipe(t, p)
		_ = read(t, near)
		_, _ = far.Write([]byte("token"))
		open = append(open, near)
	}
	if n := loops(); n == 0 || n > 9*runtime.GOMAXPROCS(0) {
		t.Errorf("%d goroutines", n)
	}
	for _, c := range open {
		_ = c.Close()
	}
	eventually(t, "the loops to end", func() bool { return loops() == 0 })
}

// certificate is one of a server for example.com, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s.TLS.Certificates[0], pool
}

// TestSpliceMovesBytes until none are left, also while the receiver does not read, and
// reports the end of the source.
func TestSpliceMovesBytes(t *testing.T) {
	p := poller.New()
	src, sender := pipe(t, p)
	dst, receiver := pipe(t, p)
	sent := make([]byte, 24<<20)
	for i := range sent {
		sent[i] = byte(i * i >> 8)
	}
	go func() {
		_, _ = sender.Write(sent)
		_ = sender.CloseWrite()
	}()
	moved := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			src.AwaitRead()
			err = poller.Splice(dst, src)
		}
		_ = dst.CloseWrite()
		moved <- err
	}()
	stalled := dst.BytesSent()
	eventually(t, "the receiver's kernel to be full", func() bool {
		before := stalled
		stalled = dst.BytesSent()
		time.Sleep(5 * time.Millisecond)
		return stalled > 0 && stalled == before
	})
	if got, err := io.ReadAll(receiver); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes of %d arrived, or others (%v)", len(got), len(sent), err)
	}
	if err := <-moved; !errors.Is(err, io.EOF) || dst.BytesSent() != int64(len(sent)) {
		t.Errorf("%v, %d bytes counted", err, dst.BytesSent())
	}
}

// TestSpliceEndsWithEitherConnection, also while it waits for room.
func TestSpliceEndsWithEitherConnection(t *testing.T) {
	p := poller.New()
	src, sender := pipe(t, p)
	dst, _ := pipe(t, p)
	go func() { _, _ = io.Copy(sender, zeros{}) }()
	moved := make(chan error, 1)
	go func() {
		var err error
		for err == nil {
			src.AwaitRead()
			err = poller.Splice(dst, src)
		}
		moved <- err
	}()
	eventually(t, "bytes to move", func() bool { return dst.BytesSent() > 0 })
	_ = dst.Close()
	if err := <-moved; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	_ = src.Close()
	if err := poller.Splice(dst, src); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
