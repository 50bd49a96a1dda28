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
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// maxIdle is how long an unused upstream connection is kept: longer than the
// gaps of live traffic, shorter than the idle limits of load balancers, which
// commonly are a minute.
const maxIdle = 50 * time.Second

// maxIdleConns bounds the unused connections that are kept to one upstream after a
// burst.
const maxIdleConns = 256

var errClosedAtOnce = errors.New("connection closed as soon as it was open")

// pool holds the connections to one upstream. fasthttp's HostClient keeps the
// idle ones; what happens on them is the business of upstreamConn.
type pool struct {
	client  *fasthttp.HostClient
	route   Route
	dial    func(context.Context) (*upstreamConn, error)
	dialTCP func(ctx context.Context, network, address string) (net.Conn, error)
	tls     *tls.Config // nil for plain http
	timeout time.Duration
	log     *slog.Logger
	buffers *buffers
	open    openConns

	dialing context.Context // ends when no connection is wanted any more
	stop    context.CancelFunc
}

// slot is a connection in the eyes of HostClient. It is empty when HostClient has
// made it: opening a connection takes time, and an exchange that is to be told of.
type slot struct {
	net.Conn // nil: HostClient calls nothing but Close
	u        *upstreamConn
}

// Close closes what is in the slot.
func (s *slot) Close() error {
	if s.u == nil {
		return nil
	}
	return s.u.close()
}

func newPool(r Route, c Config, b *buffers) *pool {
	p := &pool{route: r, buffers: b, timeout: c.ConnectTimeout, log: c.Log}
	if p.dialTCP = c.Dial; p.dialTCP == nil {
		p.dialTCP = (&net.Dialer{Resolver: c.Resolver, KeepAliveConfig: keepAlive}).DialContext
	}
	p.dialing, p.stop = context.WithCancel(context.Background())
	p.dial = p.dialName
	p.open.host, p.open.resolver = r.Upstream.Host, c.Resolver
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
		Dial:                func(string) (net.Conn, error) { return new(slot), nil },
		MaxConns:            math.MaxInt32,
		MaxIdleConnDuration: maxIdle,
	}
	return p
}

// connect opens a connection for r, if there is one. It gives up when r is aborted,
// which it is when its client leaves.
func (p *pool) connect(r *relay) (*upstreamConn, error) {
	ctx, cancel := context.WithCancel(p.dialing)
	defer cancel()
	if p.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	if r != nil {
		r.dialing.Store(&cancel)
		defer r.dialing.Store(nil)
		if r.reason.Load() != nil {
			cancel()
		}
	}
	return p.dial(ctx)
}

// dialName opens a connection. With several addresses, of either family, one that
// does not answer does not use up the time of the others: net.Dialer tries the
// other family after 300 ms (RFC 6555), and shares the time among one family's.
func (p *pool) dialName(ctx context.Context) (*upstreamConn, error) {
	conn, raw, err := p.dialConn(ctx)
	if err != nil {
		return nil, err
	}
	return p.adopt(conn, raw), nil
}

// dialConn opens a connection on which, over TLS, one of the protocols will be
// spoken, or HTTP/1.1 if none is given. Raw is below TLS, or conn itself.
func (p *pool) dialConn(ctx context.Context, protocols ...string) (conn, raw net.Conn, err error) {
	tcp, err := p.dialTCP(ctx, "tcp", p.route.Upstream.Address())
	if err != nil {
		return nil, nil, err
	}
	raw = quick(tcp)
	if p.tls == nil {
		return raw, raw, nil
	}
	config := p.tls
	if len(protocols) > 0 {
		config = config.Clone()
		config.NextProtos = protocols
	}
	secure := tls.Client(raw, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, nil, err
	}
	return secure, raw, nil
}

// adopt starts to read from conn, an open connection. Raw is below TLS, or conn itself.
func (p *pool) adopt(conn, raw net.Conn) *upstreamConn {
	u := newUpstreamConn(conn, raw, p.buffers)
	u.log = p.log
	p.open.add(p.dialing, u)
	go func() {
		defer p.open.remove(u)
		u.run()
	}()
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
		s, ok := lease.Conn().(*slot)
		if !ok {
			return nil, errors.New("foreign connection in the pool")
		}
		fresh := s.u == nil
		if fresh {
			w := watchDial(r)
			u, err := p.connect(r)
			w.stop()
			if err != nil {
				p.client.CloseConn(lease)
				return nil, err
			}
			s.u = u
			u.keep = func() {
				if u.retired.Load() || p.client.IdleConnsCount() >= maxIdleConns {
					p.client.CloseConn(lease)
					return
				}
				p.client.ReleaseConn(lease)
			}
			u.drop = func() { p.client.CloseConn(lease) }
		}
		u := s.u // whose slot is HostClient's again when it is dropped
		if u.assign(r) {
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
	raw  net.Conn // below TLS, or conn itself
	wire wire     // raw, if it is a wire
	log  *slog.Logger

	client *clientConn   // the only one that it serves, nil when it has a pool
	down   chan struct{} // closed when it has said its last to that client

	keep    func() // puts it back into its pool
	drop    func() // takes it out of its pool, and closes it
	retired atomic.Bool
	sender  atomic.Pointer[relay] // whose request its client's goroutine is writing

	mu     sync.Mutex
	relay  *relay // the exchange it serves, nil when idle
	dead   bool
	served bool // an exchange before this one

	headDue  bool // the head of the response has not been read
	deadline bool // a read deadline is set, to be lifted by the head
}

func newUpstreamConn(conn, raw net.Conn, b *buffers) *upstreamConn {
	u := &upstreamConn{socket: newSocket(conn, b), raw: raw}
	if w, ok := raw.(wire); ok {
		u.wire = w
		w.onStall(u.stalled)
	}
	return u
}

// assign gives the connection to an exchange, unless it is dead. Its reader may not
// have come to know that yet, so the kernel is asked, every time: that costs less
// than a microsecond, and a request that is written to a dead connection is lost.
func (u *upstreamConn) assign(r *relay) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.served && u.wire != nil && u.wire.hasEnded(u.conn == u.raw) {
		u.dead = true
	}
	if u.dead {
		return false
	}
	if r != nil {
		r.up = u
		if u.served && u.client == nil { // a pinned one is all there is
			r.allowRetry()
		}
	}
	u.relay, u.headDue = r, true
	u.served = true
	return true
}

// hangUp closes the connection if it is idle.
func (u *upstreamConn) hangUp() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.relay == nil {
		u.dead = true
		_ = u.raw.Close()
	}
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
// it or written to it. If a write waits, it is reset: a FIN would have to wait, too,
// behind what the other side does not read.
func (u *upstreamConn) abort(r *relay) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.relay == r {
		u.dead = true
		if tcp, ok := u.raw.(interface{ SetLinger(sec int) error }); ok && r.watch.Load() != nil {
			_ = tcp.SetLinger(0)
		}
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
	u.relay = nil
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
			u.closeAfterPanic()
		}
		u.readerEnded()
	}()
	for {
		_, at, err := u.fill()
		r := u.claim()
		if r == nil {
			u.receivedUnasked(err)
			return
		}
		if !r.respond(at, err) {
			return
		}
	}
}

// close closes the socket at once, whatever is being read from or written to it.
func (u *upstreamConn) close() error { return u.raw.Close() }
