package prober

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// connection sends the requests of one probe to one place, one after the other. It keeps
// its network connection open in between. It speaks HTTP/1.1, as the proxy does, and belongs
// to one goroutine: http.Transport hands each request to a goroutine that writes and its
// answer to one that reads, which costs more than the request itself.
type connection struct {
	dial func(context.Context) (net.Conn, error)

	open net.Conn // nil: there is none
	in   *bufio.Reader
	free func() bool // ends the watch over the context of the request under way
}

// requests are what requests are written into before they are sent.
var requests = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// longAgo is a deadline that ends reads and writes at once.
var longAgo = time.Unix(1, 0)

// send sends h, calls written, and returns the head of the answer. connected tells whether
// the request got to a connection. The caller reads the answer's body and calls done.
//
// A server may close a connection that it finds idle for too long, at the moment at which
// the next request leaves. Such a request is sent once more, on a new connection.
func (c *connection) send(h *http.Request, written func()) (answer *http.Response, connected bool, err error) {
	text := requests.Get().(*bytes.Buffer)
	defer requests.Put(text)
	text.Reset()
	if err := h.Write(text); err != nil {
		return nil, false, err
	}
	kept := c.open != nil
	answer, connected, err = c.try(h, text.Bytes(), written)
	if err != nil && kept && !c.answers() && h.Context().Err() == nil {
		c.done(false)
		answer, connected, err = c.try(h, text.Bytes(), written)
	}
	if err != nil {
		c.done(false)
	}
	return answer, connected, err
}

// try sends text on the open connection, or on a new one, and reads the head of the answer.
// A server may answer before it has read all, and close: its answer counts then.
func (c *connection) try(h *http.Request, text []byte, written func()) (answer *http.Response, connected bool, err error) {
	ctx := h.Context()
	if c.open == nil {
		conn, err := c.dial(ctx)
		if err != nil {
			return nil, false, err
		}
		c.open, c.in = conn, bufio.NewReader(conn)
	}
	conn := c.open
	c.free = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(longAgo) })
	_, unsent := conn.Write(text)
	if unsent == nil {
		written()
	}
	for {
		answer, err = http.ReadResponse(c.in, h)
		if err != nil && unsent != nil {
			err = unsent
		}
		if err != nil || answer.StatusCode >= http.StatusOK || answer.StatusCode == http.StatusSwitchingProtocols {
			return answer, true, err
		}
	}
}

// answers tells whether a byte of an answer has come that could not be read.
func (c *connection) answers() bool { return c.in != nil && c.in.Buffered() > 0 }

// done ends a request. The connection stays open if the answer came whole and the server
// keeps it.
func (c *connection) done(keep bool) {
	if c.open == nil {
		return
	}
	if c.free != nil {
		keep = c.free() && keep
		c.free = nil
	}
	if !keep || c.in.Buffered() > 0 {
		c.close()
	}
}

// close closes the connection. The next request opens another one.
func (c *connection) close() {
	if c != nil && c.open != nil {
		_ = c.open.Close()
		c.open, c.in = nil, nil
	}
}

// dialTimeout bounds how long a direct canary waits for a connection, and again for TLS.
const dialTimeout = 5 * time.Second

// dialer returns what opens connections to an address over the network, with TLS if c is
// not nil.
func dialer(address string, c *tls.Config) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", address)
		if err != nil || c == nil {
			return conn, err
		}
		secured := tls.Client(conn, c)
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return secured, nil
	}
}
