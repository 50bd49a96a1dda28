package proxy

import (
	"errors"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// awaitResponse reads while the exchange runs. When it is over, another may follow. If the
// client leaves before, awaitResponse aborts the exchange; if the client sends ahead, it
// reads up to maxPipelined bytes.
func (c *clientConn) awaitResponse() sequence {
	for r := c.running(); r != nil; r = c.running() {
		switch {
		case r.state.isTunnel():
			c.passTunnelUp(r)
		case !c.growAhead(maxPipelined):
			c.awaitOver(r)
			continue
		}
		_, _, err := c.fillOrPark()
		switch {
		case err == nil:
			continue
		case errors.Is(err, errParked):
			return parks
		case c.woken():
			continue
		case !c.passEnd(r, err):
			r.abort(exchange.ClientGone) // without effect when r is over
			return ends
		}
		c.awaitOverAfterFIN(r)
		break
	}
	c.awaits = false
	if c.last {
		c.lingerOn()
	}
	return sequenceIf(!c.last && !c.isUnmeasured())
}

// running is the exchange that runs, or nil. While one runs and bytes of a next request
// are waiting, running asks the upstream's side to wake the reader at its end.
func (c *clientConn) running() *relay {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearWake()
	if c.relay != nil {
		c.wakeWanted = len(c.bytes()) > 0
	}
	return c.relay
}

// awaitOver waits, without reading, until r ends or becomes a tunnel.
func (c *clientConn) awaitOver(r *relay) {
	c.leader.StepDown()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.relay == r && !r.state.isTunnel() {
		c.over.Wait()
	}
}

// wake ends the wait of the client's side if that side has asked for it.
func (c *clientConn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sendWake()
	c.over.Broadcast()
}

// woken tells whether wake made a read fail.
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

// sendWake makes the pending or next read return, if its reader has asked for it.
// The caller holds c.mu.
func (c *clientConn) sendWake() {
	if c.wakeWanted {
		c.wakeWanted, c.wakeSent = false, true
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // long past
	}
}

// clearWake lets reads wait again after sendWake, and tells whether sendWake had made
// one return. The caller holds c.mu.
func (c *clientConn) clearWake() bool {
	if !c.wakeSent {
		return false
	}
	c.wakeSent = false
	if !c.last { // else endWriting has set the deadline
		_ = c.conn.SetReadDeadline(time.Time{})
	}
	return true
}
