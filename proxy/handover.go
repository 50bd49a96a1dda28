package proxy

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// awaitResponse waits in a read while the exchange runs, and returns when it is over:
// true when another may follow. A client that leaves before aborts the exchange;
// one that sends ahead is read up to maxPipelined.
func (c *clientConn) awaitResponse(r *relay) bool {
	for !c.isOver(r) {
		switch {
		case r.tunnel.Load():
			c.passTunnelUp(r)
		case !c.grow(maxPipelined):
			c.awaitOver(r)
			continue
		}
		if _, _, err := c.fill(); err != nil && !c.woken() {
			if c.passEnd(r, err) {
				c.awaitOverAfterFIN(r)
				break
			}
			r.abort(exchange.ClientGone) // which it is not when r is over
			return false
		}
	}
	if c.last {
		c.lingerOn()
	}
	return !c.last && !c.isUnmeasured()
}

// isOver tells whether r has ended. While it has not, and bytes are waiting, the
// reader asks to be woken.
func (c *clientConn) isOver(r *relay) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearWake()
	if c.relay == r {
		c.wakeWanted = len(c.bytes()) > 0
		return false
	}
	return true
}

// awaitOver waits without reading for r to end, or to become a tunnel.
func (c *clientConn) awaitOver(r *relay) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.relay == r && !r.tunnel.Load() {
		c.over.Wait()
	}
}

// wake ends the read of the client's goroutine if that asked for it.
func (c *clientConn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendWake()
	c.over.Broadcast()
}

// woken tells whether a read failed because of a wake-up call.
func (c *clientConn) woken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clearWake()
}

// sequel says how a client's connection goes on after an exchange.
type sequel uint8

const (
	nextRequest   sequel = iota // the client may send another request
	noMoreRequest               // headway ends the connection with a FIN
	brokenOff                   // headway closes it at once: the response has broken off
	brokenByReset               // headway resets it, as the upstream reset its own
	passThrough                 // headway forwards all further bytes without measuring them
)

// endExchange ends the running exchange. Only the upstream's side calls it.
func (c *clientConn) endExchange(next sequel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relay = nil
	c.busy = c.wakeWanted
	switch next {
	case nextRequest:
		c.last = c.last || (c.proxy.draining.Load() && !c.busy)
	case passThrough:
		c.unmeasured = true
	default:
		c.last = true
	}
	switch {
	case next == brokenByReset:
		resetOnClose(c.conn)
		c.close()
	case next == brokenOff:
		c.close()
	case c.last:
		c.endWriting()
	default:
		c.sendWake()
	}
	c.wakeWanted = false
	c.over.Broadcast()
}

// sendWake makes the pending or next read return, if it is to. c.mu is held.
func (c *clientConn) sendWake() {
	if c.wakeWanted {
		c.wakeWanted, c.wakeSent = false, true
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // long past
	}
}

// clearWake takes a wake-up call back and tells whether there was one. c.mu is held.
func (c *clientConn) clearWake() bool {
	if !c.wakeSent {
		return false
	}
	c.wakeSent = false
	if !c.last { // else the deadline is that of endWriting by now
		_ = c.conn.SetReadDeadline(time.Time{})
	}
	return true
}
