package transparent_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sockets"
	"github.com/headway-sidecar/headway/proxy/transparent"
)

// pair is the two ends of a tunnel.
func pair(t *testing.T, change ...func(*transparent.Config)) (f *fixture, client *peer, server <-chan *peer) {
	t.Helper()
	arrived := make(chan *peer, 10)
	f = newFixture(t, destination(t, func(c *net.TCPConn) { arrived <- newPeer(t, c) }), change...)
	return f, f.dial(), arrived
}

func TestRawTunnelCarriesBothWays(t *testing.T) {
	f, client, server := pair(t)
	client.send("*1\r\n$4\r\nPING\r\n")
	s := take(t, server)
	s.expect("*1\r\n$4\r\nPING\r\n")
	s.send("+PONG\r\n")
	client.expect("+PONG\r\n")
	f.counts(exchange.Raw, 1)
	if n := f.server.Open(); n != 1 {
		t.Errorf("%d open", n)
	}
	_ = client.CloseWrite() // the tunnel passes a half-close on as a half-close
	s.ends()
	s.send("bye")
	_ = s.Close()
	client.expect("bye")
	client.ends()
	eventually(t, "the tunnel to end", func() bool { return f.server.Open() == 0 })
}

func TestTunnelPassesResetsOn(t *testing.T) {
	for name, hello := range map[string]string{"raw": "*1\r\n", "sealed": "\x16\x03\x01\x00\x01\x01"} {
		t.Run("from the server, "+name, func(t *testing.T) {
			_, client, server := pair(t)
			client.send(hello)
			s := take(t, server)
			s.expect(hello)
			s.reset()
			client.breaks()
		})
		t.Run("from the client, "+name, func(t *testing.T) {
			_, client, server := pair(t)
			client.send(hello)
			s := take(t, server)
			s.expect(hello)
			client.reset()
			s.breaks()
		})
	}
}

func TestServerThatSpeaksFirstIsHeard(t *testing.T) {
	f, client, server := pair(t, func(c *transparent.Config) { c.SniffWait = time.Hour })
	s := take(t, server)
	s.send("220 mail.example ESMTP\r\n")
	client.expect("220 mail.example ESMTP\r\n")
	client.send("HELO ") // undecided, but the mode is set already
	f.counts(exchange.Raw, 1)
	client.send("a\r\n")
	s.expect("HELO a\r\n")
}

func TestHalfARequestLineIsNotHeldForLong(t *testing.T) {
	f, client, server := pair(t, func(c *transparent.Config) { c.SniffWait = time.Millisecond; c.HTTP = func(transparent.Arrival) {} })
	client.send("GET key")
	s := take(t, server)
	s.expect("GET key")
	client.send("\r\n")
	s.expect("\r\n")
	f.counts(exchange.Raw, 1)
}

func TestClientThatOnlyEndsIsPassedOn(t *testing.T) {
	_, client, server := pair(t)
	_ = client.CloseWrite()
	s := take(t, server)
	s.ends()
	s.send("Sun Nov 22")
	client.expect("Sun Nov 22")
}

func TestTLSIsRawWhenItIsNotToBeTimed(t *testing.T) {
	f, client, server := pair(t, func(c *transparent.Config) { c.SealedTLS = false })
	client.send("\x16\x03\x01\x00\x01\x01")
	take(t, server).expect("\x16\x03\x01\x00\x01\x01")
	f.counts(exchange.Raw, 1)
	f.counts(exchange.Sealed, 0)
}

// TestWaitingTunnelsHoldNoGoroutine after bytes have gone both ways.
func TestWaitingTunnelsHoldNoGoroutine(t *testing.T) {
	const tunnels = 200
	f, c, server := pair(t)
	for range tunnels {
		c.send("*1\r\n")
		s := take(t, server)
		t.Cleanup(func() { _ = s.Close() })
		s.expect("*1\r\n")
		s.send("+OK\r\n")
		c.expect("+OK\r\n")
		c = f.dial()
	}
	want := 0
	if *goroutines || runtime.GOOS != "linux" {
		want = 2 * tunnels
	}
	few := 9 * runtime.GOMAXPROCS(0)
	eventually(t, "the goroutines to wait", func() bool { n := running(); return n >= want && n <= want+few })
}

func TestBulkArrivesWhole(t *testing.T) {
	const size = 24 << 20
	body := make([]byte, size)
	_, _ = rand.Read(body)
	f := newFixture(t, destination(t, func(c *net.TCPConn) {
		defer func() { _ = c.Close() }()
		_, _ = io.Copy(c, c)
	}))
	client := f.dial()
	go func() {
		_, _ = client.Write([]byte{0})
		_, _ = client.Write(body)
		_ = client.CloseWrite()
	}()
	got, err := io.ReadAll(client.r)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(append([]byte{0}, body...)) {
		t.Errorf("%d bytes of %d came back, or others (%v)", len(got), size+1, err)
	}
}

