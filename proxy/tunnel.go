package proxy

import (
	"errors"
	"io"
	"net"
	"os"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// switches tells whether h turns the connections into a tunnel: it is a 101, or the
// success of a CONNECT (RFC 9110, sections 15.2.2 and 9.3.6).
func (r *relay) switches(h *responseHead) bool {
	return h.status == 101 || (r.method == "CONNECT" && h.status >= 200 && h.status < 300)
}

// switchProtocols forwards the head that makes a tunnel, and then all bytes of either
// side. It returns when both sides have ended, or with errParked: then stream goes on.
func (r *relay) switchProtocols(h *responseHead, at tap.Instant) (tap.Instant, error) {
	if h.status == 101 && !r.upgrade {
		return at, errMalformed
	}
	r.body = body{framing: untilClose}
	r.last = true
	at, done, err := r.forwardHead(h, at, "Upgrade")
	if done || err != nil {
		return at, err
	}
	r.client.count(&r.client.proxy.counts.upgraded)
	r.x.Upgraded()
	r.state.moveResponse(tunnel)
	r.client.wake()
	at, err = r.forwardBody()
	return r.endTunnel(at, err)
}

// endTunnel ends a tunnel, whose upstream's side has ended with err at the given moment. It
// returns when both sides have ended. If err says that the upstream's side is parked, it
// does nothing.
func (r *relay) endTunnel(at tap.Instant, err error) (tap.Instant, error) {
	if errors.Is(err, errParked) {
		return at, err
	}
	r.parted(at, err)
	if err == nil {
		at, err = r.awaitClient(at)
	}
	switch r.result(err).Outcome {
	case exchange.OK, exchange.Drained, exchange.Timeout: // headway causes the last two
		return at, err
	}
	r.upstreamReset = isReset(err)
	return at, nil // either side may end a tunnel in any way
}

// parted tells the tap which side has left a tunnel. The upstream's side ended with err at
// the given moment. If headway itself ended it, no side has left, and parted does nothing.
func (r *relay) parted(at tap.Instant, err error) {
	switch why := r.result(err).Outcome; why {
	case exchange.Drained, exchange.Timeout:
	default:
		_, clientEnded := r.state.clientEnded()
		r.x.Parted(why == exchange.ClientGone || clientEnded, at)
	}
}

// awaitClient passes the end of the upstream's side of a tunnel on, and waits until the
// client's side ends too. At is the moment at which the upstream's side ended; the
// result is the moment at which the last one did.
func (r *relay) awaitClient(at tap.Instant) (tap.Instant, error) {
	if _, ended := r.state.clientEnded(); !closeWrite(r.client.conn) || ended {
		return at, nil
	}
	r.up.leader.StepDown()
	r.client.mu.Lock()
	defer r.client.mu.Unlock()
	for {
		if _, aborted := r.state.aborted(); aborted {
			return tap.Now(), net.ErrClosed
		}
		if _, ended := r.state.clientEnded(); ended {
			return tap.Now(), nil
		}
		r.client.over.Wait()
	}
}

// passTunnelUp writes the bytes that the client sent after a switch of protocols to the
// upstream.
func (c *clientConn) passTunnelUp(r *relay) {
	p := c.bytes()
	if len(p) == 0 {
		return
	}
	r.x.Sending()
	if err := r.send(p); err != nil {
		c.abortAndWake(r, exchange.UpstreamCut)
	}
	r.x.Sent(p, c.came, tap.Now())
	c.use(len(p))
}

// abortAndWake aborts r from the client's side when the upstream's side may wait for
// that: c.mu keeps it from missing the signal.
func (c *clientConn) abortAndWake(r *relay, why exchange.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.abort(why)
}

// passEnd passes the end of the client's sending side on to the upstream of r. Err is
// that end: io.EOF or a reset. passEnd returns false, and does nothing, outside tunnels
// and transparent mode: there a client that ends its side has left.
func (c *clientConn) passEnd(r *relay, err error) bool {
	if c.way == pooled && !r.state.isTunnel() {
		return false
	}
	if !errors.Is(err, io.EOF) {
		c.passReset(r)
		return true
	}
	if len(c.bytes()) > 0 { // a request that the client sent ahead goes first
		return true
	}
	if r.state.isTunnel() {
		r.x.Parted(true, tap.Now())
	}
	c.mu.Lock()
	r.state.endClient(c.at) // first, because an upstream that ends its response at once ends it for this
	c.mu.Unlock()
	r.up.endWriting()
	c.over.Broadcast()
	return true
}

// passReset resets the upstream connection of r, because the client has reset its own.
// Any goroutine may call it.
func (c *clientConn) passReset(r *relay) {
	if r.x == nil || (c.way == pinned && r.state.isOver()) { // no exchange to abort
		reset(r.up.raw)
		return
	}
	if r.state.isTunnel() {
		r.x.Parted(true, tap.Now())
	}
	resetOnClose(r.up.raw)
	c.abortAndWake(r, exchange.ClientGone)
}

// awaitOverAfterFIN waits for r to end, when the client has ended its sending side. If
// r becomes a tunnel, it passes on the bytes that the client had sent ahead.
func (c *clientConn) awaitOverAfterFIN(r *relay) {
	if c.awaitOver(r); !r.state.isTunnel() {
		return
	}
	if len(c.bytes()) > 0 {
		c.passTunnelUp(r)
		c.passEnd(r, io.EOF)
	}
	c.leader.StepDown()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.relay == r {
		c.over.Wait()
	}
}

// Two connections that are pinned to each other may carry bytes that are no exchange:
// passUp forwards them on a goroutine of the client's, passDown on one of the upstream's.
// Both pass an end on as an end, and a reset as a reset.

// passUp forwards the client's bytes until the client ends its side.
func (c *clientConn) passUp() {
	var err error
	bytes := &relay{client: c, up: c.upstream} // no exchange, so that a reset of the client is all that can end it
	for {
		if p := c.bytes(); len(p) > 0 {
			c.markUnmeasured()
			if failed := bytes.send(p); failed != nil {
				return // the upstream's goroutine reads the reason
			}
			c.use(len(p))
		}
		if err != nil {
			c.passEndToPinned(err)
			return
		}
		if _, _, err = c.fill(); err != nil && c.woken() {
			err = nil
		}
	}
}

// passDown forwards the upstream's bytes until the upstream ends its side. Err is the
// error of the last read, and not nil if that was the end.
func (c *clientConn) passDown(err error) {
	u := c.upstream
	u.leader.StepDown()
	for {
		if p := u.bytes(); len(p) > 0 {
			c.markUnmeasured()
			if _, failed := c.conn.Write(p); failed != nil {
				reset(u.raw)
				return
			}
			u.use(len(p))
		}
		if err != nil {
			break
		}
		_, _, err = u.fill()
	}
	if !errors.Is(err, io.EOF) {
		reset(c.conn)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		closeWrite(c.conn)
		return
	}
	c.endWriting() // no exchange needs the client's side any longer
}

// markUnmeasured notes that the connection carries bytes that are no exchange.
func (c *clientConn) markUnmeasured() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unmeasured, c.busy = true, true
}

