package proxy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// maxRounds is how often a request may pass one headway before the loop is broken.
const maxRounds = 2

// circle is a fixture whose log a test can read, on a port that others can know before.
type circle struct {
	*fixture
	log *lockedBuffer
}

func newCircle(t *testing.T, l net.Listener, upstream string) *circle {
	log := new(lockedBuffer)
	f := newFixture(t, upstream, func(c *proxy.Config, _ *tap.Config) {
		c.Log = slog.New(slog.NewTextHandler(log, nil))
	})
	go func() { _ = f.proxy.Serve(l) }()
	return &circle{f, log}
}

// TestLoopIsBroken: an upstream that leads back to headway costs its client a 508 and
// few connections.
func TestLoopIsBroken(t *testing.T) {
	for _, tt := range []struct {
		name string
		via  func(t *testing.T, back string) (upstream string) // the way back
	}{
		{"straight", func(_ *testing.T, back string) string { return back }},
		{"with a path that grows", func(_ *testing.T, back string) string { return back + "/v1" }},
		{"through a second headway", headwayTo},
		{"through a second and a third", func(t *testing.T, back string) string { return headwayTo(t, headwayTo(t, back)) }},
		{"through another proxy", proxyTo},
		{"through another proxy that changes requests", changingProxyTo},
		{"through another proxy and a second headway", func(t *testing.T, back string) string { return proxyTo(t, headwayTo(t, back)) }},
		{"through a relay of bytes", relayTo},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := listen(t)
			f := newCircle(t, l, tt.via(t, "http://"+l.Addr().String()))
			for range 3 {
				c := f.dial()
				c.send(lastChat())
				if answer := c.rest(); !strings.HasPrefix(answer, "HTTP/1.1 508 ") {
					t.Fatalf("answered %.300q", answer)
				}
			}
			f.stopNow()
			if n := f.proxy.Loops(); n != 3 {
				t.Errorf("%d loops counted for 3 requests", n)
			}
			if n := len(f.records); n > 3*(maxRounds+1) { // and the refused one
				t.Errorf("%d exchanges for 3 requests", n)
			}
			if n := strings.Count(f.log.String(), "come back to this headway"); n != 1 {
				t.Errorf("%d log lines:\n%s", n, f.log)
			}
		})
	}
}

// lastChat is a request after which the connection ends.
func lastChat() string { return strings.Replace(chat(), "\r\n", "\r\nConnection: close\r\n", 1) }

// headwayTo starts a second headway in front of upstream.
func headwayTo(t *testing.T, upstream string) string {
	return "http://" + newFixture(t, upstream).addr
}

// proxyTo starts a reverse proxy of Go's in front of upstream.
func proxyTo(t *testing.T, upstream string) string {
	return rewritingProxyTo(t, upstream, func(*http.Request) {})
}

// changingProxyTo is proxyTo with a proxy that adds to the User-Agent and to the body.
func changingProxyTo(t *testing.T, upstream string) string {
	return rewritingProxyTo(t, upstream, func(out *http.Request) {
		out.Header.Set("User-Agent", out.UserAgent()+"x")
		out.Body, out.ContentLength = io.NopCloser(io.MultiReader(out.Body, strings.NewReader(" "))), out.ContentLength+1
	})
}

// forgettingProxyTo is proxyTo with a proxy that drops headway's mark.
func forgettingProxyTo(t *testing.T, upstream string) string {
	return rewritingProxyTo(t, upstream, func(out *http.Request) { out.Header.Del("Headway-Hop") })
}

// TestLoopThatDropsTheMarkIsNamed in the log: nothing can break it but the limit of the
// proxy that drops the mark.
func TestLoopThatDropsTheMarkIsNamed(t *testing.T) {
	l := listen(t)
	f := newCircle(t, l, forgettingProxyTo(t, "http://"+l.Addr().String()))
	c := f.dial()
	c.send(lastChat())
	eventually(t, "the suspicion", func() bool { return strings.Contains(f.log.String(), "does it lead back to this headway") })
	_ = c.Close()
	f.stopNow()
	if n := strings.Count(f.log.String(), "does it lead back to this headway"); n != 1 {
		t.Errorf("%d lines", n)
	}
}

func rewritingProxyTo(t *testing.T, upstream string, change func(*http.Request)) string {
	to, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	server := &http.Server{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.SetXForwarded()
		change(r.Out)
	}}}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String()
}

// relayTo starts a relay that knows no protocol in front of upstream, as a service of
// a cluster is.
func relayTo(t *testing.T, upstream string) string {
	u := newUpstream(t, func(p *peer) {
		up, err := net.Dial("tcp", strings.TrimPrefix(upstream, "http://"))
		if err != nil {
			return
		}
		defer func() { _ = up.Close() }()
		go func() {
			_, _ = io.Copy(up, p.r)
			_ = up.(*net.TCPConn).CloseWrite()
		}()
		_, _ = io.Copy(p.Conn, up)
	})
	return u.url
}

