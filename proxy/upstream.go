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

	"github.com/headway-sidecar/headway/proxy/poller"
	"github.com/headway-sidecar/headway/proxy/sockets"
)

// maxIdle is how long a pool keeps an unused connection: longer than the gaps of live
// traffic, shorter than the usual idle limit of load balancers, a minute.
const maxIdle = 50 * time.Second

// maxIdleConns bounds the unused connections that a pool keeps after a burst.
const maxIdleConns = 256

var errClosedAtOnce = errors.New("connection closed as soon as it was open")

// pool holds the connections to one upstream. fasthttp's HostClient keeps the idle
// ones; upstreamConn reads from them and writes to them.
type pool struct {
	client  *fasthttp.HostClient
	route   Route
	dial    func(context.Context) (*upstreamConn, error) // dialName, but for a test of dead connections
	dialTCP func(ctx context.Context, network, address string) (net.Conn, error)
	tls     *tls.Config // nil for plain http
	timeout time.Duration
	maxIdle int
	log     *slog.Logger
	engine  *engine
	dialer  *sockets.Dialer // remembers the connections
	open    openConns

	dialing context.Context // ends when nobody needs a connection any more
	stop    context.CancelFunc
}

// slot is a connection as HostClient sees it. HostClient makes it empty; bind dials,
// because a dial belongs to an exchange that may cancel it.
type slot struct {
	net.Conn // nil: HostClient calls Close only
	u        *upstreamConn
}

// Close closes the connection in the slot, if there is one.
func (s *slot) Close() error {
	if s.u == nil {
		return nil
	}
	return s.u.close()
}

func newPool(r Route, c Config, d *sockets.Dialer, e *engine) *pool {
	p := &pool{route: r, engine: e, dialer: d, timeout: c.ConnectTimeout, log: c.Log}
	if p.dialTCP = c.Dial; p.dialTCP == nil {
		p.dialTCP = (&net.Dialer{Resolver: c.Resolver, KeepAliveConfig: keepAlive}).DialContext
	}
	if p.maxIdle = maxIdleConns; c.MaxIdle > 0 {
		p.maxIdle = min(p.maxIdle, c.MaxIdle)
	}
	p.dialing, p.stop = context.WithCancel(context.Background())
	p.dial = p.dialName
	p.open.host, p.open.resolver = r.Upstream.Host, c.Resolver
	if r.Egress != nil { // which has the address of every connection, and looks the upstream up itself
		p.open.host = r.Egress.Proxy.Host
	}
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

// connect opens a connection for r, or for none if r is nil. It gives up when somebody
// aborts r, as r's client does by leaving.
func (p *pool) connect(r *relay) (*upstreamConn, error) {
	ctx, cancel := context.WithCancel(p.dialing)
	defer cancel()
	if p.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	if r != nil {
		if aborted := r.state.dials(cancel); aborted {
			cancel()
		}
		defer r.state.dials(nil)
	}
	return p.dial(ctx)
}

// dialName opens a connection to the upstream by its name and starts to read from it.
// An address that does not answer does not use up the time of the others: net.Dialer
// tries the other family after 300 ms (RFC 6555), and shares the time among the
// addresses of one family.
func (p *pool) dialName(ctx context.Context) (*upstreamConn, error) {
	conn, raw, err := p.dialConn(ctx)
	if err != nil {
		return nil, err
	}
	return p.adopt(conn, raw), nil
}

// dialConn opens a connection. Over TLS it offers the given protocols, or HTTP/1.1 when
// there are none. Raw is the connection below TLS, or conn itself.
func (p *pool) dialConn(ctx context.Context, protocols ...string) (conn, raw net.Conn, err error) {
	tcp, err := p.reach(ctx)
	if err != nil {
		return nil, nil, err
	}
	raw = p.engine.take(tcp)
	p.dialer.Remember(raw)
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
		return nil, nil, noTLS(err)
	}
	return secure, raw, nil
}

// reach opens a connection that leads to the upstream.
func (p *pool) reach(ctx context.Context) (net.Conn, error) {
	to := p.route.Upstream.Address()
	if p.route.Egress == nil {
		return p.dialTCP(ctx, "tcp", to)
	}
	return p.route.Egress.open(ctx, p.dialTCP, to)
}

