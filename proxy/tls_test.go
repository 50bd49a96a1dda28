package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
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
