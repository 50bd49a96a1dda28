package sidecar

import (
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// adminConnections is how many connections the admin port holds at once. They are part
	// of the descriptors that package sockets keeps away from traffic.
	adminConnections = 16
	// waitingGrace is how long a connection without a whole request keeps its place when
	// others come: an honest client sends its request at once.
	waitingGrace = 5 * time.Millisecond
	// servedGrace is how long a connection that is served keeps its place when others come
	// and all places are served. A kubelet waits a second for the answer to its probe, and
	// a thousand clients before it must not use that second up.
	servedGrace = 20 * time.Millisecond
)

// adminGate is the listener of the admin port. Whatever others do, it lets the newest
// client in after a moment, so that health always answers, and it never takes more than
// its own descriptors. newAdminGate makes one.
type adminGate struct {
	net.Listener
	freed chan struct{} // a connection has gone or has changed its state

	mu   sync.Mutex
	open map[*adminConn]struct{}
}

// adminConn is a connection of the admin port.
type adminConn struct {
	net.Conn
	gate   *adminGate
	since  time.Time // when it came: later requests on it win it no time
	served bool      // its request is whole, and the answer is not; guarded by gate.mu
}

func newAdminGate(l net.Listener) *adminGate {
	return &adminGate{Listener: l, freed: make(chan struct{}, 1), open: map[*adminConn]struct{}{}}
}

// Accept accepts a connection. When the gate is full, it closes another one first.
func (g *adminGate) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &adminConn{Conn: conn, gate: g}
	for {
		victim, wait := g.enter(c)
		switch {
		case victim != nil:
			_ = victim.Close()
		case wait == 0:
			return c, nil
		default:
			select {
			case <-g.freed:
			case <-time.After(wait):
			}
		}
	}
}

// enter gives c a place if one is free. Otherwise it returns the connection that has to
// go, or how long it may take until one has to.
func (g *adminGate) enter(c *adminConn) (victim *adminConn, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if len(g.open) < adminConnections {
		c.since = now
		g.open[c] = struct{}{}
		return nil, 0
	}
	for o := range g.open {
		left := o.grace() - now.Sub(o.since)
		if victim == nil || victim.served && !o.served || victim.served == o.served && left < wait {
			victim, wait = o, left
		}
	}
	if wait > 0 {
		return nil, wait
	}
	return victim, 0
}

// grace is how long c keeps its place. The caller holds gate.mu.
func (c *adminConn) grace() time.Duration {
	if c.served {
		return servedGrace
	}
	return waitingGrace
}

// note is the http.Server's ConnState: StateActive comes when a request's head is whole.
func (g *adminGate) note(conn net.Conn, state http.ConnState) {
	if sealed, ok := conn.(interface{ NetConn() net.Conn }); ok { // a *tls.Conn
		conn = sealed.NetConn()
	}
	c, ok := conn.(*adminConn)
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c.served = state == http.StateActive
	g.changed()
}

// Close closes the connection and gives its place back.
func (c *adminConn) Close() error {
	err := c.Conn.Close()
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	delete(c.gate.open, c)
	c.gate.changed()
	return err
}

// changed wakes Accept.
func (g *adminGate) changed() {
	select {
	case g.freed <- struct{}{}:
	default:
	}
}
