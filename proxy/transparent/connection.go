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

// connection is a redirected connection until the proxy takes it over or it ends. The
// client's goroutine reads the client's bytes and decides the mode by the first ones;
// the upstream's goroutine dials and reads the server's bytes.
type connection struct {
	server *Server
	client link
	to     netip.AddrPort

	headStart *time.Timer // starts the upstream's goroutine

	dialing context.Context
	cancel  context.CancelFunc
	dialed  chan struct{} // closed when upstream or dialErr is set
	down    chan struct{} // closed when the upstream's goroutine has ended
	yielded chan bool     // tells reclaim whether it gets the unused upstream; closed with down, which says no

	upstream link
	dialErr  error

	mu   sync.Mutex
	mode exchange.Mode // empty before decideMode; Transparent is HTTP
	over bool          // stop was called, or the proxy has taken over
	seal *seal         // of a sealed connection; set with the mode
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

// readFirstBytes reads the client's first bytes until they tell its protocol, SniffWait
// is over or the client ends its sending side. It returns the moment of the last read.
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

// chooseMode decides the mode by the client's first bytes, unless the server has spoken
// before the client.
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

// decideMode sets the mode if none is set yet, and returns the mode that is set.
func (c *connection) decideMode(mode exchange.Mode, seal *seal) exchange.Mode {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(mode, seal)
	return c.mode
}

// settle sets the mode if none is set yet. The caller holds c.mu.
func (c *connection) settle(mode exchange.Mode, seal *seal) {
	if c.mode != "" {
		return
	}
	c.mode, c.seal = mode, seal
	switch mode {
	case exchange.Sealed:
		c.server.sealed.Add(1)
	case exchange.Raw:
		c.server.raw.Add(1)
	}
}

// handOver gives the connection to the proxy.
func (c *connection) handOver(a Arrival) {
	c.mu.Lock()
	stopped := c.over
	c.over = true // from here on the proxy ends it
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

// end closes both sides when the client's goroutine is through with them, after it has
// waited for the upstream's.
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

// expire ends a sealed exchange if the server has been silent for long enough.
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
		reset(c.client) // the proxy may have taken it over, so abort may have done nothing
	}
}

func (c *connection) isSealed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mode == exchange.Sealed
}

// endIfIdle ends a connection on which neither side has sent anything, and a sealed one
// without a running exchange.
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

// stop ends both goroutines by resets: either side could take a FIN for an end that the
// other one meant. The caller holds c.mu.
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
