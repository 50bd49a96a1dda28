package proxy

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	// linger is how long a connection that headway ends is still read, so that the
	// last response is not destroyed by a reset (RFC 9112, section 9.6).
	linger = 2 * time.Second
	// maxPipelined bounds what a client may send ahead of its running exchange.
	maxPipelined = 64 << 10
)

// clientConn is a connection of an application. Its goroutine reads requests,
// carries their bodies up, and while a response comes down waits in a read: for
// the next request, or for the client to leave.
type clientConn struct {
	socket
	proxy *Proxy

	origin      exchange.Origin // of all its exchanges; empty is an application
	proxyHeader bool            // a PROXY header comes before the first request
	uncounted   bool            // Connections leaves it out

	mu    sync.Mutex
	relay *relay // the running exchange
	busy  bool   // a request has begun to arrive, and its exchange is not over
	last  bool   // no exchange follows
	over  sync.Cond

	original   *original     // where it was going, in transparent mode
	pinned     *upstreamConn // the one connection that all of it goes to; nil when there is a pool
	closed     atomic.Bool   // by close; an upstream connection that comes later is not kept
	unmeasured bool          // what comes now is no exchange, and carried as it is

	wakeWanted bool // the reader is to be woken by the other side
	wakeSent   bool // it was, by a deadline that has passed
}

func newClientConn(p *Proxy, conn net.Conn) *clientConn {
	setKeepAlive(conn)
	c := &clientConn{proxy: p, socket: newSocket(quick(conn), &p.buffers)}
	c.over.L = &c.mu
	return c
}

// serve runs one exchange after another until the connection ends.
func (c *clientConn) serve() {
	switch {
	case c.original != nil:
		c.serveOriginal()
	case !c.proxyHeader || c.skipProxyHeader():
		c.exchanges()
	}
}

// exchanges serves requests as long as they follow one another.
func (c *clientConn) exchanges() {
	for {
		raw, at, ok := c.nextHead()
		if !ok || !c.exchange(raw, at) {
			return
		}
	}
}

// closeIfIdle ends the connection if no request is under way.
func (c *clientConn) closeIfIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy {
		c.close()
	}
}

// cut ends the connection because headway must stop.
func (c *clientConn) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.relay == nil {
		c.close()
		return
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a client that does not read holds nothing up
	c.relay.abort(exchange.Drained)
}

// fail ends what runs after a panic in c's goroutine.
func (c *clientConn) fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.relay != nil {
		c.relay.unlock() // the upstream's side waits for what is never going to be written
		c.relay.abort(exchange.ClientGone)
		c.relay.x.End(tap.Result{At: tap.Now(), Outcome: exchange.ClientGone, ErrorType: exchange.ErrOther})
	}
}

// nextHead waits for the head of the next request. It is valid until the inbox
// is read into again.
func (c *clientConn) nextHead() (raw []byte, at tap.Instant, ok bool) {
	known := 0
	for {
		if !c.skipEmptyLines() {
			return nil, 0, false
		}
		p := c.bytes()
		if n := endOfHead(p, known); n > 0 {
			c.markBusy()
			return p[:n], c.at, true
		}
		if known = len(p); known > 0 {
			c.markBusy()
		}
		switch {
		case c.original != nil && !mayBeRequest(p):
			return nil, 0, false
		case hasBareEnd(p):
			return nil, 0, c.turnAway(400, errMalformed)
		case !c.grow(maxHead):
			return nil, 0, c.turnAway(431, errHeadTooLarge)
		}
		if _, _, err := c.fill(); err != nil {
			c.passEndToPinned(err)
			return nil, 0, false
		}
	}
}

// skipEmptyLines drops CRLFs before a request line (RFC 9112, section 2.2). It tells
// whether a request may follow.
func (c *clientConn) skipEmptyLines() bool {
	if c.pinned != nil {
		return c.passEmptyLines()
	}
	for p := c.bytes(); len(p) > 0 && (p[0] == '\r' || p[0] == '\n'); p = c.bytes() {
		c.use(1)
	}
	return true
}

func (c *clientConn) markBusy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = true
}