func (c *clientConn) isUnmeasured() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unmeasured
}

// passEndToPinned passes the end of the client's sending side on to the pinned upstream
// connection, if there is one. Err is that end.
func (c *clientConn) passEndToPinned(err error) {
	switch {
	case c.way == pooled, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed): // headway ended it
	case errors.Is(err, io.EOF):
		if len(c.bytes()) == 0 { // else those bytes go first
			c.upstream.endWriting()
		}
	default:
		reset(c.upstream.raw)
	}
}

// receivedUnasked handles bytes that an upstream sends without an exchange, or the end
// of its connection. Err is the error of the read.
func (u *upstreamConn) receivedUnasked(err error) {
	if u.way == pinned {
		u.client.passDown(err)
	}
}

// readerEnded closes u when its goroutine reads no more. A pinned connection stays open,
// because its client may still send.
func (u *upstreamConn) readerEnded() {
	u.forgetBytes()
	if u.way == pooled {
		_ = u.close()
		u.gone()
		return
	}
	close(u.down)
}

// closeAfterPanic closes u after a panic, and resets the client that is pinned to it.
func (u *upstreamConn) closeAfterPanic() {
	_ = u.close()
	if u.way == pinned {
		reset(u.client.conn)
	}
}

// endWriting sends a FIN, after a close_notify over TLS. It closes a connection that
// cannot end one side alone.
func (u *upstreamConn) endWriting() {
	if !closeWrite(u.conn) {
		_ = u.close()
	}
}

// closeWrite ends the sending side of conn. It returns false if conn cannot end one side
// alone.
func closeWrite(conn net.Conn) bool {
	half, ok := conn.(interface{ CloseWrite() error })
	if ok {
		_ = half.CloseWrite()
	}
	return ok
}

// reset closes conn with a reset, if it is TCP.
func reset(conn net.Conn) {
	resetOnClose(conn)
	_ = conn.Close()
}

// resetOnClose makes the Close of conn send a reset, if conn is TCP.
func resetOnClose(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0)
	}
}
