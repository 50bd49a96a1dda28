package proxy

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// dialPatience is how long opening a connection may take, and stallPatience how
	// long a write to an upstream may wait, before the client, from which nothing is
	// read meanwhile, is watched. Both are well below the 50 ms within which a
	// departure is to be answered, and well above what is usual.
	dialPatience  = 5 * time.Millisecond
	stallPatience = 20 * time.Millisecond
)

// watch looks out for the departure of a client from which nobody reads: its FIN
// hides behind bytes that it sent before.
type watch struct {
	client *clientConn
	timer  *time.Timer
	over   chan struct{}
}

// departing is a connection whose end can be waited for while bytes before it are
// unread.
type departing interface {
	// awaitDeparture returns true when the other side has left, and false when the read
	// deadline has passed.
	awaitDeparture() bool
}

// watch aborts r if the client leaves, as of patience from now. Until it is
// stopped nobody else may read from the connection. It may be nil, which can be
// stopped too.
func (c *clientConn) watch(r *relay, patience time.Duration) *watch {
	d, ok := c.conn.(departing)
	if !ok {
		return nil
	}
	w := &watch{client: c, over: make(chan struct{})}
	w.timer = time.AfterFunc(patience, func() {
		defer close(w.over)
		if d.awaitDeparture() {
			r.abort(exchange.ClientGone)
		}
	})
	return w
}

// watchDial watches the client of r, if there is any, while a connection is opened.
func watchDial(r *relay) *watch {
	if r == nil {
		return nil
	}
	return r.client.watch(r, dialPatience)
}

// stop returns when the connection may be read from again.
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
	case c.wakeSent: // the deadline is a wake-up call, too
	case c.last:
		_ = c.conn.SetReadDeadline(time.Now().Add(linger))
	default:
		_ = c.conn.SetReadDeadline(time.Time{})
	}
}

// send writes a part of the request. While that waits, the client is watched.
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

// stalled is called when a write to the connection begins to wait.
func (u *upstreamConn) stalled() {
	if r := u.sender.Load(); r != nil && r.watch.Load() == nil {
		r.watch.Store(r.client.watch(r, stallPatience))
	}
}