// exchange serves one request. It tells whether another may follow.
func (c *clientConn) exchange(raw []byte, at tap.Instant) bool {
	parser := c.proxy.parsers.get()
	req, err := parser.parseRequest(raw)
	c.proxy.parsers.put(parser)
	switch {
	case c.original != nil && err == nil:
		return c.exchangeOriginal(&req, at)
	case isPreface(raw):
		return c.serveHTTP2(err)
	case err != nil:
		return c.turnAway(400, err)
	}
	route := c.proxy.routes.match(req.target)
	x := c.proxy.config.Tap.Begin(c.describe(&req, route, at))
	switch {
	case c.proxy.draining.Load():
		return c.deny(x, refusal{status: 503, kind: "draining", message: "this sidecar is stopping"},
			tap.Result{Outcome: exchange.Refused, ErrorType: exchange.ErrDraining})
	case string(req.method) == "CONNECT":
		return c.deny(x, refusal{status: 405, kind: "bad_request", message: "CONNECT is not served here"},
			tap.Result{Outcome: exchange.HTTPError, ErrorType: "405"})
	case route == nil:
		return c.deny(x, refusal{status: 404, kind: "no_route", message: "no upstream is configured for this path"},
			tap.Result{Outcome: exchange.HTTPError, ErrorType: "404"})
	}
	return c.runExchange(x, &req, route)
}

// runExchange binds the exchange to an upstream connection and runs it.
func (c *clientConn) runExchange(x *tap.Exchange, req *requestHead, route *route) bool {
	r := &relay{
		client: c, route: route, x: x,
		method: string(req.method), http10: req.http10, close: req.close, upgrade: req.upgrade,
	}
	c.setRelay(r)
	dialing := tap.Now()
	u, err := route.pool.bind(r)
	if err != nil {
		c.setRelay(nil)
		c.reportUnsentBody(r, req)
		refusal, result := r.dialFailure(err)
		if result.Outcome == exchange.ClientGone {
			result.At = tap.Now()
			x.End(result)
			return false
		}
		return c.deny(x, refusal, result)
	}
	r.bind(u)
	return c.upload(r, req, tap.Now().Sub(dialing)) && c.awaitResponse(r)
}

func (c *clientConn) setRelay(r *relay) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relay = r
}

// describe tells the tap of a request. Without a route it goes nowhere.
func (c *clientConn) describe(req *requestHead, route *route, at tap.Instant) tap.Request {
	d := tap.Request{Method: string(req.method), Header: req.fields(), Read: at, Origin: c.origin}
	target := string(req.target)
	if route != nil {
		d.Upstream, d.Mode = route.Upstream, route.mode
		target = string(route.appendTarget(nil, req.target))
	}
	d.Path, d.Query, _ = strings.Cut(target, "?")
	return d
}

// turnAway answers what is no request and ends the connection. It returns false.
// In transparent mode it is left to the server to answer.
func (c *clientConn) turnAway(status int, why error) bool {
	if c.original != nil {
		return false
	}
	c.refuse(refusal{status: status, kind: "bad_request", message: why.Error()})
	c.lingerOn()
	return false
}

// deny answers the request from here and ends the connection, whose next bytes
// may be a body that nobody wants. The exchange ends before its client can know.
func (c *clientConn) deny(x *tap.Exchange, r refusal, e tap.Result) bool {
	e.At = tap.Now()
	e.Status = c.refuse(r)
	x.End(e)
	c.lingerOn()
	return false
}

// refuse writes an answer of headway's own and returns its status, or 0 when the
// client is not there to take it.
func (c *clientConn) refuse(r refusal) int {
	if _, err := c.conn.Write(r.append(nil)); err != nil {
		return 0
	}
	return r.status
}

// lingerOn ends the sending side and takes what the client still sends, for a
// while.
func (c *clientConn) lingerOn() {
	c.endWriting()
	for {
		c.use(len(c.bytes()))
		if _, _, err := c.fill(); err != nil {
			return
		}
	}
}

// endWriting sends FIN and bounds how long the other side is still heard.
func (c *clientConn) endWriting() {
	closeWrite(c.conn)
	_ = c.conn.SetReadDeadline(time.Now().Add(linger))
}
