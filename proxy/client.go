package proxy

import (
	"errors"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	// linger is how long headway still reads from a connection after it has ended its own
	// side: a reset would destroy the last response (RFC 9112, section 9.6).
	linger = 2 * time.Second
	// maxPipelined bounds the bytes that headway reads ahead of a running exchange.
	maxPipelined = 64 << 10
	// maxEmpty is the size of the one empty line that may come before an idle connection's
	// next request.
	maxEmpty = len("\r\n")
)

// clientConn is a connection of an application or a prober. Its run reads requests and
// writes their bodies to the upstream. While a response comes down it waits for the next
// request, or for the client to leave.
type clientConn struct {
	socket
	proxy *Proxy
	way   way
	ended func() // run calls it last; may be nil

	origin      exchange.Origin // of all its exchanges; empty is an application
	probe       string          // of all its exchanges: the canary's
	proxyHeader bool            // a PROXY header comes before the first request
	uncounted   bool            // Connections leaves it out
	examined    bool            // isLoop has looked at it
	bounded     bool            // a read deadline bounds the wait for the rest of a head
	emptyBytes  int             // of empty lines since the last head

	awaits bool // the request is written: run waits for the end of its exchange

	mu    sync.Mutex
	relay *relay    // the running exchange
	busy  bool      // a request has begun to arrive, and its exchange is not over
	last  bool      // no exchange follows
	over  sync.Cond // signals that the state of the running exchange has changed

	original   *original     // the original destination in transparent mode; else nil
	upstream   *upstreamConn // the one connection of all exchanges, in the way pinned; else nil
	closed     atomic.Bool   // close was called: pin closes an upstream connection that comes later
	unmeasured bool          // both sides' bytes are forwarded as they are, and are no exchange

	wakeWanted bool // the upstream's side has to wake the reader
	wakeSent   bool // it has, with a read deadline in the past
}

func newClientConn(p *Proxy, conn net.Conn) *clientConn {
	setKeepAlive(conn)
	conn = p.engine.take(conn)
	c := &clientConn{proxy: p, socket: newSocket(conn, conn, &p.engine)}
	c.resume = c.run
	c.over.L = &c.mu
	return c
}

// run serves the connection until it ends or is parked. A panic ends that connection only.
func (c *clientConn) run(leader *poller.Leader) {
	next := ends
	defer func() {
		if v := recover(); v != nil {
			c.proxy.config.Log.Error("panic in a client connection", "panic", v, "stack", string(debug.Stack()))
			c.fail()
			next = ends
		}
		if next == ends {
			c.close()
			c.forgetBytes()
			c.proxy.forget(c)
			if c.ended != nil {
				c.ended()
			}
		}
	}()
	c.leader = leader
	next = c.serve()
}

// serve runs one exchange after another until the connection ends or is parked.
func (c *clientConn) serve() sequence {
	switch {
	case c.way == pinned:
		return c.serveOriginal()
	case c.proxyHeader && !c.skipProxyHeader():
		return ends
	}
	c.proxyHeader = false
	return c.exchanges()
}

// exchanges serves one request after another until none may follow.
func (c *clientConn) exchanges() sequence {
	for {
		if next := c.step(); next != goesOn {
			return next
		}
	}
}

// step serves a request until it is written, or waits for the end of its exchange.
func (c *clientConn) step() sequence {
	if c.awaits {
		return c.awaitResponse()
	}
	raw, at, err := c.nextHead()
	if err != nil {
		return sequenceAfter(err)
	}
	return sequenceIf(c.exchange(raw, at))
}

// closeIfIdle closes the connection unless a request is under way.
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
	_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second)) // a client that does not read must not hold Drain up
	c.relay.abort(exchange.Drained)
}

// fail ends the running exchange after a panic in run.
func (c *clientConn) fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.relay != nil {
		c.relay.leaveTrail(0)
		c.relay.state.stopWriting() // the upstream's side may wait for a write that will not come
		c.relay.abort(exchange.ClientGone)
		c.reportEnd(c.relay.x, tap.Result{At: tap.Now(), Outcome: exchange.ClientGone, ErrorType: exchange.ErrOther})
	}
}

// errNoRequest says that no request can follow on a connection.
var errNoRequest = errors.New("no request can follow")

