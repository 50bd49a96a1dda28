package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// maxIdle is how long an unused upstream connection is kept: longer than the
// gaps of live traffic, shorter than the idle limits of load balancers, which
// commonly are a minute.
const maxIdle = 50 * time.Second

// maxIdleConns bounds the unused connections that are kept to one upstream after a
// burst.
const maxIdleConns = 256

// maxTrusted is how long a connection may have been idle and still be used
// without asking the kernel whether its other end has left: goodbyes come after
// seconds of silence, and between running exchanges there is none.
const maxTrusted = time.Second

var errClosedAtOnce = errors.New("connection closed as soon as it was open")

// pool holds the connections to one upstream. fasthttp's HostClient keeps the
// idle ones; what happens on them is the business of upstreamConn.
type pool struct {
	client  *fasthttp.HostClient
	route   Route
	dialer  net.Dialer
	tls     *tls.Config // nil for plain http
	timeout time.Duration
	log     *slog.Logger
	buffers *buffers

	dialing context.Context // ends when no connection is wanted any more
	stop    context.CancelFunc
}

func newPool(r Route, c Config, b *buffers) *pool {
	p := &pool{route: r, buffers: b, timeout: c.ConnectTimeout, log: c.Log}
	p.dialing, p.stop = context.WithCancel(context.Background())
	if r.TLS {
		p.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		if c.TLS != nil {
			p.tls = c.TLS.Clone()
		}
		if p.tls.ServerName == "" {
			p.tls.ServerName = r.Upstream.Host
		}
	}
	p.client = &fasthttp.HostClient{
		Addr:                r.Upstream.Address(),
		Dial:                p.dial,
		MaxConns:            math.MaxInt32,
		MaxIdleConnDuration: maxIdle,
	}
	return p
}

// dial opens a connection.
func (p *pool) dial(address string) (net.Conn, error) {
	ctx := p.dialing
	if p.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	raw, err := p.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn := quick(raw)
	if p.tls != nil {
		secure := tls.Client(conn, p.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, err
		}
		conn = secure
	}
	return p.adopt(conn, raw), nil
}

// adopt starts to read from conn, an open connection. Raw is below TLS, or conn itself.
func (p *pool) adopt(conn, raw net.Conn) *upstreamConn {
	u := &upstreamConn{socket: newSocket(conn, p.buffers), raw: raw, log: p.log, idle: tap.Now()}
	go u.run()
	return u
}

// bind takes a connection for an exchange, a kept one if there is any alive.
// Without an exchange it only takes one out of the pool.
func (p *pool) bind(r *relay) (*upstreamConn, error) {
	for {
		lease, err := p.client.AcquireConn(0, false)
		if err != nil {
			return nil, err
		}
		u, ok := lease.Conn().(*upstreamConn)
		if !ok {
			return nil, errors.New("foreign connection in the pool")
		}
		fresh := u.keep == nil
		if fresh {
			u.keep = func() {
				if p.client.IdleConnsCount() >= maxIdleConns {
					p.client.CloseConn(lease)
					return
				}
				p.client.ReleaseConn(lease)
			}
			u.drop = func() { p.client.CloseConn(lease) }
		}
		if u.take(r) {
			return u, nil
		}
		u.drop() // its other end closed it while it was idle
		if fresh {
			return nil, errClosedAtOnce
		}
	}
}

// warm opens n connections and leaves them idle.
func (p *pool) warm(n int) error {
	var wg sync.WaitGroup
	opened := make([]*upstreamConn, n)
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { opened[i], errs[i] = p.bind(nil) })
	}
	wg.Wait() // kept before, one could be taken for another
	for _, u := range opened {
		if u != nil {
			u.keep()
		}
	}
	for _, err := range errs {
		if err != nil { // one tells them all
			return fmt.Errorf("%s: %w", p.route.Upstream.Address(), err)
		}
	}
	return nil
}

// close closes the idle connections and gives up those that are being opened.
func (p *pool) close() {
	p.stop()
	p.client.CloseIdleConnections()
}

