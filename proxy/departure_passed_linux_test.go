package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Where headway passes the ends of connections on, in transparent mode and in tunnels, a
// client may leave while the upstream reads nothing: here are the ways to get there.
const (
	endlessUpload = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"
	h2Preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

// stuff sends bytes until headway waits for the upstream to read some.
func stuff(t *testing.T, c *peer) {
	t.Helper()
	if _, heldUp := fillUp(c); !heldUp {
		t.Fatal("nobody held the client up")
	}
}

// TestResetBehindAStuckUploadIsPassedOn checks that the upstream hears of it though it
// reads nothing.
func TestResetBehindAStuckUploadIsPassedOn(t *testing.T) {
	for _, tt := range []struct {
		name       string
		redirected bool
		opening    string
		accept     string // the upstream's answer to the opening
	}{
		{"an exchange in transparent mode", true, endlessUpload, ""},
		{"bytes that are none", true, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", ""},
		{"a tunnel in transparent mode", true, upgrade, switched},
		{"a tunnel", false, upgrade, switched},
		{"HTTP/2", false, h2Preface, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan struct{})
			u := newUpstream(t, func(p *peer) {
				if tt.accept != "" {
					p.head()
					p.send(tt.accept)
				}
				eventually(t, "the reset", func() bool { return hasHungUp(t, p.Conn) })
				close(ended)
			})
			f := newFixture(t, u.url)
			c := f.dial()
			if tt.redirected {
				c = f.dialRedirected(u)
			}
			c.send(tt.opening)
			c.expect(tt.accept)
			stuff(t, c)
			c.reset()
			wait(t, "the upstream to be left", ended)
		})
	}
}

// TestHalfCloseBehindAStuckUploadIsNoDeparture checks that headway passes a FIN on behind
// the bytes before it, where it passes FINs on at all, however long the upstream takes.
func TestHalfCloseBehindAStuckUploadIsNoDeparture(t *testing.T) {
	read := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		<-read
		p.head()
		if body := p.rest(); !strings.HasSuffix(body, "\r\n0\r\n\r\n") {
			t.Errorf("the upload is cut off after %d bytes", len(body))
		}
		p.send(okay)
	})
	f := newFixture(t, "http://127.0.0.1:1")
	c := f.dialRedirected(u)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	for block := "8000\r\n" + strings.Repeat("x", 0x8000) + "\r\n"; !f.proxy.Stalled(); {
		c.send(block) // all of it goes out: a FIN can only follow bytes that have left
		time.Sleep(time.Millisecond)
	}
	c.send("0\r\n\r\n")
	_ = c.CloseWrite()
	time.Sleep(100 * time.Millisecond) // the watcher has seen the FIN by then
	close(read)
	c.expect(okay)
	f.want(exchange.OK, "", 200)
}
