// Package proxy is the data path: it accepts an application's HTTP connections,
// relays every request to its upstream and every response back, byte by byte as
// they come, and reports the bytes to a tap after it has forwarded them.
//
// fasthttp parses and validates the heads of both sides and keeps the pools of
// upstream connections. This package owns the sockets between, so that no library
// buffers, rewrites or times out a stream, or hides a departure.
//
// Each connection has a run function, which reads from it and writes to the other side:
// the client's writes the request and then notices the client's departure, the upstream's
// writes the response. A connection that waits for its next bytes is parked and has no
// goroutine. The poller's loop calls run when they have come. Before run waits for
// anything else, its goroutine steps down from the loop.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/sockets"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// Config configures a Proxy. Every duration may be 0, which sets no limit.
type Config struct {
	Routes []Route
	Tap    *tap.Tap
	Log    *slog.Logger
	TLS    *tls.Config // for https upstreams; nil trusts the system's roots

	HeadTimeout    time.Duration // from the first byte of a head to its end, of a request or a response
	ConnectTimeout time.Duration // to open a connection, TLS handshake included
	HeaderTimeout  time.Duration // from the request's end to the response's head
	IdleTimeout    time.Duration // of silence inside a response
	Prewarm        int           // connections that Warm opens to each upstream

	Propagate Propagation
	// Sampled decides whether headway tells the upstream that a trace is sampled, when the
	// client has not decided; nil decides nothing. It must be safe for concurrent use and
	// must not block.
	Sampled func(exchange.TraceID) bool

	// Dial opens the connections to upstreams; the Proxy speaks TLS on them where a Route
	// asks for it. Dial must be safe for concurrent use and return when its context ends.
	// The Proxy owns the connection that it returns. Nil is a net.Dialer that uses
	// Resolver and has the kernel probe silent connections.
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Resolver *net.Resolver // looks the names of upstreams up; nil is the system's
	// Dialer remembers the connections that the Proxy opens, so that it recognises them
	// when they come in. All listeners of a process share one; nil is one of its own.
	Dialer *sockets.Dialer
	// Gate bounds the connections that Serve accepts. All listeners for clients share one;
	// nil sets no limit.
	Gate *sockets.Gate
	// MaxIdle bounds the unused connections to each upstream that the Proxy keeps after a
	// burst; 0 is 256, and it is never more.
	MaxIdle int

	ProxyProtocol bool // every connection that Serve accepts begins with a PROXY header

	// Poller holds the connections that wait. All listeners of a process share one; nil is
	// one of its own.
	Poller *poller.Poller
	// Goroutines gives every connection a goroutine that waits for it, as on systems that
	// package poller does not know.
	Goroutines bool
}

// Propagation says whether headway sends the span of an exchange to the upstream. In
// transparent mode it never does.
type Propagation uint8

// The ways to propagate.
const (
	Off    Propagation = iota // headway forwards the client's own context as it came
	Inject                    // headway puts its span in the place of the client's, or adds it
)

// Proxy relays HTTP/1 traffic. It is safe for concurrent use.
type Proxy struct {
	config Config
	routes routes

	parsers parsers
	scratch scratch
	engine  engine

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	clients   map[*clientConn]struct{}
	serving   int           // calls of Serve that may remember one more connection
	stopped   bool          // remember cuts every further connection
	empty     chan struct{} // closed when p drains, no Serve runs and the last client is gone

	gate      *sockets.Gate
	crowded   periodically
	exhausted periodically
	sealed    periodically
	loops     loops
	retiring  atomic.Bool
	draining  atomic.Bool
	counts    counts
}

// New returns a Proxy that has opened no connection yet.
func New(c Config) *Proxy {
	p := &Proxy{
		config:    c,
		listeners: map[net.Listener]struct{}{},
		clients:   map[*clientConn]struct{}{},
		empty:     make(chan struct{}),
	}
	if p.gate = c.Gate; c.Gate == nil {
		p.gate = sockets.NewGate(0, c.Log)
	}
	p.engine.init(c.Poller, !c.Goroutines)
	p.loops.init(c.Dialer)
	p.routes = newRoutes(c, p.loops.dialer, &p.engine)
	return p
}

// Warm opens Config.Prewarm connections to every upstream and leaves them idle. Its
// error names the upstreams that it could not connect to; the Proxy serves anyway.
func (p *Proxy) Warm() error {
	var errs []error
	for _, r := range p.routes {
		errs = append(errs, r.pool.warm(p.config.Prewarm))
	}
	return errors.Join(errs...)
}

// Open is the number of open client connections: those that Drain would wait for.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.clients)
}