// nextHead waits for the head of the next request. The head is valid until c reads
// into its inbox again. The error is errNoRequest, or errParked.
func (c *clientConn) nextHead() (raw []byte, at tap.Instant, err error) {
	known := 0
	c.lender.heads.leaveAhead(&c.share)
	for {
		if !c.skipEmptyLines() {
			return nil, 0, errNoRequest
		}
		p := c.bytes()
		if n := endOfHead(p, known); n > 0 {
			c.markBusy()
			if !c.gotHead() {
				c.endUnfinished(errCrowded)
				return nil, 0, errNoRequest
			}
			return p[:n], c.at, nil
		}
		scanned := known
		if known = len(p); known > 0 {
			c.markBusy()
		}
		switch {
		case c.way == pinned && !mayBeRequest(p, scanned):
			return nil, 0, errNoRequest
		case c.way == pooled && speaksTLS(p):
			c.proxy.reportTLS()
			c.turnAway(400, errMalformed)
			return nil, 0, errNoRequest
		case hasBareEnd(p, scanned):
			c.turnAway(400, errMalformed)
			return nil, 0, errNoRequest
		}
		switch err := c.awaitRest(); {
		case errors.Is(err, errParked):
			return nil, 0, err
		case err != nil:
			c.endUnfinished(err)
			return nil, 0, errNoRequest
		}
	}
}

// awaitRest reads more of a head: it waits for as long as it takes if no byte has come
// yet, and for Config.HeadTimeout in all if one has. One empty line is no byte of a head:
// old clients send one after a body, and are idle then.
//
// A connection without a byte of a head is parked, if it can be; the error is errParked.
func (c *clientConn) awaitRest() error {
	read := c.fill
	if len(c.bytes()) > 0 {
		if err := c.holdHead(); err != nil {
			return err
		}
		c.boundHead()
	} else {
		if c.emptyBytes > maxEmpty {
			c.boundHead()
		}
		read = c.fillOrPark
	}
	_, _, err := read()
	switch {
	case err == nil, errors.Is(err, errParked):
		return err
	case c.evicted():
		return errCrowded
	case c.bounded && errors.Is(err, os.ErrDeadlineExceeded):
		return errHeadTooSlow
	}
	return err
}

// boundHead bounds the wait for the rest of a head. While the proxy drains, the bound of
// remember holds.
func (c *clientConn) boundHead() {
	within := c.proxy.config.HeadTimeout
	if within > 0 && !c.bounded && !c.proxy.draining.Load() {
		c.bounded = true
		_ = c.conn.SetReadDeadline(time.Now().Add(within))
	}
}

// gotHead notes that a head is whole, or that headway does not wait for its rest any
// longer. It tells whether the client may go on.
func (c *clientConn) gotHead() bool {
	c.emptyBytes = 0
	stays := c.headDone()
	if c.bounded || !stays {
		c.bounded = false
		_ = c.conn.SetReadDeadline(time.Time{})
	}
	return stays
}

// endUnfinished ends a connection whose head will not be whole, for the given reason. In
// transparent mode it leaves the rest to the server. It always returns false.
func (c *clientConn) endUnfinished(why error) bool {
	if errors.Is(why, errCrowded) && c.way == pooled {
		c.use(len(c.bytes())) // others need the memory now
	}
	c.gotHead()
	switch {
	case errors.Is(why, errCrowded):
		c.proxy.reportCrowd()
		return c.turnAway(408, why)
	case errors.Is(why, errHeadTooSlow):
		return c.turnAway(408, why)
	case errors.Is(why, errHeadTooLarge):
		return c.turnAway(431, why)
	}
	c.passEndToPinned(why)
	return false
}

// skipEmptyLines drops CRLFs before a request line (RFC 9112, section 2.2), or forwards
// them in transparent mode. It tells whether a request may follow.
func (c *clientConn) skipEmptyLines() bool {
	if c.way == pinned {
		return c.passEmptyLines()
	}
	for p := c.bytes(); len(p) > 0 && (p[0] == '\r' || p[0] == '\n'); p = c.bytes() {
		c.use(1)
		c.emptyBytes++
	}
	return true
}

func (c *clientConn) markBusy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = true
}

// exchange serves the request with the given head, until that is written. It tells whether
// the connection goes on.
func (c *clientConn) exchange(raw []byte, at tap.Instant) bool {
	req, err := c.proxy.parsers.request(raw)
	switch {
	case c.way == pinned && err == nil:
		return c.exchangeOriginal(&req, at)
	case isPreface(raw):
		return c.serveHTTP2(err)
	case errors.Is(err, errTooManyLines):
		return c.turnAway(431, err)
	case err != nil:
		return c.turnAway(400, err)
	}
	seen := c.proxy.loops.read(&req)
	route := c.proxy.routes.match(req.target)
	x := c.proxy.config.Tap.Begin(c.describe(&req, route, at))
	switch {
	case c.proxy.draining.Load():
		return c.deny(x, refusal{status: 503, kind: "draining", message: "this sidecar is stopping"},
			tap.Result{Outcome: exchange.Refused, ErrorType: exchange.ErrDraining})
	case seen.own || c.isLoop():
		return c.refuseLoop(x, route)
	case string(req.method) == "CONNECT":
		return c.deny(x, refusal{status: 405, kind: "bad_request", message: "CONNECT is not served here"},
			tap.Result{Outcome: exchange.HTTPError, ErrorType: "405"})
	case route == nil:
		return c.deny(x, refusal{status: 404, kind: "no_route", message: c.proxy.routes.missing(req.target)},
			tap.Result{Outcome: exchange.HTTPError, ErrorType: "404"})
	}
	return c.runExchange(x, &req, route, seen)
}

