package proxy

import (
	"errors"
	"net"
	"time"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// Framing is what a head says of its message's body.
type Framing struct {
	Chunked bool
	Length  int64 // -1 when it is not told
}

// ForwardedHead is the request head at the start of p as the upstream of r is to
// see it, the length of the head in p, and how it frames the body. It is not ok
// when there is none that may be forwarded.
func ForwardedHead(p []byte, r Route) (forwarded []byte, length int, f Framing, ok bool) {
	length = endOfHead(p, 0)
	if length == 0 {
		return nil, 0, Framing{}, false
	}
	var ps parsers
	head, err := ps.get().parseRequest(p[:length])
	if err != nil {
		return nil, length, Framing{}, false
	}
	f = Framing{Chunked: head.framing == chunked, Length: -1}
	if head.framing == sized {
		f.Length = int64(head.length)
	}
	return head.appendRequest(nil, &r), length, f, true
}

// Chunked follows a chunked body.
type Chunked struct{ body body }

// NewChunked returns a follower at the start of a chunked body.
func NewChunked() *Chunked { return &Chunked{body{framing: chunked}} }

// Advance is body.advance; content is copied.
func (c *Chunked) Advance(p []byte) (n int, content []byte, done bool, err error) {
	n, done, err = c.body.advance(p)
	for _, span := range c.body.spans {
		content = append(content, span...)
	}
	return n, content, done, err
}

// Bounds and times that tests go by.
const (
	MaxHead      = maxHead
	MaxIdleConns = maxIdleConns
	MaxTrusted   = maxTrusted
)

// DialWith makes dial open the upstream connections of p, for clients that connect
// from now on.
func (p *Proxy) DialWith(dial func() net.Conn) {
	p.mu.Lock() // as every client's goroutine does when it begins
	defer p.mu.Unlock()
	for _, r := range p.routes {
		r.pool.client.Dial = func(string) (net.Conn, error) {
			conn := dial()
			return r.pool.adopt(conn, conn), nil
		}
	}
}

// DialDead makes p's upstreams close every connection before it is taken, and
// returns what counts them. There is one at most.
func (p *Proxy) DialDead() (dialled func() int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, r := range p.routes {
		r.pool.client.Dial = func(string) (net.Conn, error) {
			if n++; n > 1 {
				return nil, errors.New("dialled once more")
			}
			conn, _ := net.Pipe()
			return &upstreamConn{raw: conn, dead: true, idle: tap.Now()}, nil
		}
	}
	return func() int { return n }
}

// Upstream is a connection to an upstream, and Relay an exchange on one.
type (
	Upstream = upstreamConn
	Relay    = relay
)

// NewUpstream returns a connection that has been idle for a while, and that nobody
// reads from.
func NewUpstream(conn net.Conn, idle time.Duration) *Upstream {
	return &Upstream{socket: newSocket(conn, new(buffers)), raw: conn, idle: tap.Now() - tap.Instant(idle)}
}

// The steps of an exchange on a connection.

func (u *Upstream) Take(r *Relay) bool                   { return u.take(r) }
func (u *Upstream) ExpectHead(r *Relay, d time.Duration) { u.expectHead(r, d) }
func (u *Upstream) GotHead()                             { u.gotHead() }
func (u *Upstream) Abort(r *Relay)                       { u.abort(r) }
func (u *Upstream) Release() bool                        { return u.release(false) }

// HasEnded is hasEnded.
func HasEnded(conn net.Conn) bool { return hasEnded(conn) }

// WakeAndEnd wakes the reader of a client's connection and ends its last exchange
// before the reader knows of either.
func WakeAndEnd(conn net.Conn) {
	c := newClientConn(new(Proxy), conn)
	c.kick = true
	c.wake()
	c.exchangeOver(ending{last: true})
	c.woken()
}
