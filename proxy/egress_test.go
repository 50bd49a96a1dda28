package proxy_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// newTunneler starts an HTTP proxy that lets the user "me" through, in the way of RFC 9110. It
// sends the head of every request to the channel.
func newTunneler(t *testing.T) (*upstream, <-chan string) {
	t.Helper()
	heads := make(chan string, 16)
	return newUpstream(t, func(p *peer) {
		head := p.head()
		heads <- head
		if !strings.Contains(head, "\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n") {
			p.send("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"out\"\r\nContent-Length: 0\r\n\r\n")
			return
		}
		to, err := net.Dial("tcp", strings.Fields(head)[1])
		if err != nil {
			p.send("HTTP/1.1 502 Bad Gateway\r\n\r\n")
			return
		}
		defer func() { _ = to.Close() }()
		p.send("HTTP/1.1 200 Connection established\r\nVia: 1.1 out\r\n\r\n")
		go func() {
			_, _ = io.Copy(to, p.Conn)
			_ = to.Close()
		}()
		_, _ = io.Copy(p.Conn, to)
	}), heads
}

// through makes headway reach its upstream through the HTTP proxy at a URL.
func through(url, authorization string) option {
	return func(c *proxy.Config, _ *tap.Config) {
		address, _ := net.ResolveTCPAddr("tcp", strings.TrimPrefix(url, "http://"))
		c.Routes[0].Egress = &proxy.Egress{Proxy: exchange.Upstream{Host: address.IP.String(), Port: address.Port}, Authorization: authorization}
	}
}

const ofMe = "Basic bWU6cEBzcw=="

// A tunnel serves several exchanges, token by token, as a direct connection does.
func TestHTTPSUpstreamsAreReachedThroughAnHTTPProxy(t *testing.T) {
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
	out, heads := newTunneler(t)
	f := newFixture(t, u.url, trusting, through(out.url, ofMe))
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
	to := strings.TrimPrefix(u.url, "https://")
	if got, want := <-heads, "CONNECT "+to+" HTTP/1.1\r\nHost: "+to+"\r\nProxy-Authorization: "+ofMe+"\r\n\r\n"; got != want {
		t.Errorf("the proxy got %q, want %q", got, want)
	}
	if n, m := u.connections.Load(), out.connections.Load(); n != 1 || m != 1 {
		t.Errorf("%d connections to the upstream, %d to the proxy", n, m)
	}
}

func TestClientThatLeavesEndsTheTunnel(t *testing.T) {
	ended := make(chan struct{})
	u, trusting := newTLSUpstream(t, func(p *peer) {
		p.message()
		p.send(streamHead)
		p.gone()
		close(ended)
	})
	out, _ := newTunneler(t)
	f := newFixture(t, u.url, trusting, through(out.url, ofMe))
	c := f.dial()
	c.send(chat())
	c.expect(streamHead)
	_ = c.Close()
	wait(t, "the upstream connection to end", ended)
	f.want(exchange.ClientGone, exchange.ErrCanceled, 200)
}

// The client learns why there is no tunnel, and never the password.
func TestAnHTTPProxyThatOpensNoTunnelIsNamed(t *testing.T) {
	long := "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 5000)
	for _, tt := range []struct {
		name, answer, want string
	}{
		{"a wrong password", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", `it answered "407 Proxy Authentication Required"`},
		{"a forbidden port", "HTTP/1.0 403 Forbidden\r\nContent-Length: 3\r\n\r\nno.", `it answered "403 Forbidden"`},
		{"a status of two digits", "HTTP/1.1 20\r\n\r\n", `it answered "20"`},
		{"another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", `it does not speak HTTP/1: "SSH-2.0-OpenSSH_9.2"`},
		{"a head without an end", long, "the head of its answer does not end"},
		{"an end before the head's", "HTTP/1.1 200 OK\r\n", "EOF"},
		{"nothing but an end", "", "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := newUpstream(t, func(p *peer) {
				p.head()
				p.sendAnyway(tt.answer)
			})
			f := newFixture(t, "https://127.0.0.1:1", through(out.url, ofMe))
			c := f.dial()
			c.send(get)
			answer := c.rest()
			f.refused(answer, 502, "upstream_connect_error", "upstream 127.0.0.1:1 through the HTTP proxy "+strings.TrimPrefix(out.url, "http://")+": "+tt.want)
			if strings.Contains(answer, "bWU6") {
				t.Error("the answer has the password")
			}
			f.want(exchange.ConnectError, exchange.ErrConnection, 502)
		})
	}
}

func TestAnHTTPProxyThatIsNotThereIsNamed(t *testing.T) {
	l := listen(t)
	_ = l.Close()
	f := newFixture(t, "https://127.0.0.1:1", through("http://"+l.Addr().String(), ""))
	c := f.dial()
	c.send(get)
	f.refused(c.rest(), 502, "upstream_connect_error", "through the HTTP proxy "+l.Addr().String()+": connect: connection refused")
	f.want(exchange.ConnectError, exchange.ErrConnection, 502)
}

// The limit of the time to connect covers the tunnel.
func TestAnHTTPProxyThatIsSilentIsGivenUp(t *testing.T) {
	out := newUpstream(t, func(p *peer) {
		p.head()
		p.gone()
	})
	f := newFixture(t, "https://127.0.0.1:1", through(out.url, ""), func(c *proxy.Config, _ *tap.Config) { c.ConnectTimeout = 50 * time.Millisecond })
	c := f.dial()
	c.send(get)
	f.refused(c.rest(), 504, "upstream_connect_timeout", "through the HTTP proxy "+strings.TrimPrefix(out.url, "http://")+": connecting timed out")
	f.record()
}