// runExchange binds the exchange x to an upstream connection and writes its request. It
// tells whether the connection goes on.
func (c *clientConn) runExchange(x *tap.Exchange, req *requestHead, route *route, seen passage) bool {
	r := &relay{
		client: c, route: route, x: x,
		method: string(req.method), http10: req.http10, close: req.close, upgrade: req.upgrade,
		doubled: route.doubled(req.target),
	}
	held, ok := c.lender.heads.holdDialing(len(req.raw), c.size())
	if !ok {
		return c.deny(x, refusal{status: 503, kind: "crowded", message: "too many large requests wait for their upstream"},
			tap.Result{Outcome: exchange.Refused, ErrorType: "503"})
	}
	c.setRelay(r)
	dialing := tap.Now()
	u, err := c.bind(r, held)
	if err != nil {
		c.setRelay(nil)
		c.reportUnsentBody(r, req)
		refusal, result := r.dialFailure(err)
		if result.Outcome == exchange.ClientGone {
			result.At = tap.Now()
			c.reportEnd(x, result)
			return false
		}
		return c.deny(x, refusal, result)
	}
	r.enterTrail(seen)
	r.bind(u)
	return c.upload(r, req, tap.Now().Sub(dialing))
}

// bind assigns an upstream connection to r, whose head holds so much of the memory for
// heads that wait for that.
func (c *clientConn) bind(r *relay, held int64) (*upstreamConn, error) {
	defer c.lender.heads.leaveDialing(held)
	return r.route.pool.bind(r)
}

func (c *clientConn) setRelay(r *relay) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relay = r
}

// describe is the request as the tap takes it. Without a route it has no upstream.
func (c *clientConn) describe(req *requestHead, route *route, at tap.Instant) tap.Request {
	d := tap.Request{Method: string(req.method), Header: req.fields(), Read: at, Arrived: c.arrived(), Origin: c.origin, Probe: c.probe}
	target := string(req.target)
	if route != nil {
		d.Upstream, d.Mode = route.Upstream, route.mode
		target = string(route.appendTarget(nil, req.target))
	}
	d.Path, d.Query, _ = strings.Cut(target, "?")
	return d
}

// turnAway answers bytes that are no request, and ends the connection. In transparent
// mode it leaves the answer to the server. It always returns false.
func (c *clientConn) turnAway(status int, why error) bool {
	c.leader.StepDown()
	if c.way == pinned {
		return false
	}
	c.refuse(refusal{status: status, kind: "bad_request", message: why.Error()})
	c.lingerOn()
	return false
}

// deny answers the request with headway's own response and ends the connection, because
// its next bytes may be a body that headway would have to read. It records the exchange
// before its client can see the end of the connection. It always returns false.
func (c *clientConn) deny(x *tap.Exchange, r refusal, result tap.Result) bool {
	c.leader.StepDown()
	result.At = tap.Now()
	result.Status = c.refuse(r)
	c.reportEnd(x, result)
	c.lingerOn()
	return false
}

// write writes all of p to the client. Before it waits, the calling goroutine steps down
// from the loop that it may lead.
func (c *clientConn) write(p []byte, leader *poller.Leader) (int, error) {
	if c.wire == nil {
		return c.conn.Write(p)
	}
	n, err := c.wire.WriteNow(p)
	if err == nil || !errors.Is(err, poller.ErrWait) {
		return n, err
	}
	leader.StepDown()
	rest, err := c.wire.Write(p[n:])
	return n + rest, err
}

// refuse writes headway's own response and returns its status, or 0 when the client is
// gone.
func (c *clientConn) refuse(r refusal) int {
	if _, err := c.conn.Write(r.append(nil)); err != nil {
		return 0
	}
	return r.status
}

// lingerOn ends the sending side and drops the bytes that the client still sends, for
// linger at most.
func (c *clientConn) lingerOn() {
	c.endWriting()
	for {
		c.use(len(c.bytes()))
		if _, _, err := c.fill(); err != nil {
			return
		}
	}
}

// endWriting sends a FIN and bounds by linger how long c still reads from the client.
func (c *clientConn) endWriting() {
	closeWrite(c.conn)
	_ = c.conn.SetReadDeadline(time.Now().Add(linger))
}
