package proxy

import (
	"bytes"
	"context"
	"net"
	"time"
)

// A client of HTTP/2 begins with preface (RFC 9113, section 3.4); prefaceHead is the
// part of it that looks like the head of a request.
const (
	preface     = prefaceHead + "SM\r\n\r\n"
	prefaceHead = "PRI * HTTP/2.0\r\n\r\n"
)

func isPreface(head []byte) bool { return string(head) == prefaceHead }

// serveHTTP2 tunnels an HTTP/2 connection to the upstream of the default route. A
// client whose next bytes do not complete the preface gets a refusal with the given
// reason. In transparent mode the caller forwards the connection. serveHTTP2 always
// returns false: no request follows.
func (c *clientConn) serveHTTP2(why error) bool {
	if c.way == pinned {
		return false
	}
	for len(c.bytes()) < len(preface) {
		if !bytes.HasPrefix([]byte(preface), c.bytes()) {
			return c.turnAway(400, why)
		}
		if err := c.awaitRest(); err != nil {
			return c.endUnfinished(err)
		}
	}
	c.gotHead()
	if !bytes.HasPrefix(c.bytes(), []byte(preface)) {
		return c.turnAway(400, why)
	}
	route := c.proxy.routes.match(nil)
	if route == nil || c.proxy.draining.Load() {
		return false
	}
	if c.isLoop() || !route.unheard.enter() {
		c.proxy.reportLoop(route.String())
		return false
	}
	conn, raw, err := route.pool.dialHTTP2()
	if err != nil {
		route.unheard.leave()
		c.proxy.config.Log.Warn("no connection for a client of HTTP/2", "upstream", route.Upstream.Address(), "err", rootCause(err))
		return false
	}
	c.count(&c.proxy.counts.raw)
	c.pin(conn, raw, route.unheard.leave)
	c.passBothWays()
	return false
}

// A server of HTTP/2 speaks as soon as it has a connection (RFC 9113, section 3.4). So a
// tunnel whose upstream is silent for long may lead back to headway: then the tunnels
// of one connection pile up, and headway cannot mark their bytes.
const (
	maxUnheard = 32
	heardSoon  = 5 * time.Second
)

// unheard counts the tunnels of HTTP/2 whose upstream has not spoken yet. It is safe for
// concurrent use.
type unheard chan struct{}

// enter waits for a place, heardSoon at most, and tells whether there was one.
func (u unheard) enter() bool {
	late := time.NewTimer(heardSoon)
	defer late.Stop()
	select {
	case u <- struct{}{}:
		return true
	case <-late.C:
		return false
	}
}

// leave gives a place back.
func (u unheard) leave() { <-u }

// dialHTTP2 opens a connection that offers HTTP/2 over TLS. Raw is the connection below
// TLS, or conn itself.
func (p *pool) dialHTTP2() (conn, raw net.Conn, err error) {
	ctx := p.dialing
	if p.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	return p.dialConn(ctx, "h2")
}
