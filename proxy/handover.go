package proxy

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// settle waits in a read while the exchange runs, and returns when it is over:
// true when another may follow. A client that leaves before aborts the exchange;
// one that sends ahead is read up to maxPipelined.
func (c *clientConn) settle(r *relay) bool {
	for !c.isOver(r) {
		switch {
		case r.tunnel.Load():
			c.tunnel(r)
		case !c.grow(maxPipelined):
			c.await(r)
			continue
		}
		if _, _, err := c.fill(); err != nil && !c.woken() {
			if c.passEnd(r, err) {
				c.awaitEnd(r)
				break
			}
			r.abort(exchange.ClientGone) // which it is not when r is over
			return false
		}
	}
	if c.last {
		c.lingerOn()
	}
	return !c.last && !c.isCarried()
}

// isOver tells whether r has ended. While it has not, and bytes are waiting, the
// reader asks to be woken.
func (c *clientConn) isOver(r *relay) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resume()
	if c.relay == r {
		c.kick = len(c.bytes()) > 0
		return false
	}
	return true
}

// await waits without reading for r to end, or to become a tunnel.
func (c *clientConn) await(r *relay) {
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
	c.interrupt()
	c.over.Broadcast()
}

// woken tells whether a read failed because of a wake-up call.
func (c *clientConn) woken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resume()
}

// ending is what the end of an exchange means for the client's connection.
type ending struct {
	last   bool // no other exchange follows
	broken bool // the response broke off: the connection must not end cleanly
	reset  bool // and the upstream had reset its own
	carry  bool // what follows is carried as it is
}

// exchangeOver ends the running exchange. It is called by the upstream's side.
func (c *clientConn) exchangeOver(e ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.relay = nil
	c.busy = c.kick
	c.carried = c.carried || e.carry
	c.last = c.last || e.last || e.broken || (c.proxy.draining.Load() && !c.busy && !e.carry)
	switch tcp, isTCP := c.conn.(interface{ SetLinger(sec int) error }); {
	case e.broken && e.reset && isTCP:
		_ = tcp.SetLinger(0)
		c.close()
	case e.broken:
		c.close()
	case c.last:
		c.endWriting()
	default:
		c.interrupt()
	}
	c.kick = false
	c.over.Broadcast()
}

// interrupt makes the pending or next read return, if it is to. c.mu is held.
func (c *clientConn) interrupt() {
	if c.kick {
		c.kick, c.kicked = false, true
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // long past
	}
}

// resume takes a wake-up call back and tells whether there was one. c.mu is held.
func (c *clientConn) resume() bool {
	if !c.kicked {
		return false
	}
	c.kicked = false
	if !c.last { // else the deadline is that of endWriting by now
		_ = c.conn.SetReadDeadline(time.Time{})
	}
	return true
}
