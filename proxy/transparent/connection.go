package transparent

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// connection is a redirected connection until it is handed over or ends. The
// client's goroutine reads what the client sends, and what that is decides the
// mode; the upstream's dials and reads what the server sends.
type connection struct {
	server *Server
	client link
	to     netip.AddrPort

	headStart *time.Timer // starts the upstream's goroutine

	dialing context.Context
	cancel  context.CancelFunc
	dialed  chan struct{} // closed when upstream or dialErr is set
	down    chan struct{} // closed when the upstream's goroutine has ended
	yielded chan bool     // whether it has left its upstream, unused, to HTTP

	upstream link
	dialErr  error

	mu   sync.Mutex
	mode exchange.Mode // empty until it is decided; Transparent is HTTP
	over bool          // cut, or ended for being idle
	seal *seal         // of a sealed connection; set before the mode is
}

func newConnection(s *Server, conn *net.TCPConn, to netip.AddrPort) *connection {
	c := &connection{
		server: s, client: newLink(conn), to: to,
		dialed: make(chan struct{}), down: make(chan struct{}), yielded: make(chan bool, 1),
	}
	c.dialing, c.cancel = context.WithCancel(context.Background())
	return c
}

// serve is the client's goroutine.
func (c *connection) serve() {
	defer c.end()
	defer c.guard()
	c.headStart = time.AfterFunc(headStart, c.serveUpstream)

	b, n, at, err := c.readFirstBytes()
	if err == nil && c.isLoop() {
		err = errLoop
	}
	if err != nil {
		c.server.buffers.put(b)
		c.abort()
		return
	}
	if c.chooseMode(b[:n], at) == exchange.Transparent {
		if upstream, ok := c.reclaim(); ok {
			read := bytes.Clone(b[:n])
			c.server.buffers.put(b)
			c.handOver(Arrival{Conn: c.client.bare(), Read: read, At: at, To: c.to, Upstream: upstream})
			return
		}
	}
	if !c.connect(b[:n]) {
		c.server.buffers.put(b)
		return
	}
	c.pump(up, b, n, nil)
}

// readFirstBytes reads what the client says first, until that tells what it speaks, the
// wait for it is over or its sending side ends.
func (c *connection) readFirstBytes() (b *buffer, n int, at tap.Instant, err error) {
	b, n, err = c.client.receive(&c.server.buffers)
	at = tap.Now()
	waiting := false
	for err == nil && Sniff(b[:n]) == Undecided {
		if !waiting {
			waiting = true
			_ = c.client.SetReadDeadline(time.Now().Add(c.server.config.SniffWait))
		}
		var more int
		more, err = c.client.Read(b[n:])
		n += more
		if more > 0 {
			at = tap.Now()
		}
	}
	if waiting {
		_ = c.client.SetReadDeadline(time.Time{})
	}
	if isEOF(err) || errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // the end will be read again
	}
	return b, n, at, err
}

// chooseMode settles the mode by what the client has said, unless the server has
// spoken before it.
func (c *connection) chooseMode(p []byte, at tap.Instant) exchange.Mode {
	s := c.server
	var seal *seal
	mode := exchange.Raw
	switch protocol := Sniff(p); {
	case protocol == HTTP && s.config.HTTP != nil:
		mode = exchange.Transparent
	case protocol == TLS && s.config.SealedTLS:
		mode = exchange.Sealed
		seal = newSeal(&s.config, c.to, at)
	}
	mode = c.decideMode(mode, seal)
	if mode == exchange.Sealed {
		s.startSweeping()
	}
	return mode
}

// decideMode makes mode the mode if there is none yet, and returns the one there is.
func (c *connection) decideMode(mode exchange.Mode, seal *seal) exchange.Mode {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mode == "" {
		c.mode, c.seal = mode, seal
		switch mode {
		case exchange.Sealed:
			c.server.sealed.Add(1)
		case exchange.Raw:
			c.server.raw.Add(1)
		}
	}
	return c.mode
}

// handOver makes the connection the proxy's.
func (c *connection) handOver(a Arrival) {
	c.mu.Lock()
	stopped := c.over
	c.over = true // from here on not ours to end
	c.mu.Unlock()
	if stopped {
		if a.Upstream != nil {
			reset(a.Upstream)
		}
		return
	}
	c.server.forget(c)
	c.server.config.HTTP(a)
}

// end closes what is left when the client's goroutine is through with it, and the
// upstream's is.
func (c *connection) end() {
	defer c.server.forget(c)
	defer c.guard()
	c.cancel()
	c.mu.Lock()
	handedOver := c.mode == exchange.Transparent
	c.mu.Unlock()
	if handedOver {
		return
	}
	if !c.headStart.Stop() {
		<-c.down
	}
	_ = c.client.Close()
	if c.upstream != nil {
		_ = c.upstream.Close()
	}
	if c.seal != nil {
		c.seal.close(tap.Now())
		c.seal.report()
	}
}

// expire ends a sealed exchange whose server has been silent for long.
func (c *connection) expire() {
	defer c.guard()
	c.seal.expire(tap.Now())
	c.seal.report()
}

// guard ends the connection after a panic, and only that.
func (c *connection) guard() {
	if v := recover(); v != nil {
		c.server.config.Log.Error("panic in a redirected connection", "panic", v, "stack", string(debug.Stack()))
		c.abort()
		reset(c.client) // also when it was handed over
	}
}

func (c *connection) isSealed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mode == exchange.Sealed
}

// endIfIdle ends a connection on which nothing was said or, if it is sealed,
// nothing is under way.
func (c *connection) endIfIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mode == "" || c.mode == exchange.Sealed && c.seal.isIdle() {
		c.stop()
	}
}

// cut ends the connection because headway must stop.
func (c *connection) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seal != nil && !c.over {
		c.seal.drain(tap.Now())
	}
	c.stop()
}

// abort resets both sides.
func (c *connection) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop()
}

// stop makes both goroutines end, by a reset: a FIN could be taken for an end that
// the other side meant. c.mu is held.
func (c *connection) stop() {
	if c.over {
		return
	}
	c.over = true
	c.cancel()
	reset(c.client)
	if c.upstream != nil {
		reset(c.upstream)
	}
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
