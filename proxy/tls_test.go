package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// newTLSUpstream is newUpstream over TLS. It also returns the roots that a proxy has to
// trust.
func newTLSUpstream(t *testing.T, serve func(*peer)) (*upstream, option) {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil) // its certificate is for 127.0.0.1
	borrowed.Close()
	u := serveOn(t, tls.NewListener(listen(t), &tls.Config{Certificates: borrowed.TLS.Certificates}), "https://", serve)
	roots := x509.NewCertPool()
	roots.AddCert(borrowed.Certificate())
	return u, func(c *proxy.Config, _ *tap.Config) { c.TLS = &tls.Config{RootCAs: roots} }
}

func TestRelaysToTLSUpstreams(t *testing.T) {
	read := make(chan struct{})
	u, trusting := newTLSUpstream(t, func(p *peer) {
		for range 2 {
			p.message()
			p.send(streamHead)
			for range 3 {
				wait(t, "the client to read", read)
				p.send(token("a"))
			}
			p.send("0\r\n\r\n")
		}
		p.gone()
	})
	f := newFixture(t, u.url, trusting)
	c := f.dial()
	for range 2 {
		c.send(chat())
		c.expect(streamHead)
		for range 3 {
			read <- struct{}{}
			c.expect(token("a"))
		}
		c.expect("0\r\n\r\n")
		if r := f.record(); r.Chunks.Count != 3 {
			t.Errorf("recorded %d chunks", r.Chunks.Count)
		}
	}
	if n := u.connections.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestClientThatLeavesEndsTLSUpstreams(t *testing.T) {
	ended := make(chan struct{})
	u, trusting := newTLSUpstream(t, func(p *peer) {
		p.message()
		p.send(streamHead)
		p.gone()
		close(ended)
	})
	f := newFixture(t, u.url, trusting)
	c := f.dial()
	c.send(chat())
	c.expect(streamHead)
	_ = c.Close()
	wait(t, "the upstream connection to end", ended)
	f.want(exchange.ClientGone, exchange.ErrCanceled, 200)
}

func TestUntrustedUpstreamIsRefused(t *testing.T) {
	u, _ := newTLSUpstream(t, func(p *peer) { p.gone() })
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(get)
	f.refused(c.rest(), 502, "upstream_connect_error", "certificate")
	f.want(exchange.ConnectError, exchange.ErrConnection, 502)
}

// TestTheWrongSchemeIsNamed: headway says what to check when one side speaks TLS and the
// other one does not.
func TestTheWrongSchemeIsNamed(t *testing.T) {
	t.Run("a client that speaks TLS", func(t *testing.T) {
		u, log := newUpstream(t, answering), new(lockedBuffer)
		f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
		for range 3 {
			c := f.dial()
			_ = tls.Client(c.Conn, &tls.Config{ServerName: "model"}).HandshakeContext(t.Context()) // it fails
		}
		if n := strings.Count(log.String(), "a client speaks TLS to HEADWAY_LISTEN: its base URL must begin with http://"); n != 1 {
			t.Errorf("%d lines in the log, want 1:\n%s", n, log)
		}
		c := f.dial()
		c.send("\x16\x03\x01\x02\x00\x01")
		if answer := c.rest(); !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
			t.Errorf("answered %q", answer)
		}
	})
	t.Run("an https upstream that speaks HTTP", func(t *testing.T) {
		u := newUpstream(t, func(p *peer) { p.sendAnyway("HTTP/1.1 400 Bad Request\r\n\r\n") })
		f := newFixture(t, strings.Replace(u.url, "http://", "https://", 1))
		c := f.dial()
		c.send(get)
		f.refused(c.rest(), 502, "upstream_connect_error", "; does the upstream speak http://?")
		f.want(exchange.ConnectError, exchange.ErrConnection, 502)
	})
	t.Run("an http upstream that speaks TLS", func(t *testing.T) {
		u := newUpstream(t, replying("\x15\x03\x01\x00\x02\x02\x0a")) // an alert
		f := newFixture(t, u.url)
		c := f.dial()
		c.send(get)
		f.refused(c.rest(), 502, "upstream_protocol_error", "; does the upstream speak https://?")
		f.want(exchange.ConnectError, exchange.ErrProtocol, 502)
	})
}
