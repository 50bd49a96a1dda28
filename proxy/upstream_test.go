package proxy_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// watched is a connection that notes its Close and its read deadline.
type watched struct {
	net.Conn
	closed   bool
	deadline bool // a read deadline is set
}

func (w *watched) Close() error { w.closed = true; return w.Conn.Close() }

func (w *watched) SetReadDeadline(t time.Time) error {
	w.deadline = !t.IsZero()
	return w.Conn.SetReadDeadline(t)
}

// newWatched returns a connection that serves the second of two exchanges.
func newWatched(t *testing.T) (w *watched, u *proxy.Upstream, first, second *proxy.Relay) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	w = &watched{Conn: near}
	u = proxy.NewUpstream(w, false)
	first, second = new(proxy.Relay), new(proxy.Relay)
	if !u.Assign(first) || !u.Release() || !u.Assign(second) {
		t.Fatal("the connection was not to be had")
	}
	return w, u, first, second
}

// TestConnectionIsAbortedByItsOwnExchangeOnly: a client's goroutine may notice late that
// its exchange is over.
func TestConnectionIsAbortedByItsOwnExchangeOnly(t *testing.T) {
	w, u, first, second := newWatched(t)
	if u.Abort(first); w.closed {
		t.Error("an exchange that was over closed the connection of another")
	}
	if u.Abort(second); !w.closed {
		t.Error("the exchange could not close its connection")
	}
	if u.Release() {
		t.Error("the connection counts as alive")
	}
}

// TestHeadIsExpectedByItsOwnExchangeOnly, and only until it has come.
func TestHeadIsExpectedByItsOwnExchangeOnly(t *testing.T) {
	w, u, first, second := newWatched(t)
	if u.ExpectHead(first, time.Hour); w.deadline {
		t.Error("an exchange that was over set a deadline for another")
	}
	if u.ExpectHead(second, 0); w.deadline {
		t.Error("a deadline was set that is not configured")
	}
	if u.ExpectHead(second, time.Hour); !w.deadline {
		t.Error("no deadline")
	}
	if u.GotHead(); w.deadline {
		t.Error("the deadline outlived the head")
	}
	if u.ExpectHead(second, time.Hour); w.deadline {
		t.Error("a deadline was set for a head that had come")
	}
}

func TestUpstreamThatClosesAtOnceIsNotDialledOverAndOver(t *testing.T) {
	f := newFixture(t, "http://127.0.0.1:1")
	dialled := f.proxy.DialDead()
	c := f.dial()
	c.send(get)
	head := c.head()
	if body := c.rest(); !strings.HasPrefix(head, "HTTP/1.1 502 ") || !strings.Contains(body, "closed as soon as it was open") {
		t.Errorf("got %q %q", head, body)
	}
	f.want(exchange.ConnectError, exchange.ErrConnection, 502)
	if n := dialled(); n != 1 {
		t.Errorf("dialled %d times, want 1", n)
	}
}

// TestKeepsSoManyConnectionsAfterABurst and closes the others.
func TestKeepsSoManyConnectionsAfterABurst(t *testing.T) {
	const others = 3
	finish := make(chan struct{})
	var left atomic.Int64
	u := newUpstream(t, func(p *peer) {
		p.message()
		<-finish
		p.send(okay)
		p.gone()
		left.Add(1)
	})
	f := newFixture(t, u.url)
	for range proxy.MaxIdleConns + others {
		f.dial().send(get)
	}
	eventually(t, "every request to have its connection", func() bool { return u.connections.Load() == proxy.MaxIdleConns+others })
	for range proxy.MaxIdleConns + others {
		finish <- struct{}{}
		f.want(exchange.OK, "", 200) // by then the connection is kept, or not
	}
	eventually(t, "the others to be closed", func() bool { return left.Load() >= others })
	if n := left.Load(); n != others {
		t.Errorf("%d connections were closed, want %d", n, others)
	}
}

// hesitant is an upstream's connection that reports the first write deadline, and keeps
// none.
type hesitant struct {
	net.Conn
	once sync.Once
	hint chan struct{}
}

func (h *hesitant) SetWriteDeadline(time.Time) error {
	h.once.Do(func() { close(h.hint) })
	return nil
}

// TestResponseQuickerThanTheWriteOfItsRequestCostsNoConnection: headway still writes the
// last bytes of the request when the response is over.
func TestResponseQuickerThanTheWriteOfItsRequestCostsNoConnection(t *testing.T) {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	waiting := make(chan struct{})
	dialled := 0
	f := newFixture(t, "http://127.0.0.1:1", dialing(func(context.Context, string) (net.Conn, error) {
		dialled++
		return &hesitant{Conn: near, hint: waiting}, nil
	}))
	u, c := newPeer(t, far), f.dial()
	c.send(get)
	if _, err := io.ReadFull(far, make([]byte, 4)); err != nil { // the write waits for the rest to be read
		t.Fatal(err)
	}
	u.send(okay)
	c.expect(okay)
	wait(t, "the end of the exchange to wait for the write", waiting)
	u.head()
	f.want(exchange.OK, "", 200)
	c.send(get)
	u.head()
	u.send(okay)
	c.expect(okay)
	f.want(exchange.OK, "", 200)
	if dialled != 1 {
		t.Errorf("dialled %d times, want 1", dialled)
	}
}
