package proxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// drain starts to drain f, and closes the channel when that is over.
func (f *fixture) drain(ctx context.Context, want error) <-chan struct{} {
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := f.proxy.Drain(ctx); !errors.Is(err, want) {
			f.Errorf("Drain: %v, want %v", err, want)
		}
	}()
	return over
}

// cut starts to drain f with a context that has ended, so that Drain cuts everything. It
// closes the channel when that is over.
func (f *fixture) cut() <-chan struct{} {
	ctx, cancel := context.WithCancel(f.Context())
	over := f.drain(ctx, context.Canceled)
	cancel()
	return over
}

func TestDrainLetsRunningExchangesFinish(t *testing.T) {
	finish := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		p.streamUntil(finish)
		p.gone()
	})
	f := newFixture(t, u.url)
	idle, busy, waiting := f.dial(), f.dial(), f.dial()
	busy.send(chat())
	busy.expect(streamHead + token("a"))
	waiting.send(chat())
	waiting.expect(streamHead + token("a"))
	drained := f.drain(t.Context(), nil)

	idle.expectEnd() // at once
	waiting.send(get)
	if conn, err := net.Dial("tcp", f.addr); err == nil {
		_ = conn.Close()
		t.Error("still listening")
	}
	select {
	case <-drained:
		t.Error("drained while exchanges run")
	default:
	}
	close(finish)
	busy.expect(event("[DONE]") + "0\r\n\r\n")
	busy.expectEnd()
	waiting.expect(event("[DONE]") + "0\r\n\r\n")
	answer := waiting.rest()
	if !strings.HasPrefix(answer, "HTTP/1.1 503 ") || !strings.Contains(answer, "\r\nConnection: close\r\n") {
		t.Errorf("a request that came while draining was answered %q", answer)
	}
	_ = busy.Close()
	_ = waiting.Close()
	wait(t, "draining", drained)
	f.tap.Wait()
	outcomes := map[exchange.Outcome]int{}
	for range 3 {
		outcomes[f.record().Outcome]++
	}
	if outcomes[exchange.OK] != 2 || outcomes[exchange.Refused] != 1 {
		t.Errorf("recorded %v", outcomes)
	}
}

// TestResponsesWhileDrainingTellTheClientToClose: their heads follow the begin of the
// drain.
func TestResponsesWhileDrainingTellTheClientToClose(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		p.message()
		close(asked)
		<-answer
		p.send(okay)
		p.gone()
	})
	f := newFixture(t, u.url)
	idle, c := f.dial(), f.dial()
	c.send(get)
	wait(t, "the request", asked)
	drained := f.drain(t.Context(), nil)
	idle.expectEnd()
	close(answer)
	c.expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
	c.expectEnd()
	_ = c.Close()
	wait(t, "draining", drained)
	f.want(exchange.OK, "", 200)
}

func TestDrainCutsWhatIsLateAndRecordsIt(t *testing.T) {
	asked := make(chan struct{}, 2)
	u := newUpstream(t, func(p *peer) {
		if strings.HasPrefix(p.message(), "POST") {
			p.send(streamHead + token("a"))
		}
		asked <- struct{}{}
		p.gone()
	})
	f := newFixture(t, u.url)
	streaming, waiting, half := f.dial(), f.dial(), f.dial()
	streaming.send(chat())
	streaming.expect(streamHead + token("a"))
	half.send("GET / HT")
	waiting.send(get)
	for range 2 {
		wait(t, "a request", asked)
	}
	drained := f.cut()
	if rest, err := io.ReadAll(streaming.r); len(rest) > 0 || isTimeout(err) {
		t.Errorf("the stream went on with %q, %v", rest, err)
	}
	f.refused(waiting.rest(), 503, "draining", strings.TrimPrefix(u.url, "http://"))
	half.gone()
	_ = waiting.Close()
	wait(t, "draining", drained)
	f.tap.Wait()
	for range 2 {
		r := f.record()
		if r.Outcome != exchange.Drained || r.ErrorType != exchange.ErrDraining || (r.Status != 200 && r.Status != 503) {
			t.Errorf("recorded %q, %q, status %d", r.Outcome, r.ErrorType, r.Status)
		}
	}
}