func TestRefusedDialResetsTheClient(t *testing.T) {
	nobody := netip.MustParseAddrPort("127.0.0.1:1") // no listener of a test gets so low a port
	t.Run("without a word", func(t *testing.T) { newFixture(t, nobody).turnedAway() })

	gate := make(chan struct{}) // the dial waits for the client's first bytes
	f := newFixture(t, nobody, func(c *transparent.Config) {
		c.Dialer = &sockets.Dialer{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			<-gate
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
	})
	raw, sealed := f.dial(), f.dial()
	raw.send("*1\r\n")
	sealed.send(string(handshakeRecord(clientHello(t, tlsConfig("api.example")))))
	f.counts(exchange.Raw, 1)
	f.counts(exchange.Sealed, 1)
	close(gate)
	raw.breaks()
	sealed.breaks()
	r := f.record()
	if r.Outcome != exchange.ConnectError || r.ErrorType != exchange.ErrConnection || r.Mode != exchange.Sealed || r.Upstream.Host != "api.example" {
		t.Errorf("%s %s to %s", r.Outcome, r.ErrorType, r.Upstream.Address())
	}
}

// TestHTTPIsHandedOver with its first bytes, and with the upstream connection if the
// client did not speak at once.
func TestHTTPIsHandedOver(t *testing.T) {
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("late %v", late), func(t *testing.T) {
			arrivals := make(chan transparent.Arrival, 1)
			f, client, server := pair(t, func(c *transparent.Config) { c.HTTP = func(a transparent.Arrival) { arrivals <- a } })
			var s *peer
			if late {
				s = take(t, server)
				eventually(t, "the dial to end", func() bool { return f.server.Dialed() == 1 })
			}
			client.send("GET / HTTP/1.1\r\nHo")
			a := take(t, arrivals)
			if string(a.Read) != "GET / HTTP/1.1\r\nHo" || !a.To.IsValid() || a.At == 0 {
				t.Errorf("read %q to %s at %d", a.Read, a.To, a.At)
			}
			if late {
				if a.Upstream == nil {
					t.Fatal("no upstream came along")
				}
				up := newPeer(t, a.Upstream)
				up.send("ping")
				s.expect("ping")
				s.send("pong")
				up.expect("pong")
				_ = up.Close()
			}
			conn := newPeer(t, a.Conn)
			client.send("st: a")
			conn.expect("st: a")
			conn.send("HTTP/1.1 200 OK\r\n")
			client.expect("HTTP/1.1 200 OK\r\n")
			if n := f.server.Open(); n != 0 {
				t.Errorf("%d open: it is the proxy's now", n)
			}
			if err := f.server.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			client.send("more") // draining leaves it alone
			conn.expect("more")
			_ = conn.Close()
		})
	}
}

// TestHandedOverConnectionKeepsItsPlace in the Gate until the proxy says that it has ended.
func TestHandedOverConnectionKeepsItsPlace(t *testing.T) {
	arrivals := make(chan transparent.Arrival, 2)
	gate := sockets.NewGate(1, slog.New(slog.DiscardHandler))
	f, client, _ := pair(t, func(c *transparent.Config) {
		c.Gate, c.HTTP = gate, func(a transparent.Arrival) { arrivals <- a }
	})
	client.send("GET / HTTP/1.1\r\n")
	first := take(t, arrivals)
	second := f.dial()
	second.send("GET / HTTP/1.1\r\n")
	eventually(t, "the listener to wait", func() bool { return gate.Waits() == 1 })
	_ = first.Conn.Close()
	select {
	case <-arrivals:
		t.Error("a second connection came in although the first has not ended")
	default:
	}
	first.Ended()
	first.Ended() // gives back one place, not two
	a := take(t, arrivals)
	f.dial()
	eventually(t, "the listener to wait again", func() bool { return gate.Waits() >= 2 })
	_ = a.Conn.Close()
	a.Ended()
}

// yielding is an upstream connection that lets SetReadDeadline return only after the
// goroutine that reads it has ended.
type yielding struct {
	net.Conn
	t    *testing.T
	late chan struct{}
}

func (y *yielding) Read([]byte) (int, error) {
	<-y.late
	return 0, os.ErrDeadlineExceeded
}

func (y *yielding) SetReadDeadline(at time.Time) error {
	if !at.IsZero() {
		close(y.late)
		eventually(y.t, "the reader to end", func() bool { return in(".serveUpstream(") == 0 })
	}
	return nil
}

