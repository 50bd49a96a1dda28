package transparent

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/sockets"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// connect waits until there is an upstream connection. When the dial fails, connect resets
// the client's connection, as the server's refusal would have done, records p, the first
// bytes of a sealed connection, and returns false.
func (c *connection) connect(p []byte) bool {
	c.client.leader.StepDown()
	if c.headStart.Stop() {
		c.open()
	}
	<-c.dialed
	if c.dialErr == nil {
		return true
	}
	if c.seal != nil {
		c.seal.recordDialFailure(p, tap.Now(), dialFailure(c.dialErr))
	}
	c.abort()
	return false
}

// dialFailure is the type of the error of a dial.
func dialFailure(err error) exchange.ErrorType {
	switch {
	case sockets.Exhausted(err):
		return exchange.ErrDescriptors
	case errors.Is(err, context.DeadlineExceeded):
		return exchange.ErrTimeout
	}
	return exchange.ErrConnection
}

// reclaim takes the upstream connection away from its side. Without an upstream
// connection, upstream is nil. It is not ok when the server has spoken already, because a
// server of HTTP would not.
func (c *connection) reclaim() (upstream net.Conn, ok bool) {
	if c.headStart.Stop() {
		return nil, true
	}
	select {
	case <-c.dialed:
	default:
		c.cancel() // the proxy dials again
		return nil, true
	}
	if c.dialErr != nil {
		return nil, true // the proxy's own dial will fail too
	}
	c.client.leader.StepDown()
	_ = c.upstream.SetReadDeadline(time.Unix(1, 0)) // long past
	if unused := <-c.yielded; !unused {
		return nil, false
	}
	_ = c.upstream.SetReadDeadline(time.Time{})
	return c.upstream.Conn, true
}

// open dials, and begins to read from the upstream.
func (c *connection) open() {
	opened := false
	defer func() {
		if !opened {
			c.upstreamEnded()
		}
	}()
	defer c.guard()
	if c.dial() {
		opened = true
		c.upstream.begin()
	}
}

// runUpstream serves the upstream's side until it ends or is parked.
func (c *connection) runUpstream(leader *poller.Leader) {
	next := ends
	defer func() {
		if next != leaves {
			c.upstreamEnded()
		}
	}()
	defer c.guard()
	c.upstream.leader = leader
	next = c.serveUpstream()
}

// serveUpstream serves the upstream's side. With the first bytes, or the end, it decides
// whether that side is a tunnel's at all.
func (c *connection) serveUpstream() sequence {
	if !c.upstream.begun {
		b, n, err := c.upstream.receive(&c.server.buffers)
		if errors.Is(err, errParked) {
			return leaves
		}
		c.upstream.begun = true
		more := !c.yields(err) && c.carry(down, b[:n], err)
		c.server.buffers.put(b)
		if !more {
			return ends
		}
	}
	return c.pump(down)
}

// dial opens the upstream connection and tells whether there is one now.
func (c *connection) dial() (ok bool) {
	var conn net.Conn
	err := net.ErrClosed // in case the dialer panics
	defer func() { ok = c.connected(conn, err) }()
	if c.isLoop() {
		err = errLoop
		return false
	}
	ctx, cancel := c.dialing, func() {}
	if limit := c.server.config.ConnectTimeout; limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	conn, err = c.server.dialer.DialContext(ctx, "tcp", c.to.String())
	return false
}

// connected stores the result of the dial and tells whether there is an upstream. When
// there is none, it resets a client that has not spoken.
func (c *connection) connected(conn net.Conn, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(c.dialed)
	if err == nil && (c.over || c.mode == exchange.Transparent) {
		_ = conn.Close()
		err = net.ErrClosed
	}
	if err != nil {
		c.dialErr = err
		if c.mode == "" {
			c.stop()
		}
		return false
	}
	c.upstream = c.server.newLink(conn)
	c.upstream.resume = c.runUpstream
	c.server.dialer.Remember(c.upstream.Conn) // it may be another one than the dialer's
	return true
}

// isLoop tells whether the dialer has opened the client's connection, so that the client
// is headway itself. It refuses the connection then.
func (c *connection) isLoop() bool {
	from, here := sockets.AddressOf(c.client.RemoteAddr()), sockets.AddressOf(c.client.LocalAddr())
	if d := c.server.dialer; !d.Opened(from, c.to) && !d.Opened(from, here) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.server.refuse(c.client.Conn, errLoop)
		c.stop()
	}
	return true
}

// yields leaves the upstream to reclaim if reclaim has asked for it and the server has
// neither spoken nor ended. Otherwise the connection is raw, unless its mode is set. Err
// is the error of the upstream's first read.
func (c *connection) yields(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mode != exchange.Transparent {
		c.settle(exchange.Raw, nil)
		return false
	}
	unused := errors.Is(err, os.ErrDeadlineExceeded)
	if !unused {
		c.mode = ""
		c.settle(exchange.Raw, nil)
	}
	c.yielded <- unused
	return unused
}