// TestTunnelThatHeadwayEndsIsNotOK, unlike a tunnel that either side ends.
func TestTunnelThatHeadwayEndsIsNotOK(t *testing.T) {
	u := newUpstream(t, replying(switched))
	t.Run("to stop", func(t *testing.T) {
		f := newFixture(t, u.url)
		c := f.dial()
		c.send(upgrade)
		c.expect(switched)
		wait(t, "draining", f.cut())
		f.want(exchange.Drained, exchange.ErrDraining, 101)
	})
	t.Run("for its silence", func(t *testing.T) {
		f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) { c.IdleTimeout = time.Millisecond })
		c := f.dial()
		c.send(upgrade)
		c.expect(switched)
		f.want(exchange.Timeout, exchange.ErrTimeout, 101)
	})
}

// TestDrainCutsClientsThatDoNotRead checks that it cuts them though a write waits.
func TestDrainCutsClientsThatDoNotRead(t *testing.T) {
	full := make(chan struct{})
	u := newUpstream(t, flooding(full))
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(get)
	wait(t, "backpressure", full)
	drained := f.cut()
	wait(t, "draining", drained)
	if r := f.record(); r.Outcome != exchange.Drained {
		t.Errorf("recorded %q", r.Outcome)
	}
}

// TestDrainGivesUpDialing: during a dial there is no upstream connection to close.
func TestDrainGivesUpDialing(t *testing.T) {
	connected := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		close(connected)
		p.gone() // never answers the TLS handshake
	})
	f := newFixture(t, "https://"+strings.TrimPrefix(u.url, "http://"))
	c := f.dial()
	c.send(get)
	wait(t, "the connection", connected)
	drained := f.cut()
	f.refused(c.rest(), 503, "draining", strings.TrimPrefix(u.url, "http://"))
	_ = c.Close()
	wait(t, "draining", drained)
	f.want(exchange.Drained, exchange.ErrDraining, 503)
}

func TestDrainOfNothingIsOverAtOnce(t *testing.T) {
	f := newFixture(t, "http://127.0.0.1:1")
	wait(t, "draining", f.drain(t.Context(), nil))
	l := listen(t)
	if err := f.proxy.Serve(l); err != nil {
		t.Errorf("Serve after Drain: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is still open: %v", err)
	}
}

// lateConn is a connection that holds up whoever lifts its read deadline.
type lateConn struct {
	net.Conn
	lifting chan<- struct{}
	proceed <-chan struct{}
}

func (c lateConn) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		c.lifting <- struct{}{}
		<-c.proceed
	}
	return c.Conn.SetReadDeadline(t)
}

// TestDrainLeavesNoConnectionBehind: the client has its response and leaves, Drain returns,
// and only then does the upstream's connection come back to its pool.
func TestDrainLeavesNoConnectionBehind(t *testing.T) {
	lifting, proceed, ended := make(chan struct{}, 8), make(chan struct{}), make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		replying(okay)(p)
		close(ended)
	})
	late := func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dialTCP(ctx, address)
		return lateConn{conn, lifting, proceed}, err
	}
	f := newFixture(t, u.url, dialing(late), func(c *proxy.Config, _ *tap.Config) { c.IdleTimeout = time.Hour })
	c := f.dial()
	c.send(get)
	c.expect(okay)
	wait(t, "the end of the exchange", lifting)
	_ = c.Close()
	wait(t, "the end of Drain", f.drain(t.Context(), nil))
	close(proceed)
	wait(t, "the end of the upstream's connection", ended)
}

// lateListener returns its one connection only after its Close, as a listener may that has
// just accepted one.
type lateListener struct {
	net.Listener
	conn   chan net.Conn
	once   sync.Once
	closed chan struct{}
	served chan struct{} // closed when the connection is the proxy's
}

func (l *lateListener) Accept() (net.Conn, error) {
	<-l.closed
	select {
	case conn := <-l.conn:
		time.Sleep(10 * time.Millisecond)
		return conn, nil
	default:
		close(l.served)
		return nil, net.ErrClosed
	}
}

func (l *lateListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// TestDrainWaitsForAConnectionThatComesWithTheListenersEnd.
func TestDrainWaitsForAConnectionThatComesWithTheListenersEnd(t *testing.T) {
	f := newFixture(t, "http://127.0.0.1:1")
	near, far := pair(t)
	l := &lateListener{Listener: listen(t), conn: make(chan net.Conn, 1), closed: make(chan struct{}), served: make(chan struct{})}
	l.conn <- far
	go func() { _ = f.proxy.Serve(l) }()
	eventually(t, "the listener to be served", func() bool { return running("(*Proxy).Serve") == 2 })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- f.proxy.Drain(ctx) }()
	_ = near.Close()
	if err := <-drained; err != nil {
		t.Error(err)
	}
	select {
	case <-l.served:
	default:
		t.Error("Drain returned before the connection came")
	}
}