func TestUpstreamIsHandedOverAfterItsReaderHasEnded(t *testing.T) {
	arrivals := make(chan transparent.Arrival, 1)
	f, client, server := pair(t, func(c *transparent.Config) {
		c.HTTP = func(a transparent.Arrival) { arrivals <- a }
		c.Dialer = &sockets.Dialer{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return &yielding{conn, t, make(chan struct{})}, err
		}}
	})
	take(t, server)
	eventually(t, "the upstream to be read", func() bool { return f.server.Dialed() == 1 && in(".serveUpstream(") == 1 })
	client.send("GET / HTTP/1.1\r\n")
	if a := take(t, arrivals); a.Upstream == nil {
		t.Error("no upstream came along")
	}
}

func TestConnectionsThatLeadBackAreRefused(t *testing.T) {
	var address netip.AddrPort
	t.Run("made to the listener itself", func(t *testing.T) {
		f := newFixture(t, address, func(c *transparent.Config) {
			c.Original = func(conn *net.TCPConn) (netip.AddrPort, error) {
				return netip.MustParseAddrPort(conn.LocalAddr().String()), nil
			}
		})
		f.turnedAway()
		if n := f.server.Loops(); n != 1 {
			t.Errorf("%d loops counted", n)
		}
	})
	t.Run("of no original destination", func(t *testing.T) {
		f := newFixture(t, address, func(c *transparent.Config) { c.Original = nil })
		f.turnedAway()
	})
	for name, first := range map[string]string{"led back when dialing": "*1\r\n", "led back without a word": ""} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0") // every dial of the server ends here
			if err != nil {
				t.Fatal(err)
			}
			dialer := &sockets.Dialer{Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
			}}
			f := newFixture(t, netip.MustParseAddrPort("192.0.2.1:80"), func(c *transparent.Config) { c.Dialer = dialer })
			go func() { _ = f.server.Serve(l) }()
			client := f.dial()
			client.send(first)
			client.breaks()
			if n := f.server.Loops(); n != 1 {
				t.Errorf("%d loops counted", n)
			}
		})
	}
}

func TestDrainLetsTunnelsFinish(t *testing.T) {
	f, client, server := pair(t)
	client.send("*1\r\n")
	s := take(t, server)
	s.expect("*1\r\n")
	quiet := f.dial() // neither side has sent anything, so Drain ends it
	take(t, server)
	drained := make(chan error, 1)
	go func() { drained <- f.server.Drain(t.Context()) }()
	quiet.breaks()
	s.send("+OK\r\n")
	client.expect("+OK\r\n")
	_ = client.Close()
	s.ends()
	_ = s.Close()
	if err := take(t, drained); err != nil {
		t.Error(err)
	}
}

func TestDrainCutsWhatDoesNotFinish(t *testing.T) {
	f, client, server := pair(t)
	client.send("*1\r\n")
	s := take(t, server)
	s.expect("*1\r\n")
	f.cut()
	if err := f.server.Drain(f.ctx); err == nil {
		t.Error("no error")
	}
	client.breaks()
	s.breaks()
}

// TestPanicEndsOneConnection and no other.
func TestPanicEndsOneConnection(t *testing.T) {
	faults := map[string]struct {
		change func(*transparent.Config)
		first  string
	}{
		"of the proxy":    {func(c *transparent.Config) { c.HTTP = func(transparent.Arrival) { panic("faulty") } }, "GET / HTTP/1.1\r\n"},
		"of the observer": {func(c *transparent.Config) { c.Observer = faulty{} }, string(handshakeRecord(clientHello(t, tlsConfig("a.example"))))},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			f, client, server := pair(t, fault.change)
			client.send("*1\r\n")
			s := take(t, server)
			s.expect("*1\r\n")
			bad := f.dial()
			bad.send(fault.first)
			if name == "of the observer" {
				answerer := take(t, server)
				answerer.send(string(record(22, 100)))
				bad.expect(string(record(22, 100)))
				bad.send(string(record(23, 300))) // an exchange, whose end calls the observer
				answerer.reset()
			}
			bad.breaks()
			s.send("+OK\r\n")
			client.expect("+OK\r\n")
			eventually(t, "the other to end", func() bool { return f.server.Open() == 1 })
		})
	}
}

// faulty is an observer that fails.
type faulty struct{}

func (faulty) Observe(exchange.Record) { panic("faulty") }

func TestSlowReaderHoldsTheSenderUp(t *testing.T) {
	_, client, server := pair(t)
	client.send("*")
	s := take(t, server)
	s.expect("*")
	_ = s.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	n, err := io.Copy(s, bytes.NewReader(make([]byte, 256<<20)))
	if err == nil {
		t.Errorf("%d bytes went nowhere", n)
	}
	s.reset()
	_ = client.Close()
}
