package proxy

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// Original describes a redirected connection: its destination, and its first bytes.
type Original struct {
	Read    []byte         // the start of an HTTP/1 request, read already; ServeOriginal copies it
	At      tap.Instant    // the moment of that read
	Address netip.AddrPort // the original destination
	// Dial opens a TCP connection to Address. ServeOriginal calls it once. It must return
	// when its context ends.
	Dial func(context.Context) (net.Conn, error)
	// Ended is called once, when the connection has ended. It must not block. It may be nil.
	Ended func()
}

// ServeOriginal serves a connection in transparent mode, and returns before it has read
// from it. The connection's requests go to one connection to the original destination, and each
// side sees the other as it would without headway: heads byte by byte, ends and resets
// included. Bytes that headway would refuse or answer in explicit mode pass unmeasured.
// Drain waits for the connection as for any other.
func (p *Proxy) ServeOriginal(conn net.Conn, o Original) {
	p.counts.transparent.Add(1)
	c := newClientConn(p, conn)
	c.ended = o.Ended
	c.preload(o.Read, o.At)
	c.busy = len(o.Read) > 0
	o.Read = nil
	c.way, c.original = pinned, &original{Original: o}
	c.original.dialing, c.original.giveUp = context.WithCancel(context.Background())
	p.remember(c)
	go c.run(nil) // which dials first
}

// original is an Original while the Proxy serves it.
type original struct {
	Original
	route   *route // of the last request
	dialing context.Context
	giveUp  context.CancelFunc
	dialed  time.Duration // how long the dial took, for the next request; then 0
}

// preload puts a copy of p, read at the given moment, into the empty inbox.
func (s *socket) preload(p []byte, at tap.Instant) {
	s.at, s.came = at, at
	if len(p) == 0 {
		return
	}
	if s.end = len(p); s.end > readBuffer {
		s.buf = bytes.Clone(p)
		return
	}
	s.lent = s.lender.get()
	s.buf = s.lent[:]
	copy(s.buf, p)
}

// close closes the connection, and the upstream connection that is pinned to it. The
// caller holds c.mu or is c's goroutine.
func (c *clientConn) close() {
	c.closed.Store(true)
	_ = c.conn.Close()
	if c.original != nil {
		c.original.giveUp()
	}
	if c.upstream != nil {
		_ = c.upstream.close()
	}
}

// serveOriginal serves a connection in transparent mode.
func (c *clientConn) serveOriginal() sequence {
	if c.upstream == nil && !c.pinOriginal() {
		return ends
	}
	if c.exchanges() == parks {
		return parks
	}
	c.passBothWays()
	return ends
}

// pinOriginal opens the connection to the original destination, and tells whether it
// could.
func (c *clientConn) pinOriginal() bool {
	c.leader.StepDown()
	began := tap.Now()
	conn, err := c.dialOriginal()
	c.original.dialed = tap.Now().Sub(began)
	if err != nil {
		c.recordDialFailure(err)
		resetOnClose(c.conn)
		return false
	}
	conn = c.proxy.engine.take(conn)
	c.proxy.loops.dialer.Remember(conn)
	c.pin(conn, conn, nil)
	return true
}

// passBothWays forwards bytes that are no exchange, until both sides have ended.
func (c *clientConn) passBothWays() {
	c.mu.Lock()
	last := c.last // it is set when headway stops
	c.mu.Unlock()
	if last {
		return
	}
	c.leader.StepDown()
	c.passUp()
	<-c.upstream.down
}

func (c *clientConn) dialOriginal() (net.Conn, error) {
	ctx := c.original.dialing
	if limit := c.proxy.config.ConnectTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return c.original.Dial(ctx)
}

// pin makes conn the one upstream connection of c. Raw is the connection below TLS, or
// conn itself. Unless heard is nil, pin has it called once, when the upstream has spoken
// or ended.
func (c *clientConn) pin(conn, raw net.Conn, heard func()) {
	u := newUpstreamConn(conn, raw, &c.proxy.engine)
	u.way, u.log, u.client, u.down = pinned, c.proxy.config.Log, c, make(chan struct{})
	u.heard = heard
	u.keep, u.drop = func() {}, func() { _ = raw.Close() }
	c.mu.Lock()
	c.way, c.upstream = pinned, u
	if c.closed.Load() {
		_ = u.close()
	}
	c.mu.Unlock()
	u.begin()
}

