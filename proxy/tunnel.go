package proxy

import (
	"errors"
	"io"
	"net"
	"os"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// switches tells whether h makes the connections a tunnel: a 101, or the success of
// a CONNECT (RFC 9110, sections 15.2.2 and 9.3.6).
func (r *relay) switches(h *responseHead) bool {
	return h.status == 101 || (r.method == "CONNECT" && h.status >= 200 && h.status < 300)
}

// switchProtocols forwards the head that makes a tunnel, and from then on whatever
// either side sends. It returns when both have ended.
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
	r.tunnel.Store(true)
	r.client.wake()
	if at, err = r.forwardBody(); err == nil {
		at, err = r.awaitClient(at)
	}
	switch r.result(err).Outcome {
	case exchange.OK, exchange.Drained, exchange.Timeout: // the latter headway's doing
		return at, err
	}
	r.upstreamReset = isReset(err)
	return at, nil // either side ends a tunnel as it likes
}

// awaitClient passes the end of the upstream's side of a tunnel on, and waits for
// the end of the client's. At is the moment of the first, and the last is returned.
func (r *relay) awaitClient(at tap.Instant) (tap.Instant, error) {
	if !closeWrite(r.client.conn) || r.clientEnded.Load() {
		return at, nil
	}
	r.client.mu.Lock()
	defer r.client.mu.Unlock()
	for !r.clientEnded.Load() && r.reason.Load() == nil {
		r.client.over.Wait()
	}
	if r.reason.Load() != nil {
		return tap.Now(), net.ErrClosed
	}
	return tap.Now(), nil
}

// passTunnelUp carries up what the client sent after a switch of protocols.
func (c *clientConn) passTunnelUp(r *relay) {
	p := c.bytes()
	if len(p) == 0 {
		return
	}
	if _, err := r.up.conn.Write(p); err != nil {
		c.abortAndWake(r, exchange.UpstreamCut)
	}
	r.x.RequestBody(p)
	c.use(len(p))
}

// abortAndWake aborts r from the client's goroutine when the upstream's may wait for it.
func (c *clientConn) abortAndWake(r *relay, why exchange.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.abort(why)
}

// passEnd passes the end of what the client sends, which err is, on to the upstream
// that r is bound to. It fails where that means the end of the exchange: where a
// client that has nothing more to say is one that left.
func (c *clientConn) passEnd(r *relay, err error) bool {
	if c.pinned == nil && !r.tunnel.Load() {
		return false
	}
	if !errors.Is(err, io.EOF) {
		resetOnClose(r.up.raw)
		c.abortAndWake(r, exchange.ClientGone)
		return true
	}
	if len(c.bytes()) > 0 { // a request that was sent ahead goes first
		return true
	}
	r.up.endWriting()
	c.mu.Lock()
	defer c.mu.Unlock()
	r.clientEndedAt = c.at
	r.clientEnded.Store(true)
	c.over.Broadcast()
	return true
}

// awaitOverAfterFIN waits for r to end, when the client has ended what it sends. What it had
// sent ahead is carried if r becomes a tunnel.
func (c *clientConn) awaitOverAfterFIN(r *relay) {
	if c.awaitOver(r); !r.tunnel.Load() {
		return
	}
	if len(c.bytes()) > 0 {
		c.passTunnelUp(r)
		c.passEnd(r, io.EOF)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.relay == r {
		c.over.Wait()
	}
}

// A pair of connections that are pinned to each other may carry what is no exchange,
// as it is: ascend does so on the client's goroutine, descend on the upstream's. An
// end of either side is passed on as that, and a reset as a reset.

// passUp carries what the client sends until it ends.
func (c *clientConn) passUp() {
	var err error
	for {
		if p := c.bytes(); len(p) > 0 {
			c.markUnmeasured()
			if _, failed := c.pinned.conn.Write(p); failed != nil {
				return // the upstream's side hears why
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

// passDown carries what the upstream says until it ends, which err says that it has.
func (c *clientConn) passDown(err error) {
	u := c.pinned
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
	c.endWriting() // nothing that is under way could need it longer
}

// markUnmeasured says that something is carried that is no exchange.
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

// passEndToPinned passes an end of the client's sending side on to the connection it is pinned to.
func (c *clientConn) passEndToPinned(err error) {
	switch {
	case c.pinned == nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed): // which is our doing
	case errors.Is(err, io.EOF):
		if len(c.bytes()) == 0 { // else these go first
			c.pinned.endWriting()
		}
	default:
		reset(c.pinned.raw)
	}
}

// receivedUnasked is called when an upstream without an exchange has spoken, or ended.
func (u *upstreamConn) receivedUnasked(err error) {
	if u.client != nil {
		u.client.passDown(err)
	}
}

// readerEnded is called when no more is read from u. One that is pinned stays open for what
// its client may still send.
func (u *upstreamConn) readerEnded() {
	if u.client == nil {
		_ = u.close()
		return
	}
	close(u.down)
}

// closeAfterPanic closes u after a panic, and the client that is pinned to it.
func (u *upstreamConn) closeAfterPanic() {
	_ = u.close()
	if u.client != nil {
		reset(u.client.conn)
	}
}

// endWriting sends FIN, or what tells the end above TCP.
func (u *upstreamConn) endWriting() {
	if !closeWrite(u.conn) {
		_ = u.close()
	}
}

// closeWrite ends the sending side of conn, if it can be ended alone.
func closeWrite(conn net.Conn) bool {
	half, ok := conn.(interface{ CloseWrite() error })
	if ok {
		_ = half.CloseWrite()
	}
	return ok
}

// reset closes conn so that its other end hears of no proper end.
func reset(conn net.Conn) {
	resetOnClose(conn)
	_ = conn.Close()
}

// resetOnClose makes closing conn a reset.
func resetOnClose(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0)
	}
}
