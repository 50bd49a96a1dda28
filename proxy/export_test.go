package proxy

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// MaxUnheard is maxUnheard.
const MaxUnheard = maxUnheard

// MaxUnfinished, MaxAhead and MaxDialing are maxUnfinished, maxAhead and maxDialing.
const (
	MaxUnfinished = maxUnfinished
	MaxAhead      = maxAhead
	MaxDialing    = maxDialing
)

// Held is the memory of unfinished heads, and of requests ahead of their turn.
func (p *Proxy) Held() (heads, ahead int) {
	u := &p.engine.buffers.heads
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.held, int(u.ahead.Load())
}

// Dialing is the memory of large heads that wait for a connection.
func (p *Proxy) Dialing() int64 { return p.engine.buffers.heads.dialing.Load() }

// ReadResponse reads the head of a response, and forwards it to nobody.
func ReadResponse(p []byte) {
	var ps parsers
	if h, err := ps.response(p, "GET"); err == nil {
		h.appendResponse(nil, "", false)
	}
}

// Framing is a head's framing of its body.
type Framing struct {
	Chunked bool
	Length  int64 // -1 without a length
}

// ForwardedHead is the request head at the start of p in the form for the upstream of
// r, the length of the head in p, and its framing of the body. It is not ok when p
// starts with no head that headway forwards.
func ForwardedHead(p []byte, r Route) (forwarded []byte, length int, f Framing, ok bool) {
	return forwardedHead(p, r, nil)
}

// ForwardedResponse is the head that p starts with, of a response, in the form for the
// client. It is not ok for a head that headway refuses.
func ForwardedResponse(p []byte) (forwarded []byte, ok bool) {
	length := endOfResponse(p, 0)
	if length == 0 {
		return nil, false
	}
	head, err := new(parsers).response(p[:length], "POST")
	if err != nil {
		return nil, false
	}
	return head.appendResponse(nil, "", false), true
}

// ToldHead is ForwardedHead with the span of an exchange of t.
func ToldHead(p []byte, r Route, t *tap.Tap) (told []byte) {
	told, _, _, _ = forwardedHead(p, r, t)
	return told
}

func forwardedHead(p []byte, r Route, t *tap.Tap) (forwarded []byte, length int, f Framing, ok bool) {
	length = endOfHead(p, 0)
	if length == 0 {
		return nil, 0, Framing{}, false
	}
	var ps parsers
	head, err := ps.request(p[:length])
	if err != nil {
		return nil, length, Framing{}, false
	}
	f = Framing{Chunked: head.framing == chunked, Length: -1}
	if head.framing == sized {
		f.Length = int64(head.length)
	}
	if t == nil {
		return head.appendRequest(nil, &r, nil, new(hop)), length, f, true
	}
	x := t.Begin(new(clientConn).describe(&head, &route{Route: r}, tap.Now()))
	context := x.Tell(nil)
	x.End(tap.Result{At: tap.Now()})
	return head.appendRequest(nil, &r, &context, new(hop)), length, f, true
}

// Chunked follows a chunked body.
type Chunked struct{ body body }

// NewChunked returns a follower at the start of a chunked body, of a response if lenient.
func NewChunked(lenient bool) *Chunked { return &Chunked{body{framing: chunked, lenient: lenient}} }

// Mended is p, which Advance has read last, as the client gets it.
func (c *Chunked) Mended(p []byte) []byte {
	if c.body.trailers == nil {
		return p
	}
	return c.body.appendMended(nil, p)
}

// Advance is body.advance; content is copied.
func (c *Chunked) Advance(p []byte) (n int, content []byte, done bool, err error) {
	n, done, err = c.body.advance(p)
	for _, span := range c.body.spans {
		content = append(content, span...)
	}
	return n, content, done, err
}

// Bounds and times of the package.
const (
	MaxHead       = maxHead
	MaxIdleConns  = maxIdleConns
	LookupEvery   = lookupEvery
	LookupTimeout = lookupTimeout
	MaxMissed     = maxMissed
)

// DialDead makes p's upstreams close every connection before an exchange uses it, and
// returns a function that counts the dials. A second dial fails.
func (p *Proxy) DialDead() (dialled func() int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, r := range p.routes {
		r.pool.dial = func(context.Context) (*upstreamConn, error) {
			if n++; n > 1 {
				return nil, errors.New("dialled once more")
			}
			conn, _ := net.Pipe()
			return &upstreamConn{raw: conn, dead: true}, nil
		}
	}
	return func() int { return n }
}

// LooksUp tells whether p has a lookup of a name ahead.
func (p *Proxy) LooksUp() (does bool) {
	for _, r := range p.routes {
		r.pool.open.mu.Lock()
		does = does || r.pool.open.lookup != nil
		r.pool.open.mu.Unlock()
	}
	return does
}

// PairOn is pairOn.
func PairOn(l *net.TCPListener) (near, far net.Conn, err error) { return pairOn(l) }

// Stalled tells whether the upload of a client waits.
func (p *Proxy) Stalled() (is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.clients {
		c.mu.Lock()
		is = is || (c.relay != nil && c.relay.watch.Load() != nil)
		c.mu.Unlock()
	}
	return is
}

// Sockets are the open connections of p, to clients and to upstreams.
func (p *Proxy) Sockets() (clients, upstreams []net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.clients {
		clients = append(clients, c.conn)
	}
	for _, r := range p.routes {
		r.pool.open.mu.Lock()
		for u := range r.pool.open.conns {
			upstreams = append(upstreams, u.raw)
		}
		r.pool.open.mu.Unlock()
	}
	return clients, upstreams
}

// LookUp makes p look its names up now, as it does every LookupEvery.
func (p *Proxy) LookUp() {
	for _, r := range p.routes {
		r.pool.open.checkName(r.pool.dialing)
	}
}

// Upstream is a connection to an upstream, and Relay an exchange on one.
type (
	Upstream = upstreamConn
	Relay    = relay
)

// NewUpstream returns a connection from which no goroutine reads. Served says that it
// has been assigned before.
func NewUpstream(conn net.Conn, served bool) *Upstream {
	u := newUpstreamConn(conn, conn, newEngine())
	u.served = served
	return u
}

func newEngine() *engine {
	e := new(engine)
	e.init(nil, true)
	return e
}

// Take returns a wire with the socket of conn.
func Take(conn net.Conn) net.Conn { return newEngine().take(conn) }

// The steps of an exchange on a connection.

func (u *Upstream) Assign(r *Relay) bool                 { return u.assign(r) }
func (u *Upstream) ExpectHead(r *Relay, d time.Duration) { u.expectHead(r, d) }
func (u *Upstream) GotHead()                             { u.gotHead() }
func (u *Upstream) Abort(r *Relay)                       { u.abort(r) }
func (u *Upstream) Release() bool                        { return u.release(false) }

// HasEnded is the answer of an idle connection's wire.
func (u *Upstream) HasEnded(quiet bool) bool { return u.wire.HasEnded(quiet) }

// WakeAndEnd wakes the reader of a client's connection and ends its last exchange
// before the reader has noticed either.
func WakeAndEnd(conn net.Conn) {
	p := new(Proxy)
	p.engine.init(nil, true)
	c := newClientConn(p, conn)
	c.wakeWanted = true
	c.wake()
	c.endExchange(noMoreRequest)
	c.woken()
}
