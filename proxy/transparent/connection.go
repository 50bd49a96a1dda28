package transparent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// connection is a redirected connection until the proxy takes it over or it ends. The
// client's side, runClient, reads the client's bytes and decides the mode by the first
// ones; the upstream's side, runUpstream, reads the server's bytes.
type connection struct {
	server *Server
	client *link
	to     netip.AddrPort
	gone   func() // gives the place in the Gate back; a second call does nothing

	headStart *time.Timer  // opens the upstream connection
	sides     atomic.Int32 // that have not ended

	dialing context.Context
	cancel  context.CancelFunc
	dialed  chan struct{} // closed when upstream or dialErr is set
	yielded chan bool     // tells reclaim whether it gets the unused upstream; closed when the upstream's side has ended, which says no

	upstream *link
	dialErr  error

	mu   sync.Mutex
	mode exchange.Mode // empty before decideMode; Transparent is HTTP
	over bool          // stop was called, or the proxy has taken over
	seal *seal         // of a sealed connection; set with the mode
}

func newConnection(s *Server, conn *net.TCPConn, to netip.AddrPort) *connection {
	c := &connection{
		server: s, client: s.newLink(conn), to: to, gone: sync.OnceFunc(s.gate.Leave),
		dialed: make(chan struct{}), yielded: make(chan bool, 1),
	}
	c.client.resume = c.runClient
	c.sides.Store(2)
	c.dialing, c.cancel = context.WithCancel(context.Background())
	return c
}

// begin begins to serve the connection.
func (c *connection) begin() {
	c.headStart = time.AfterFunc(headStart, c.open)
	c.client.begin()
}

// sequence says how a side goes on.
type sequence uint8

const (
	ends   sequence = iota
	goesOn          // with the next bytes
	leaves          // it is parked, or the proxy's: run returns, and touches it no more
)

// runClient serves the client's side until it ends, is parked or is the proxy's.
func (c *connection) runClient(leader *poller.Leader) {
	next := ends
	defer func() {
		if next != leaves {
			c.clientEnded()
		}
	}()
	defer c.guard()
	c.client.leader = leader
	if next = goesOn; !c.client.begun {
		next = c.serveFirst()
	}
	if next == goesOn {
		next = c.pump(up)
	}
}

// serveFirst reads the client's first bytes, and does with them what their mode asks for.
func (c *connection) serveFirst() sequence {
	b, n, at, err := c.readFirstBytes()
	if errors.Is(err, errParked) {
		return leaves
	}
	defer c.server.buffers.put(b)
	c.client.begun = true
	if err == nil && c.isLoop() {
		err = errLoop
	}
	if err != nil {
		c.abort()
		return ends
	}
	if c.chooseMode(b[:n], at) == exchange.Transparent {
		if upstream, ok := c.reclaim(); ok {
			return c.handOver(Arrival{Conn: c.client.Conn, Read: bytes.Clone(b[:n]), At: at, To: c.to, Upstream: upstream, Ended: c.gone})
		}
	}
	if c.connect(b[:n]) && c.carry(up, b[:n], nil) {
		return goesOn
	}
	return ends
}

// readFirstBytes reads the client's first bytes until they tell its protocol, SniffWait
// is over or the client ends its sending side. It returns the moment of the last read. It
// parks the client, if it can, until the first byte.
func (c *connection) readFirstBytes() (b *buffer, n int, at tap.Instant, err error) {
	if b, n, err = c.client.receive(&c.server.buffers); errors.Is(err, errParked) {
		return nil, 0, 0, err
	}
	at = tap.Now()
	waiting := false
	for err == nil && Sniff(b[:n]) == Undecided {
		if !waiting {
			waiting = true
			c.client.leader.StepDown()
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
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
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
func (c *connection) handOver(a Arrival) sequence {
	c.mu.Lock()
	stopped := c.over
	c.over = true // from here on the proxy ends it
	c.mu.Unlock()
	if stopped {
		if a.Upstream != nil {
			reset(a.Upstream)
		}
		return ends
	}
	c.server.forget(c)
	c.server.config.HTTP(a)
	return leaves
}

// clientEnded ends the client's side.
func (c *connection) clientEnded() {
	c.cancel()
	c.mu.Lock()
	handedOver := c.mode == exchange.Transparent
	c.mu.Unlock()
	if handedOver { // to a proxy that has not taken it
		c.server.forget(c)
		c.gone()
		return
	}
	if c.headStart.Stop() {
		c.sideEnded() // the upstream's has not begun
	}
	c.sideEnded()
}

// upstreamEnded ends the upstream's side.
func (c *connection) upstreamEnded() {
	close(c.yielded)
	c.sideEnded()
}

// sideEnded closes both sides when the last of them has ended.
func (c *connection) sideEnded() {
	if c.sides.Add(-1) > 0 {
		return
	}
	defer c.gone()
	defer c.server.forget(c)
	defer c.guard()
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
		reset(c.client.Conn) // the proxy may have taken it over, so abort may have done nothing
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

// stop ends both sides by resets: either side could take a FIN for an end that the
// other one meant. The caller holds c.mu.
func (c *connection) stop() {
	if c.over {
		return
	}
	c.over = true
	c.cancel()
	reset(c.client.Conn)
	if c.upstream != nil {
		reset(c.upstream.Conn)
	}
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