// Serve accepts connections from l until the listener is closed, by Drain or by
// the caller, and returns nil then.
func (p *Proxy) Serve(l net.Listener) error {
	if !p.listen(l) {
		return l.Close()
	}
	defer p.listenNoMore()
	return p.gate.Serve(l, p.arrived)
}

// arrived makes conn a client's connection, and returns its begin.
func (p *Proxy) arrived(conn net.Conn) (begin func()) {
	p.counts.explicit.Add(1)
	c := newClientConn(p, conn)
	c.proxyHeader, c.ended = p.config.ProxyProtocol, p.gate.Leave
	p.remember(c)
	return c.begin
}

// listen adds l to the listeners that Drain closes. It returns false when draining has
// begun.
func (p *Proxy) listen(l net.Listener) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listeners[l] = struct{}{}
	if p.draining.Load() {
		return false
	}
	p.serving++
	return true
}

// listenNoMore notes that a Serve returns, so that no connection of its listener follows.
func (p *Proxy) listenNoMore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serving--
	p.signalDrained()
}

// reportCrowd logs, once a minute, that unfinished heads had to go.
func (p *Proxy) reportCrowd() {
	if p.crowded.due(tap.Now()) {
		p.config.Log.Warn("too many unfinished heads of requests and responses: the oldest have to go",
			"bytes", maxUnfinished, "ended", p.engine.buffers.heads.evicted.Load())
	}
}

// reportExhaustion logs, once a minute, that no descriptor was left for a connection to
// an upstream.
func (p *Proxy) reportExhaustion(upstream string) {
	if p.exhausted.due(tap.Now()) {
		p.config.Log.Warn("no descriptors are left for connections to upstreams: requests get 503; raise the limit of open files (ulimit -n)",
			"upstream", upstream)
	}
}

// reportTLS logs, once a minute, that a client speaks TLS where headway reads HTTP.
func (p *Proxy) reportTLS() {
	if p.sealed.due(tap.Now()) {
		p.config.Log.Warn("a client speaks TLS to HEADWAY_LISTEN: its base URL must begin with http://")
	}
}

// remember counts c among the connections that Drain waits for. While p drains, a
// connection that it accepted just before gets a moment to send its request and to
// read the refusal.
func (p *Proxy) remember(c *clientConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clients[c] = struct{}{}
	if p.stopped {
		c.cut()
		return
	}
	if p.draining.Load() && c.way == pooled {
		_ = c.conn.SetReadDeadline(time.Now().Add(linger))
	}
}

// rememberUnlessDraining counts c among the connections that Drain waits for, unless
// draining has begun.
func (p *Proxy) rememberUnlessDraining(c *clientConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.draining.Load() {
		return false
	}
	p.clients[c] = struct{}{}
	return true
}

func (p *Proxy) forget(c *clientConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.clients, c)
	p.signalDrained()
}

// signalDrained closes p.empty when p drains, and has no client left and gets none. The
// caller holds p.mu.
func (p *Proxy) signalDrained() {
	if !p.draining.Load() || len(p.clients) > 0 || p.serving > 0 {
		return
	}
	select {
	case <-p.empty:
	default:
		close(p.empty)
	}
}

// Retire makes every further response the last one on its connection. The Proxy serves
// requests as before, on new connections too, but each response head tells its client
// that the connection ends. A connection that waits for a request stays open, because
// its client may be sending one; the response to that request ends it, or Drain does.
func (p *Proxy) Retire() { p.retiring.Store(true) }

// endsConnections tells whether a client connection ends with its next response.
func (p *Proxy) endsConnections() bool { return p.retiring.Load() || p.draining.Load() }

// Drain stops accepting, closes idle connections, lets running exchanges finish
// and answers any further request on their connections with 503. When ctx ends
// first, Drain cuts the exchanges that still run, records them as drained and returns
// ctx's error.
func (p *Proxy) Drain(ctx context.Context) error {
	p.mu.Lock()
	p.draining.Store(true)
	for l := range p.listeners {
		_ = l.Close() // its Serve returns
	}
	for c := range p.clients {
		c.closeIfIdle()
	}
	p.signalDrained()
	p.mu.Unlock()

	defer p.closePools()
	select {
	case <-p.empty:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	p.stopped = true
	for c := range p.clients {
		c.cut()
	}
	p.mu.Unlock()
	for _, r := range p.routes { // after the cuts, so that an exchange whose dial ends is drained already
		r.pool.stop()
	}
	<-p.empty
	return ctx.Err()
}

func (p *Proxy) closePools() {
	for _, r := range p.routes {
		r.pool.close()
	}
}
