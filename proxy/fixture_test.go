package proxy_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/live"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/dialect/realtime"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// patience bounds every wait for an event that must happen. It says nothing of how long
// the event may take.
const patience = 20 * time.Second

// goroutines has every test run without parked connections.
var goroutines = flag.Bool("goroutines", false, "give every connection a goroutine that waits for it")

// fixture is a proxy that listens on loopback, with the Records that it made.
type fixture struct {
	*testing.T
	proxy   *proxy.Proxy
	tap     *tap.Tap
	addr    string
	records chan exchange.Record
	begun   atomic.Int64
	told    atomic.Int64
	served  chan error
	once    sync.Once
	clients []net.Conn
}

type option func(*proxy.Config, *tap.Config)

// newFixture starts a proxy whose default route leads to upstream, a URL.
func newFixture(t *testing.T, upstream string, options ...option) *fixture {
	t.Helper()
	f := &fixture{T: t, records: make(chan exchange.Record, 1<<14), served: make(chan error, 1)}
	of := tap.Config{
		Dialects: slices.Concat(openai.Dialects(), responses.Dialects(), realtime.Dialects(), live.Dialects()), Observer: f,
		Role: exchange.Client, Mode: exchange.Explicit,
	}
	config := proxy.Config{
		Routes: []proxy.Route{newRoute(t, "", upstream)}, Log: slog.New(slog.DiscardHandler), Goroutines: *goroutines,
	}
	for _, o := range options {
		o(&config, &of)
	}
	of.Dialects = append(dialect.Set{census{&f.begun}}, of.Dialects...)
	f.tap = tap.New(of)
	config.Tap = f.tap
	f.proxy = proxy.New(config)
	listener := listen(t)
	f.addr = listener.Addr().String()
	go func() { f.served <- f.proxy.Serve(listener) }()
	t.Cleanup(f.stopNow)
	return f
}

// dialing makes dial open the connections to upstreams.
func dialing(dial func(ctx context.Context, address string) (net.Conn, error)) option {
	return func(c *proxy.Config, _ *tap.Config) {
		c.Dial = func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, address) }
	}
}

// dialTCP opens a connection as a Proxy without Config.Dial does.
func dialTCP(ctx context.Context, address string) (*net.TCPConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// Observe implements exchange.Observer.
func (f *fixture) Observe(r exchange.Record) {
	of, head := r.Dialect, r.Overhead.Request != 0
	if head || of != "openai-responses-websocket" && of != "openai-realtime" && of != "gemini-live" { // which begin with a message, and not with a head
		f.told.Add(1)
	}
	f.records <- r
}

// stopNow is stop before the test's end.
func (f *fixture) stopNow() { f.once.Do(f.stop) }

// stop drains the proxy and checks that no exchange is left under way.
func (f *fixture) stop() {
	for _, c := range f.clients {
		_ = c.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = f.proxy.Drain(ctx) // cuts the exchanges that a test left running
	f.tap.Wait()
	for _, left := range f.tap.InFlight() {
		if left.Requests != 0 || left.Streams != 0 {
			f.Errorf("still in flight: %+v", left)
		}
	}
	if err := <-f.served; err != nil {
		f.Errorf("Serve: %v", err)
	}
	if begun := f.begun.Load(); begun != f.told.Load() {
		f.Errorf("%d exchanges begun, %d recorded", begun, f.told.Load())
	}
}

// record waits for the next Record.
func (f *fixture) record() exchange.Record {
	f.Helper()
	select {
	case r := <-f.records:
		if r.Span.ID == (exchange.SpanID{}) || r.Span.Trace == (exchange.TraceID{}) {
			f.Errorf("recorded without a span: %+v", r.Span)
		}
		return r
	case <-time.After(patience):
		f.Fatal("no record came")
		return exchange.Record{}
	}
}

// want waits for the next Record and checks its outcome.
func (f *fixture) want(outcome exchange.Outcome, errorType exchange.ErrorType, status int) exchange.Record {
	f.Helper()
	r := f.record()
	if r.Outcome != outcome || r.ErrorType != errorType || r.Status != status {
		f.Errorf("recorded %q, error type %q, status %d; want %q, %q, %d", r.Outcome, r.ErrorType, r.Status, outcome, errorType, status)
	}
	return r
}

// ask sends a request for which the upstream finds okay, and checks answer and Record.
func (f *fixture) ask(c *peer) {
	f.Helper()
	c.send(get)
	c.expect(okay)
	f.want(exchange.OK, "", 200)
}

// dial connects to the proxy.
func (f *fixture) dial() *peer {
	f.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.Fatal(err)
	}
	f.clients = append(f.clients, conn)
	return newPeer(f.T, conn)
}

// census is a dialect that nothing speaks; it counts the exchanges that begin.
type census struct{ begun *atomic.Int64 }

func (c census) Match(*dialect.Head) bool { c.begun.Add(1); return false }

func (c census) NewDecoder(*dialect.Head) dialect.Decoder { return nil }

func newRoute(t testing.TB, prefix, url string) proxy.Route {
	t.Helper()
	r, err := proxy.NewRoute(prefix, url)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// upstream is a server that runs a test's script on every connection.
type upstream struct {
	url         string
	connections atomic.Int64
	scripts     sync.WaitGroup
}

// newUpstream starts an upstream. It closes a connection when serve returns.
func newUpstream(t *testing.T, serve func(*peer)) *upstream {
	t.Helper()
	return serveOn(t, listen(t), "http://", serve)
}

func serveOn(t *testing.T, l net.Listener, scheme string, serve func(*peer)) *upstream {
	u := &upstream{url: scheme + l.Addr().String()}
	t.Cleanup(func() {
		_ = l.Close()
		u.scripts.Wait()
	})
	u.scripts.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			u.connections.Add(1)
			u.scripts.Go(func() {
				defer func() { _ = conn.Close() }()
				serve(newPeer(t, conn))
			})
		}
	})
	return u
}

// answering is an upstream's script that answers every request with okay.
func answering(p *peer) {
	for {
		if _, err := p.tryMessage(); err != nil {
			return
		}
		p.sendAnyway(okay)
	}
}

// replying returns an upstream's script that sends response after the first head, and
// then waits for the end of the connection.
func replying(response string) func(*peer) {
	return func(p *peer) {
		p.head()
		p.send(response)
		p.gone()
	}
}

// streamUntil answers a request with a stream of one token that ends when finish is
// closed.
func (p *peer) streamUntil(finish <-chan struct{}) {
	p.message()
	p.send(streamHead + token("a"))
	<-finish
	p.send(event("[DONE]") + "0\r\n\r\n")
}

// saying returns an upstream's script that answers every request with the result of say
// on its target.
func saying(say func(target string) string) func(*peer) {
	return func(p *peer) {
		for {
			m, err := p.tryMessage()
			if err != nil {
				return
			}
			body := say(strings.Fields(m)[1])
			p.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		}
	}
}

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l := listen(t)
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	return near, far
}