// noTLS adds to the error of a handshake, if the server answered in another protocol, what
// its user should check.
func noTLS(err error) error {
	if other := new(tls.RecordHeaderError); errors.As(err, other) {
		return fmt.Errorf("%w; does the upstream speak http://?", err)
	}
	return err
}

// adopt starts to read from conn, an open connection. Raw is the connection below TLS,
// or conn itself.
func (p *pool) adopt(conn, raw net.Conn) *upstreamConn {
	u := newUpstreamConn(conn, raw, p.engine)
	u.log = p.log
	u.gone = func() { p.open.remove(u) }
	p.open.add(p.dialing, u)
	u.begin()
	return u
}

// bind assigns a connection to the exchange r: a kept one that is alive, or else a fresh
// one. Without an exchange, r is nil, and bind only takes a connection out of the pool.
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
			u, err := p.connectWatched(r)
			if err != nil {
				p.client.CloseConn(lease)
				return nil, err
			}
			s.u = u
			u.drop = func() { p.client.CloseConn(lease) }
			u.keep = func() {
				if u.retired.Load() || p.client.IdleConnsCount() >= p.maxIdle {
					u.drop()
					return
				}
				p.client.ReleaseConn(lease)
				if p.dialing.Err() != nil { // close may not have seen it
					p.client.CloseIdleConnections()
				}
			}
		}
		u := s.u // drop returns the slot to HostClient
		if u.assign(r) {
			return u, nil
		}
		u.drop() // the upstream closed it while it was idle
		if fresh {
			return nil, errClosedAtOnce
		}
	}
}

// connectWatched is connect, while a watch looks out for the departure of r's client.
func (p *pool) connectWatched(r *relay) (*upstreamConn, error) {
	if r != nil {
		r.client.leader.StepDown()
	}
	w := watchDial(r)
	defer w.stop()
	return p.connect(r)
}

// warm opens n connections and leaves them idle.
func (p *pool) warm(n int) error {
	var wg sync.WaitGroup
	opened := make([]*upstreamConn, n)
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { opened[i], errs[i] = p.bind(nil) })
	}
	wg.Wait() // a connection that warm keeps earlier could serve as one of the others
	for _, u := range opened {
		if u != nil {
			u.keep()
		}
	}
	for _, err := range errs {
		if err != nil { // the first stands for all
			return fmt.Errorf("%s: %w", p.route.Upstream.Address(), err)
		}
	}
	return nil
}

// close closes the idle connections and cancels the dials under way. A connection that
// comes back later closes at once: a client may leave, and Drain return, between the last
// byte of a response and the end of its exchange.
func (p *pool) close() {
	p.stop()
	p.client.CloseIdleConnections()
}

// upstreamConn is a connection to an upstream. Its run always waits for bytes or is in an
// exchange, so it notices at once when the upstream closes the idle connection.
type upstreamConn struct {
	socket
	raw     net.Conn // the connection below TLS, or conn itself
	log     *slog.Logger
	gone    func() // run calls it last, unless the connection is pinned
	streams bool   // the body of a response is under way

	way    way
	client *clientConn   // the only client that it serves, in the way pinned; else nil
	down   chan struct{} // closed when that client has all of the upstream's bytes
	heard  func()        // run calls it after the first read; may be nil

	keep    func()                // puts it back into its pool
	drop    func()                // takes it out of its pool, and closes it
	retired atomic.Bool           // its address is none of the upstream's any more: keep drops it
	sender  atomic.Pointer[relay] // the exchange whose request is being written; else nil

	mu     sync.Mutex
	relay  *relay // the running exchange, nil when idle
	dead   bool   // no exchange can use it
	served bool   // it has been assigned before

	headDue bool      // the head of the response has not come
	headBy  time.Time // when the head must have come; zero without a limit
	begun   bool      // a part of a head has come, and its rest has a limit of its own
}

func newUpstreamConn(conn, raw net.Conn, e *engine) *upstreamConn {
	u := &upstreamConn{socket: newSocket(conn, raw, e), raw: raw}
	u.resume = u.run
	if u.wire != nil {
		u.wire.OnStall(u.stalled)
	}
	return u
}

