package proxy

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// The client's side does not read while it dials or while a write to the upstream waits. When a dial has taken dialPatience, or a write has waited stallPatience, a
	// watcher begins to look out for the client's departure. Both are well below the 50 ms
	// within which headway answers a departure, and well above the usual durations.
	dialPatience  = 5 * time.Millisecond
	stallPatience = 20 * time.Millisecond
)

// watch looks out for the departure of a client from which nobody reads: the client's
// FIN hides behind bytes that the client sent before. Where headway passes a FIN on behind
// those bytes, only a reset is a departure.
type watch struct {
	client *clientConn
	timer  *time.Timer
	over   chan struct{}
}

// watch begins, after patience, to look out for the client's departure, and aborts r
// then. Until the caller stops the watch, nobody else may read from the connection. On a
// connection that cannot be watched, the watch is nil; stop works on it too.
func (c *clientConn) watch(r *relay, patience time.Duration) *watch {
	if c.wire == nil {
		return nil
	}
	w := &watch{client: c, over: make(chan struct{})}
	w.timer = time.AfterFunc(patience, func() {
		defer close(w.over)
		if c.wire.AwaitDeparture(r.passesEnds()) {
			r.clientLeft()
		}
	})
	return w
}

// watchDial watches the client of r during a dial, if r is not nil.
func watchDial(r *relay) *watch {
	if r == nil {
		return nil
	}
	return r.client.watch(r, dialPatience)
}

// stop ends the watch. When it returns, the caller may read from the connection again.
func (w *watch) stop() {
	if w == nil || w.timer.Stop() {
		return
	}
	c := w.client
	c.mu.Lock()
	_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // long past
	c.mu.Unlock()
	<-w.over
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.wakeSent: // sendWake needs the same deadline
	case c.last:
		_ = c.conn.SetReadDeadline(time.Now().Add(linger))
	default:
		_ = c.conn.SetReadDeadline(time.Time{})
	}
}

// passesEnds tells whether the client's FIN goes on to the upstream: in transparent mode
// and in tunnels it does.
func (r *relay) passesEnds() bool { return r.client.way == pinned || r.state.isTunnel() }

// clientLeft ends r, whose client has left while nobody read from it.
func (r *relay) clientLeft() {
	if !r.passesEnds() {
		r.abort(exchange.ClientGone)
		return
	}
	r.client.passReset(r)
}

// send writes a part of the request, or bytes of a tunnel, to the upstream. While the
// write waits, a watch looks out for the client's departure.
func (r *relay) send(p []byte) error {
	u := r.up
	u.sender.Store(r)
	_, err := u.conn.Write(p)
	u.sender.Store(nil)
	if w := r.watch.Load(); w != nil {
		w.stop()
		r.watch.Store(nil)
	}
	return err
}

// stalled is called when a write to the connection has to wait, by the goroutine that
// writes. If that is the client's, it steps down from its loop, and a watch starts.
func (u *upstreamConn) stalled() {
	r := u.sender.Load()
	if r == nil {
		return
	}
	r.client.leader.StepDown()
	if r.watch.Load() == nil {
		r.watch.Store(r.client.watch(r, stallPatience))
	}
}