// upstreamConn is a connection to an upstream. Its goroutine is always in a read
// or in the exchange it serves, so a connection that the upstream closes while
// idle is known to be dead at once.
type upstreamConn struct {
	socket
	raw net.Conn // below TLS, or conn itself
	log *slog.Logger

	client *clientConn   // the only one that it serves, nil when it has a pool
	down   chan struct{} // closed when it has said its last to that client

	keep func() // puts it back into its pool
	drop func() // takes it out of its pool, and closes it

	mu    sync.Mutex
	relay *relay // the exchange it serves, nil when idle
	dead  bool
	idle  tap.Instant // since when

	headDue  bool // the head of the response has not been read
	deadline bool // a read deadline is set, to be lifted by the head
}

// take gives the connection to an exchange, unless it is dead.
func (u *upstreamConn) take(r *relay) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if tap.Now().Sub(u.idle) > maxTrusted && hasEnded(u.raw) {
		u.dead = true
	}
	if u.dead {
		return false
	}
	u.relay, u.headDue = r, true
	if r != nil {
		r.up = u
	}
	return true
}

// claim returns the exchange that what was just read belongs to. Without one the
// connection is dead: an idle upstream has nothing to say but goodbye.
func (u *upstreamConn) claim() *relay {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.relay == nil {
		u.dead = true
	}
	return u.relay
}

// expectHead bounds the wait for the head of r's response, unless it has come.
func (u *upstreamConn) expectHead(r *relay, within time.Duration) {
	if within <= 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.relay == r && u.headDue {
		u.deadline = true
		_ = u.conn.SetReadDeadline(time.Now().Add(within))
	}
}

// gotHead lifts the bound that expectHead set.
func (u *upstreamConn) gotHead() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.headDue = false
	if u.deadline {
		u.deadline = false
		_ = u.conn.SetReadDeadline(time.Time{})
	}
}

// abort closes the connection if it still serves r, whatever is being read from
// it or written to it.
func (u *upstreamConn) abort(r *relay) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.relay == r {
		u.dead = true
		_ = u.raw.Close()
	}
}

// release ends the connection's exchange, and its read deadline if it has one. It
// tells whether the connection is still alive.
func (u *upstreamConn) release(deadline bool) bool {
	if deadline {
		_ = u.conn.SetReadDeadline(time.Time{})
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.relay, u.idle = nil, tap.Now()
	return !u.dead
}

// run reads responses until the connection ends. A panic ends it, and with it
// the one exchange that it serves.
func (u *upstreamConn) run() {
	defer func() {
		if v := recover(); v != nil {
			u.log.Error("panic in an upstream connection", "panic", v, "stack", string(debug.Stack()))
			if r := u.claim(); r != nil {
				r.fail()
			}
			u.abandon()
		}
		u.leave()
	}()
	for {
		_, at, err := u.fill()
		r := u.claim()
		if r == nil {
			u.unasked(err)
			return
		}
		if !r.respond(at, err) {
			return
		}
	}
}

// Close closes the socket at once, whatever is being read from or written to it.
func (u *upstreamConn) Close() error { return u.raw.Close() }

// The rest of net.Conn, which fasthttp's pool asks for.

func (u *upstreamConn) Read(p []byte) (int, error)         { return u.conn.Read(p) }
func (u *upstreamConn) Write(p []byte) (int, error)        { return u.conn.Write(p) }
func (u *upstreamConn) LocalAddr() net.Addr                { return u.raw.LocalAddr() }
func (u *upstreamConn) RemoteAddr() net.Addr               { return u.raw.RemoteAddr() }
func (u *upstreamConn) SetDeadline(t time.Time) error      { return u.conn.SetDeadline(t) }
func (u *upstreamConn) SetReadDeadline(t time.Time) error  { return u.conn.SetReadDeadline(t) }
func (u *upstreamConn) SetWriteDeadline(t time.Time) error { return u.conn.SetWriteDeadline(t) }