// assign gives the connection to r, unless it is dead; it tells which. The connection's
// reader may not have noticed its end yet, so assign asks the kernel, every time: that
// costs less than a microsecond, and a request on a dead connection is lost. Of a pinned
// connection it does not ask: there is no other, and its client is to see its end. Without
// an exchange, r is nil.
func (u *upstreamConn) assign(r *relay) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.served && u.way == pooled && u.wire != nil && u.wire.HasEnded(!u.secure) {
		u.dead = true
	}
	if u.dead {
		return false
	}
	if r != nil {
		r.up = u
		if u.served && u.way == pooled { // a pinned connection has no substitute
			r.allowRetry()
		}
	}
	u.relay, u.headDue, u.begun = r, true, false
	u.served = true
	return true
}

// hangUp closes the connection unless it serves an exchange.
func (u *upstreamConn) hangUp() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.relay == nil {
		u.dead = true
		_ = u.raw.Close()
	}
}

// claim returns the exchange to which the bytes just read belong. Without an exchange
// it marks the connection as dead: an idle upstream may only end the connection.
func (u *upstreamConn) claim() *relay {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.relay == nil {
		u.dead = true
	}
	return u.relay
}

// expectHead bounds the wait for the head of r's response, unless the head has come.
// It sets no bound when within is 0.
func (u *upstreamConn) expectHead(r *relay, within time.Duration) {
	if within <= 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.relay == r && u.headDue {
		u.headBy = time.Now().Add(within)
		_ = u.conn.SetReadDeadline(u.headBy)
	}
}

// boundHead bounds the wait for the rest of a head that has begun. It sets no bound when
// within is 0.
func (u *upstreamConn) boundHead(within time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if within <= 0 || u.begun {
		return
	}
	u.begun = true
	if by := time.Now().Add(within); u.headBy.IsZero() || by.Before(u.headBy) {
		_ = u.conn.SetReadDeadline(by)
	}
}

// headWhole lifts the bound that boundHead has set: the head may be an interim one, and
// the next may take its time. It returns false if other heads needed the memory before.
func (u *upstreamConn) headWhole() bool {
	if !u.headDone() {
		return false
	}
	if u.begun { // since assign, only the upstream's side changes it
		u.mu.Lock()
		defer u.mu.Unlock()
		u.begun = false
		_ = u.conn.SetReadDeadline(u.headBy)
	}
	return true
}

// gotHead lifts the bound that expectHead has set.
func (u *upstreamConn) gotHead() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.headDue = false
	if !u.headBy.IsZero() {
		u.headBy = time.Time{}
		_ = u.conn.SetReadDeadline(u.headBy)
	}
}

// abort closes the connection if it still serves r, in the middle of any read or write.
// If a write waits, abort resets the connection: a FIN would wait, too, behind the bytes
// that the upstream does not read.
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

// release ends the connection's exchange, and lifts the read deadline if there is one.
// It tells whether the connection is still alive.
func (u *upstreamConn) release(deadline bool) bool {
	if deadline {
		_ = u.conn.SetReadDeadline(time.Time{})
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.relay = nil
	return !u.dead
}

// run reads responses until the connection ends or is parked. A panic ends the connection
// and its exchange, and nothing else.
func (u *upstreamConn) run(leader *poller.Leader) {
	next := ends
	defer func() {
		if v := recover(); v != nil {
			u.log.Error("panic in an upstream connection", "panic", v, "stack", string(debug.Stack()))
			if r := u.claim(); r != nil {
				r.fail()
			}
			u.closeAfterPanic()
			next = ends
		}
		if next == ends {
			u.readerEnded()
		}
	}()
	u.leader = leader
	for next = goesOn; next == goesOn; {
		next = u.step()
	}
}

// step reads once, and forwards the response that begins or goes on with that.
func (u *upstreamConn) step() sequence {
	if u.streams {
		return u.claim().stream()
	}
	_, at, err := u.fillOrPark()
	if errors.Is(err, errParked) {
		return parks
	}
	if u.heard != nil {
		u.heard()
		u.heard = nil
	}
	r := u.claim()
	if r == nil {
		u.receivedUnasked(err)
		return ends
	}
	return r.respond(at, err)
}

// close closes the socket at once, in the middle of any read or write.
func (u *upstreamConn) close() error { return u.raw.Close() }