// recordDialFailure records the request that the client has sent, if its head is whole,
// when the dial to its destination has failed with err.
func (c *clientConn) recordDialFailure(err error) {
	n := endOfHead(c.bytes(), 0)
	if n == 0 {
		return
	}
	req, malformed := c.proxy.parsers.request(c.bytes()[:n])
	if malformed != nil {
		return
	}
	r := c.relayOriginal(&req, c.at)
	if c.original.dialing.Err() != nil {
		r.state.abort(exchange.Drained)
	}
	c.reportUnsentBody(r, &req)
	_, result := r.dialFailure(err)
	result.At = tap.Now()
	c.reportEnd(r.x, result)
}

// relayOriginal begins the exchange of a request whose head came at the given moment.
func (c *clientConn) relayOriginal(req *requestHead, at tap.Instant) *relay {
	route := c.original.routeOf(req)
	return &relay{
		client: c, route: route, x: c.proxy.config.Tap.Begin(c.describe(req, route, at)),
		method: string(req.method), close: req.close, upgrade: req.upgrade,
	}
}

// exchangeOriginal serves one request, until that is written. It tells whether the
// connection goes on with exchanges; if not, the caller forwards all further bytes
// unmeasured.
func (c *clientConn) exchangeOriginal(req *requestHead, at tap.Instant) bool {
	switch {
	case c.isUnmeasured():
		return false
	case c.proxy.loops.read(req).own:
		return c.resetLoop()
	}
	r := c.relayOriginal(req, at)
	c.setRelay(r)
	dialed := c.original.dialed
	c.original.dialed = 0
	if !c.upstream.assign(r) { // the upstream closed it while it was idle
		c.setRelay(nil)
		c.reportUnsentBody(r, req)
		c.reportEnd(r.x, tap.Result{At: tap.Now(), Outcome: exchange.ConnectError, ErrorType: exchange.ErrConnection})
		return false
	}
	r.bind(c.upstream)
	return c.upload(r, req, dialed)
}

// releasePinned ends the exchange on two connections that are pinned to each other. It
// tells whether another exchange may follow. Err is the error that ended the response
// early, or nil.
func (r *relay) releasePinned(err error) bool {
	sent := r.awaitSent()
	alive := r.up.release(true)
	if keep := err == nil && sent && alive && r.keep && !r.close && len(r.up.bytes()) == 0; keep {
		r.client.endExchange(nextRequest)
		return true
	}
	if r.upstreamReset || (err != nil && !r.endsBySelf(err)) {
		resetOnClose(r.up.raw)
		r.client.endExchange(brokenByReset)
		return false
	}
	r.client.endExchange(passThrough)
	return false
}

// endsBySelf tells whether both sides end their connections by themselves after the
// exchange has failed with err, so that headway only passes their ends on.
func (r *relay) endsBySelf(err error) bool {
	switch r.result(err).Outcome {
	case exchange.Drained, exchange.Timeout:
		return false
	}
	_, aborted := r.state.aborted()
	return !aborted && !isReset(err)
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// appendRequest appends the head of the request in the form for the upstream. In
// transparent mode the head stays as it came.
func (r *relay) appendRequest(dst []byte, h *requestHead) []byte {
	if r.client.way == pinned {
		return append(dst, h.raw...)
	}
	if r.client.proxy.config.Propagate == Inject {
		told := r.x.Tell(r.client.proxy.config.Sampled)
		return h.appendRequest(dst, &r.route.Route, &told, &r.hop)
	}
	return h.appendRequest(dst, &r.route.Route, nil, &r.hop)
}

// appendResponse appends a response's head in the form for the client, with the given
// Connection field unless that is empty. In transparent mode the head stays as it came.
func (r *relay) appendResponse(dst []byte, h *responseHead, connection string) []byte {
	if r.client.way == pinned {
		return append(dst, h.wire...)
	}
	return h.appendResponse(dst, connection, r.http10)
}

// advance is b.advance. In transparent mode it does not fail: the server judges a body
// whose framing headway cannot follow, and all further bytes belong to that body.
func (c *clientConn) advance(b *body, p []byte) (n int, done bool, err error) {
	n, done, err = b.advance(p)
	if err != nil && c.way == pinned {
		b.framing = untilClose
		return len(p), false, nil
	}
	return n, done, err
}

// passEmptyLines forwards CRLFs before a request line at once. It tells whether the
// upstream took them.
func (c *clientConn) passEmptyLines() bool {
	p := c.bytes()
	n := len(p) - len(bytes.TrimLeft(p, "\r\n"))
	if n == 0 {
		return true
	}
	c.leader.StepDown()
	_, err := c.upstream.conn.Write(p[:n])
	c.use(n)
	return err == nil
}
