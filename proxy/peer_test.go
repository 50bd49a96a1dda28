package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// peer is one end of a raw connection.
type peer struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func newPeer(t *testing.T, conn net.Conn) *peer {
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &peer{Conn: conn, t: t, r: bufio.NewReader(conn)}
}

func (p *peer) send(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.Conn, s); err != nil {
		p.t.Errorf("writing %.40q: %v", s, err)
	}
}

// sendAnyway sends s to a peer that may be gone already.
func (p *peer) sendAnyway(s string) { _, _ = io.WriteString(p.Conn, s) }

// expect reads exactly want.
func (p *peer) expect(want string) {
	p.t.Helper()
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.r, got)
	if string(got[:n]) != want {
		p.t.Errorf("got  %.400q (%v)\nwant %.400q", got[:n], err, want)
	}
}

// head reads the head of a message.
func (p *peer) head() string {
	p.t.Helper()
	head, err := p.tryHead()
	if err != nil {
		p.t.Errorf("reading a head: %v after %q", err, head)
	}
	return head
}

func (p *peer) tryHead() (string, error) {
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		c, err := p.r.ReadByte()
		if err != nil {
			return head.String(), err
		}
		head.WriteByte(c)
	}
	return head.String(), nil
}

// tryMessage reads a message whose body, if any, has a Content-Length.
func (p *peer) tryMessage() (string, error) {
	head, err := p.tryHead()
	if err != nil {
		return head, err
	}
	body := make([]byte, contentLength(head))
	_, err = io.ReadFull(p.r, body)
	return head + string(body), err
}

func (p *peer) message() string {
	p.t.Helper()
	m, err := p.tryMessage()
	if err != nil {
		p.t.Errorf("reading a message: %v after %q", err, m)
	}
	return m
}

func contentLength(head string) (n int) {
	_, rest, _ := strings.Cut(strings.ToLower(head), "content-length:")
	for _, c := range strings.TrimLeft(rest, " ") {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// rest reads until the other side ends the connection cleanly.
func (p *peer) rest() string {
	p.t.Helper()
	all, err := io.ReadAll(p.r)
	if err != nil {
		p.t.Errorf("reading to the end: %v after %.400q", err, all)
	}
	return string(all)
}

// expectEnd checks that the other side ends the connection and sends no more bytes.
func (p *peer) expectEnd() {
	p.t.Helper()
	if rest := p.rest(); rest != "" {
		p.t.Errorf("got %.400q, want the end of the connection", rest)
	}
}

// gone waits until the connection has ended in any way.
func (p *peer) gone() {
	p.t.Helper()
	if _, err := io.Copy(io.Discard, p.r); isTimeout(err) {
		p.t.Error("the connection is still open")
	}
}

// reset ends the connection with a reset.
func (p *peer) reset() {
	_ = p.Conn.(*net.TCPConn).SetLinger(0)
	_ = p.Close()
}

// CloseWrite ends the sending side.
func (p *peer) CloseWrite() error { return p.Conn.(*net.TCPConn).CloseWrite() }

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// wait waits for an event.
func wait(t *testing.T, what string, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Fatalf("waited too long for %s", what)
	}
}