// unknown makes headway dial a connection that it does not know again, as if there were a
// proxy behind it.
func unknown(o *proxy.Original) {
	dial := o.Dial
	o.Dial = func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		return struct{ net.Conn }{conn}, err
	}
}

// TestLoopInTransparentMode: a redirected request that headway has marked in explicit
// mode ends there with a reset, and headway answers nothing.
func TestLoopInTransparentMode(t *testing.T) {
	explicit, redirected := listen(t), listen(t)
	f := newCircle(t, explicit, relayTo(t, "http://"+redirected.Addr().String()))
	go func() {
		for {
			conn, err := redirected.Accept()
			if err != nil {
				return
			}
			go f.serveOriginal(conn, explicit.Addr().String(), []func(*proxy.Original){unknown})
		}
	}()
	c := f.dial()
	c.send(lastChat())
	if answer := c.rest(); !strings.HasPrefix(answer, "HTTP/1.1 502 ") {
		t.Errorf("answered %.300q", answer)
	}
	if n := f.proxy.Loops(); n != 1 {
		t.Errorf("%d loops counted", n)
	}
}

// TestLikeRequestsAreNotALoop: headway marks a request only if another one of its like
// waits for an answer, and no more once the upstream has answered a marked one.
func TestLikeRequestsAreNotALoop(t *testing.T) {
	answer := make(chan struct{})
	var marked, all atomic.Int64
	u := newUpstream(t, func(p *peer) {
		for {
			m, err := p.tryMessage()
			if err != nil {
				return
			}
			if strings.Contains(m, "\r\nHeadway-Hop: ") {
				marked.Add(1)
			}
			all.Add(1)
			<-answer
			p.sendAnyway(okay)
		}
	})
	f := newFixture(t, u.url)
	var clients []*peer
	ask := func(n int) {
		want := all.Load() + int64(n)
		for range n {
			c := f.dial()
			clients = append(clients, c)
			c.send(chat())
		}
		eventually(t, "the upstream to have all requests", func() bool { return all.Load() == want })
		for range n {
			answer <- struct{}{}
		}
		for _, c := range clients {
			c.expect(okay)
		}
		for range n {
			f.want(exchange.OK, "", 200)
		}
		clients = clients[:0]
	}
	for range 5 {
		ask(1)
	}
	if n := marked.Load(); n != 0 {
		t.Errorf("%d of 5 requests, one after another, have a mark", n)
	}
	ask(3)
	if n := marked.Load(); n != 2 {
		t.Errorf("%d of 3 like requests at once have a mark, want 2", n)
	}
	ask(10)
	if n := marked.Load(); n != 2 {
		t.Errorf("%d more marks after the upstream has answered one", n-2)
	}
}

// TestMarksOfOthersStayInTheNetwork: a mark of another headway passes to an upstream on
// this host, and not to one that is far away.
func TestMarksOfOthersStayInTheNetwork(t *testing.T) {
	for _, far := range []bool{false, true} {
		t.Run(fmt.Sprintf("far %v", far), func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				if got := strings.Contains(p.head(), "Headway-Hop: 0011"); got == far {
					t.Errorf("passed on: %v", got)
				}
				p.send(okay)
			})
			var options []option
			if far {
				options = append(options, dialingFarAway())
			}
			f := newFixture(t, u.url, options...)
			c := f.dial()
			c.send("GET / HTTP/1.1\r\nHost: a\r\nHeadway-Hop: 0011\r\n\r\n")
			c.expect(okay)
		})
	}
}

// TestLoopOfHTTP2IsBroken: headway cannot mark a tunnel, but it knows its own
// connections, and it bounds the tunnels of silent upstreams.
func TestLoopOfHTTP2IsBroken(t *testing.T) {
	for _, tt := range []struct {
		name string
		via  func(t *testing.T, back string) string
		most uint64
	}{
		{"straight", func(_ *testing.T, back string) string { return back }, 1},
		{"through a relay of bytes", relayTo, proxy.MaxUnheard},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // the second waits
			l := listen(t)
			f := newCircle(t, l, tt.via(t, "http://"+l.Addr().String()))
			c := f.dial()
			c.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
			if got := c.rest(); got != "" {
				t.Errorf("got %.100q", got)
			}
			if n := f.proxy.Connections()[exchange.Raw]; n > tt.most || f.proxy.Loops() == 0 {
				t.Errorf("%d tunnels, %d loops", n, f.proxy.Loops())
			}
		})
	}
}

// dialingFarAway makes every upstream look as if it were on the internet.
func dialingFarAway() option {
	return dialing(func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dialTCP(ctx, address)
		return farAway{conn}, err
	})
}

type farAway struct{ *net.TCPConn }

func (farAway) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(203, 0, 113, 1), Port: 80} }

// lockedBuffer is a log that a test may read while others write.
type lockedBuffer struct {
	mu  sync.Mutex
	log strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.String()
}
