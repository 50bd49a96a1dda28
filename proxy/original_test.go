package proxy_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// dialRedirected connects to where a packet filter would lead a connection to upstream.
func (f *fixture) dialRedirected(u *upstream, options ...func(*proxy.Original)) *peer {
	f.Helper()
	conn, err := net.Dial("tcp", f.redirect(strings.TrimPrefix(u.url, "http://"), options...))
	if err != nil {
		f.Fatal(err)
	}
	f.clients = append(f.clients, conn)
	return newPeer(f.T, conn)
}

// expectReset checks that the other side resets the connection and sends no more bytes.
func (p *peer) expectReset() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.r); len(rest) > 0 || !errors.Is(err, syscall.ECONNRESET) {
		p.t.Errorf("got %.400q and %v, want a reset", rest, err)
	}
}

func TestRecordsTransparentExchanges(t *testing.T) {
	u := newUpstream(t, answering)
	port := u.port(t)
	for _, tt := range []struct{ name, host, upstream string }{
		{"name and port", "Api.Example.com:8080", "api.example.com"},
		{"name", "model_1-a", "model_1-a"},
		{"literal of IPv6", "[2001:db8::1]:80", "2001:db8::1"},
		{"no name", "a b", "127.0.0.1"},
		{"markup", "<a>", "127.0.0.1"},
		{"broken literal", "[::1", "::1"},
		{"zone", "[fe80::1%25lo]", "127.0.0.1"},
		{"longest", strings.Repeat("a", 253), strings.Repeat("a", 253)},
		{"too long", strings.Repeat("a", 254), "127.0.0.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, "http://127.0.0.1:1")
			c := f.dialRedirected(u)
			for range 2 {
				c.send("GET http://x.example/v1/models?a HTTP/1.1\r\nHost: " + tt.host + "\r\n\r\n")
				c.expect(okay)
				r := f.want(exchange.OK, "", 200)
				if r.Mode != exchange.Transparent || r.Upstream.Host != tt.upstream || r.Upstream.Port != port {
					t.Errorf("recorded mode %q, upstream %+v", r.Mode, r.Upstream)
				}
			}
			if n := f.proxy.Connections(); n[exchange.Transparent] != 1 || n[exchange.Explicit] != 0 {
				t.Errorf("counted %v", n)
			}
		})
	}
}

func (u *upstream) port(t *testing.T) int {
	t.Helper()
	return newRoute(t, "", u.url).Upstream.Port
}

// TestTransparentFailuresAreTheUpstreams: headway sends nothing of its own.
func TestTransparentFailuresAreTheUpstreams(t *testing.T) {
	refuse := func(o *proxy.Original) {
		o.Dial = func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}
	}
	wait := func(o *proxy.Original) {
		o.Dial = func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}
	for _, tt := range []struct {
		name      string
		request   string
		serve     func(*peer)
		set       func(*proxy.Original)
		end       func(*peer)
		outcome   exchange.Outcome
		errorType exchange.ErrorType
		status    int
	}{
		{"dial refused", chat(), answering, refuse, (*peer).expectReset, exchange.ConnectError, exchange.ErrConnection, 0},
		{"dial timed out", chat(), answering, wait, (*peer).expectReset, exchange.ConnectError, exchange.ErrTimeout, 0},
		{"closes after the request", get, func(p *peer) { p.message() }, nil, (*peer).expectEnd, exchange.ConnectError, exchange.ErrConnection, 0},
		{"resets after the request", get, func(p *peer) { p.message(); p.reset() }, nil, (*peer).expectReset, exchange.ConnectError, exchange.ErrConnection, 0},
		{"speaks another protocol", get, func(p *peer) { p.message(); p.send("SSH-2.0\r\n") },
			nil, func(p *peer) { p.expect("SSH-2.0\r\n"); p.expectEnd() }, exchange.ConnectError, exchange.ErrProtocol, 0},
		{"is silent", get, func(p *peer) { p.message(); p.gone() }, nil, (*peer).expectReset, exchange.Timeout, exchange.ErrTimeout, 0},
		{"stops inside a stream", chat(), func(p *peer) { p.message(); p.send(streamHead + token("a")) },
			nil, func(p *peer) { p.expect(streamHead + token("a")); p.expectEnd() }, exchange.UpstreamCut, exchange.ErrTruncated, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t, tt.serve)
			f := newFixture(t, "http://127.0.0.1:1", func(c *proxy.Config, _ *tap.Config) {
				c.ConnectTimeout, c.HeaderTimeout = patience, patience
				if tt.errorType == exchange.ErrTimeout {
					c.ConnectTimeout, c.HeaderTimeout = 20*time.Millisecond, 20*time.Millisecond
				}
			})
			set := tt.set
			if set == nil {
				set = func(*proxy.Original) {}
			}
			c := f.dialRedirected(u, set)
			c.send(tt.request)
			tt.end(c)
			f.want(tt.outcome, tt.errorType, tt.status)
		})
	}
}

