package transparent_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/transparent"
)

// goroutines has every test run without parked connections.
var goroutines = flag.Bool("goroutines", false, "give every side of a tunnel a goroutine that waits for it")

// patience bounds every wait for something that must happen.
const patience = 10 * time.Second

// fixture is a Server to which every connection seems redirected on its way to the
// one destination.
type fixture struct {
	t       *testing.T
	server  *transparent.Server
	address string
	records chan exchange.Record
	served  chan error
	ctx     context.Context // of Drain
	cut     context.CancelFunc
}

func (f *fixture) Observe(r exchange.Record) { f.records <- r }

// destination is the address of a listener; serve gets its connections.
func destination(t *testing.T, serve func(*net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn.(*net.TCPConn))
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// clients dials from another address than the Server does, where the system has one.
// Without a packet filter, the kernel lets a client and the Server's own connection to
// the destination share a local port, and the Server would see a loop.
var clients net.Dialer

func init() {
	if runtime.GOOS == "linux" { // where all of 127.0.0.0/8 is local
		clients.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}
	}
}

// fixtures counts the present fixtures: a goroutine that outlives the last is a leak.
var fixtures atomic.Int32

func newFixture(t *testing.T, to netip.AddrPort, change ...func(*transparent.Config)) *fixture {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, address: l.Addr().String(), records: make(chan exchange.Record, 1000), served: make(chan error, 1)}
	f.ctx, f.cut = context.WithCancel(context.Background())
	config := transparent.Config{
		Observer: f, Role: exchange.Client, SealedTLS: true, Goroutines: *goroutines,
		Original: func(*net.TCPConn) (netip.AddrPort, error) { return to, nil },
	}
	for _, c := range change {
		c(&config)
	}
	f.server = transparent.New(config)
	fixtures.Add(1)
	go func() { f.served <- f.server.Serve(l) }()
	t.Cleanup(func() {
		f.cut()
		_ = f.server.Drain(f.ctx)
		if err := <-f.served; err != nil {
			t.Errorf("serving: %v", err)
		}
		if fixtures.Add(-1) == 0 {
			eventually(t, "every goroutine to end", func() bool { return in("") == 0 })
		}
	})
	return f
}

func (f *fixture) dial() *peer {
	f.t.Helper()
	conn, err := clients.Dial("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	return newPeer(f.t, conn)
}

// turnedAway expects that the server resets a connection at once.
func (f *fixture) turnedAway() {
	f.t.Helper()
	conn, err := clients.Dial("tcp", f.address)
	if err == nil {
		defer func() { _ = conn.Close() }()
		newPeer(f.t, conn).breaks()
	} else if !errors.Is(err, syscall.ECONNRESET) {
		f.t.Error(err)
	}
}

func (f *fixture) record() exchange.Record {
	f.t.Helper()
	r := take(f.t, f.records)
	if r.Span.ID == (exchange.SpanID{}) || r.Span.Trace == (exchange.TraceID{}) {
		f.t.Errorf("recorded without a span: %+v", r.Span)
	}
	return r
}

func (f *fixture) counts(mode exchange.Mode, want uint64) {
	f.t.Helper()
	eventually(f.t, string(mode)+" to be counted", func() bool { return f.server.Connections()[mode] == want })
}

// in counts the goroutines of the package under test that are in a method.
func in(method string) int {
	return count(func(stack string) bool {
		return strings.Contains(stack, "proxy/transparent.(*") && strings.Contains(stack, method)
	})
}

// running counts the goroutines that serve, also the loops' own.
func running() int {
	return count(func(stack string) bool {
		return strings.Contains(stack, "proxy/transparent.(*") || strings.Contains(stack, "proxy/poller.")
	})
}

// count counts the goroutines of the process by their stacks.
func count(is func(stack string) bool) (n int) {
	all := make([]byte, 4<<20)
	all = all[:runtime.Stack(all, true)]
	for g := range strings.SplitSeq(string(all), "\n\n") {
		if is(g) {
			n++
		}
	}
	return n
}

// eventually waits for a condition that no event announces.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// take waits for what a goroutine sends.
func take[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("waited too long")
		panic("unreachable")
	}
}

// peer is one end of a conversation.
type peer struct {
	conn
	t *testing.T
	r *bufio.Reader
}

// conn is a *net.TCPConn or a *poller.Conn.
type conn interface {
	net.Conn
	CloseWrite() error
	SetLinger(sec int) error
}

func newPeer(t *testing.T, c net.Conn) *peer {
	_ = c.SetDeadline(time.Now().Add(patience))
	return &peer{conn: c.(conn), t: t, r: bufio.NewReader(c)}
}

func (p *peer) send(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, s); err != nil {
		p.t.Errorf("sending %.40q: %v", s, err)
	}
}

func (p *peer) expect(want string) {
	p.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(p.r, got); err != nil || string(got) != want {
		p.t.Errorf("got %.80q (%v), want %.80q", got[:n], err, want)
	}
}

// ends expects the orderly end of the other side.
func (p *peer) ends() {
	p.t.Helper()
	if b, err := p.r.ReadByte(); !errors.Is(err, io.EOF) {
		p.t.Errorf("got %q and %v, want the end", b, err)
	}
}

// breaks expects a reset.
func (p *peer) breaks() {
	p.t.Helper()
	if b, err := p.r.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		p.t.Errorf("got %q and %v, want a reset", b, err)
	}
}

func (p *peer) reset() {
	_ = p.SetLinger(0)
	_ = p.Close()
}