func TestTransparentClientThatLeavesEndsTheUpstream(t *testing.T) {
	for _, tt := range []struct {
		name  string
		leave func(*peer)
	}{
		{"closes", func(p *peer) { _ = p.Close() }},
		{"resets", (*peer).reset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan struct{})
			u := newUpstream(t, func(p *peer) {
				p.message()
				p.send(streamHead + token("a"))
				p.gone()
				close(ended)
			})
			f := newFixture(t, "http://127.0.0.1:1")
			c := f.dialRedirected(u)
			c.send(chat())
			c.expect(streamHead + token("a"))
			tt.leave(c)
			wait(t, "the upstream connection to end", ended)
			f.want(exchange.ClientGone, exchange.ErrCanceled, 200)
		})
	}
}

func TestDrainOfTransparentConnections(t *testing.T) {
	finish := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		if !strings.HasPrefix(p.message(), "POST") {
			p.send(okay)
			p.gone()
			return
		}
		p.send(streamHead + token("a"))
		<-finish
		p.sendAnyway(event("[DONE]") + "0\r\n\r\n")
		p.gone()
	})
	begin := func(t *testing.T) (f *fixture, idle, busy *peer) {
		f = newFixture(t, "http://127.0.0.1:1")
		idle, busy = f.dialRedirected(u), f.dialRedirected(u)
		f.ask(idle)
		busy.send(chat())
		busy.expect(streamHead + token("a"))
		return f, idle, busy
	}
	t.Run("cuts what is late", func(t *testing.T) {
		f, idle, busy := begin(t)
		ctx, cancel := context.WithCancel(t.Context())
		if n := f.proxy.Open(); n != 2 {
			t.Errorf("%d connections open", n)
		}
		drained := f.drain(ctx, context.Canceled)
		idle.expectEnd()
		cancel()
		busy.expectReset()
		wait(t, "draining", drained)
		f.want(exchange.Drained, exchange.ErrDraining, 200)
	})
	t.Run("lets running exchanges finish", func(t *testing.T) {
		f, idle, busy := begin(t)
		drained := f.drain(t.Context(), nil)
		idle.expectEnd()
		close(finish)
		busy.expect(event("[DONE]") + "0\r\n\r\n")
		busy.expectEnd()
		_ = busy.Close()
		wait(t, "draining", drained)
		f.want(exchange.OK, "", 200)
	})
}

func TestCountsTunnelsByMode(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		switch head := p.head(); {
		case strings.HasPrefix(head, "PRI"):
			p.expect("SM\r\n\r\nsettings")
			p.send("settings")
		case strings.HasPrefix(head, "CONNECT"):
			p.send("HTTP/1.1 200 OK\r\n\r\n")
		default:
			p.send(switched)
		}
	})
	f := newFixture(t, u.url)
	http2, connect, socket := f.dial(), f.dialRedirected(u), f.dial()
	http2.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsettings")
	http2.expect("settings")
	connect.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
	connect.expect("HTTP/1.1 200 OK\r\n\r\n")
	socket.send(upgrade)
	socket.expect(switched)
	for _, c := range []*peer{http2, connect, socket} {
		c.expectEnd()
		_ = c.Close()
	}
	first := f.record()
	second := f.want(exchange.OK, "", first.Status^101^200) // one each
	if first.Mode != exchange.Upgraded || second.Mode != exchange.Upgraded {
		t.Errorf("modes %q and %q", first.Mode, second.Mode)
	}
	n := f.proxy.Connections()
	if n[exchange.Explicit] != 2 || n[exchange.Transparent] != 1 || n[exchange.Upgraded] != 2 || n[exchange.Raw] != 1 {
		t.Errorf("counted %v", n)
	}
}
