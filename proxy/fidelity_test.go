package proxy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestUpstreamSeesTheRequestAsItWasSent(t *testing.T) {
	const body = "POST / HTTP/1.1\r\nHost: UP\r\n"
	for _, tt := range []struct{ name, sent, want string }{
		{"target byte for byte", "GET /v1//a%2Fb/../c?q=%20a+b&&# HTTP/1.1\r\nHost: a\r\n\r\n", "GET /v1//a%2Fb/../c?q=%20a+b&&# HTTP/1.1\r\nHost: UP\r\n\r\n"},
		{"order, case and spacing of fields", "GET / HTTP/1.1\r\nx-ONE:1\r\nhOsT: a\r\nX-Two: \t 2 \r\nx-one: 3\r\nEmpty:\r\n\r\n", "GET / HTTP/1.1\r\nx-ONE:1\r\nhOsT: UP\r\nX-Two: \t 2 \r\nx-one: 3\r\nEmpty:\r\n\r\n"},
		{"obs-text", "GET / HTTP/1.1\r\nHost: a\r\nX: \xff\x80\xe9\r\n\r\n", "GET / HTTP/1.1\r\nHost: UP\r\nX: \xff\x80\xe9\r\n\r\n"},
		{"absolute target", "GET http://elsewhere:99/a?b HTTP/1.1\r\nHost: elsewhere:99\r\n\r\n", "GET /a?b HTTP/1.1\r\nHost: UP\r\n\r\n"},
		{"absolute target without path", "GET http://elsewhere HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: UP\r\n\r\n"},
		{"absolute target with query only", "GET http://elsewhere?q=/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?q=/ HTTP/1.1\r\nHost: UP\r\n\r\n"},
		{"URL inside a path", "GET /http://x/y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /http://x/y HTTP/1.1\r\nHost: UP\r\n\r\n"},
		{"the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: UP\r\n\r\n"},
		{"empty lines ahead", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: UP\r\n\r\n"},
		{"unknown method", "FROB-nicate / HTTP/1.1\r\nHost: a\r\n\r\n", "FROB-nicate / HTTP/1.1\r\nHost: UP\r\n\r\n"},
		{"hop-by-hop fields", "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine ,x-other\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nX-Mine: 1\r\nX-Other: 2\r\nX-Third: 3\r\n\r\n", "GET / HTTP/1.1\r\nHost: UP\r\nX-Third: 3\r\n\r\n"},
		{"framing is no hop-by-hop field", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Content-Length, Host\r\nContent-Length: 2\r\n\r\nhi", body + "Content-Length: 2\r\n\r\nhi"},
		{"fixed body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", body + "Content-Length: 5\r\n\r\nhello"},
		{"empty body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", body + "Content-Length: 0\r\n\r\n"},
		{"GET with a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", "GET / HTTP/1.1\r\nHost: UP\r\nContent-Length: 2\r\n\r\nhi"},
		{"chunked body with extensions and trailers", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nTrailer: X-Sum\r\n\r\n003;a=\"b\";c\r\nabc\r\nA  \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n", body + "Transfer-Encoding: Chunked\r\nTrailer: X-Sum\r\n\r\n003;a=\"b\";c\r\nabc\r\nA  \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"},
		{"HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi", "POST / HTTP/1.1\r\nContent-Length: 2\r\nHost: UP\r\n\r\nhi"},
		{"no upgrade of HTTP/1.0", "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "GET / HTTP/1.1\r\nHost: UP\r\n\r\n"},
		{"64 KiB of fields", "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "GET / HTTP/1.1\r\nHost: UP\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, way := range ways {
				u := newUpstream(t, func(p *peer) {
					p.expect(strings.ReplaceAll(tt.want, "UP", p.LocalAddr().String()))
					p.send(okay)
					p.expectEnd()
				})
				f := newFixture(t, u.url)
				c := f.dial()
				way.send(c, tt.sent)
				if strings.Contains(tt.sent, "HTTP/1.0") {
					c.expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
				} else {
					c.expect(okay)
				}
				f.want(exchange.OK, "", 200)
				f.stopNow()
			}
		})
	}
}

// ways are the ways in which a peer's bytes arrive.
var ways = []struct {
	name string
	send func(c *peer, s string)
}{
	{"at once", func(c *peer, s string) { c.send(s) }},
	{"byte by byte", func(c *peer, s string) {
		for i := range min(len(s), 300) {
			c.send(s[i : i+1])
		}
		if len(s) > 300 {
			c.send(s[300:])
		}
	}},
}

func TestBasePathGoesBeforeTheTarget(t *testing.T) {
	u := newUpstream(t, saying(func(target string) string { return target }))
	f := newFixture(t, u.url+"/b%2Fase/")
	for target, want := range map[string]string{"/v1": "/b%2Fase/v1", "/": "/b%2Fase/", "*": "*", "http://a?q": "/b%2Fase/?q"} {
		c := f.dial()
		c.send("OPTIONS " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")
		c.head()
		c.expect(want)
		f.want(exchange.OK, "", 200)
	}
}

func TestClientSeesTheResponseAsItWasSent(t *testing.T) {
	const (
		g     = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
		g10   = "GET / HTTP/1.0\r\n\r\n"
		keep  = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
		head  = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
		leave = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	)
	for _, tt := range []struct {
		name, request, sent, want string
		ends                      bool // the connection ends with the response
	}{
		{"as it is", g, okay, okay, false},
		{"order, case and spacing of fields", g, "HTTP/1.1 200 \r\nb:1\r\nA: \t2 \r\nB: 3\r\nContent-Length:0\r\n\r\n", "HTTP/1.1 200 \r\nb:1\r\nA: \t2 \r\nB: 3\r\nContent-Length:0\r\n\r\n", false},
		{"repeated cookies, odd reason", g, "HTTP/1.1 299 W\xe9ird  reason\r\nSet-Cookie: a=b\r\nSet-Cookie: a=c\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 299 W\xe9ird  reason\r\nSet-Cookie: a=b\r\nSet-Cookie: a=c\r\nContent-Length: 0\r\n\r\n", false},
		{"no reason", g, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false},
		{"hop-by-hop fields", g, "HTTP/1.1 200 OK\r\nConnection: keep-alive, x-mine\r\nKeep-Alive: timeout=5\r\nX-Mine: 1\r\nContent-Length: 2\r\n\r\n{}", okay, false},
		{"chunked with trailers", g, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n2;x\r\nok\r\n0\r\nT: 1\r\nU: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n2;x\r\nok\r\n0\r\nT: 1\r\nU: 2\r\n\r\n", false},
		{"close-delimited", g, "HTTP/1.1 200 OK\r\nA: b\r\n\r\nuntil the end", "HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\n\r\nuntil the end", true},
		{"upstream of HTTP/1.0", g, "HTTP/1.0 200 OK\r\n\r\nold", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nold", true},
		{"upstream of HTTP/1.0 with a length", g, "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold", false},
		{"upstream closes, client stays", g, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", okay, false},
		{"client closes", leave, okay, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", true},
		{"HEAD", head, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", false},
		{"HEAD, chunked", head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false},
		{"HEAD, no length", head, "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", false},
		{"204", g, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", false},
		{"204 that promises chunks", g, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", false},
		{"304 that promises chunks", g, "HTTP/1.1 304 Not Modified\r\nETag: a\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n", false},
		{"304 with a length", g, "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", false},
		{"interim responses", g, "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + okay, "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + okay, false},
		{"interim responses, client of HTTP/1.0", g10, "HTTP/1.1 103 Early Hints\r\n\r\n" + okay, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", true},
		{"client of HTTP/1.0 gets no chunks", keep, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n3\r\nay!\r\n0\r\nT: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nokay!", true},
		{"client of HTTP/1.0 stays", keep, okay, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}", false},
		{"64 KiB of fields", g, "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 64<<10) + "\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 64<<10) + "\r\nContent-Length: 2\r\n\r\n{}", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, way := range ways {
				u := newUpstream(t, func(p *peer) {
					for {
						if _, err := p.tryHead(); err != nil {
							return
						}
						way.send(p, tt.sent)
						if !strings.Contains(tt.sent, "Content-Length") && tt.ends {
							return
						}
					}
				})
				f := newFixture(t, u.url)
				c := f.dial()
				for range 2 { // the next exchange works too
					c.send(tt.request)
					c.expect(tt.want)
					if r := f.record(); r.Outcome != exchange.OK {
						t.Errorf("recorded %q", r.Outcome)
					}
					if tt.ends {
						c.expectEnd()
						break
					}
				}
				f.stopNow()
			}
		})
	}
}

func TestContinueGoesEndToEnd(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		head := p.head()
		if !strings.Contains(head, "\r\nExpect: 100-continue\r\n") {
			t.Errorf("upstream got %q", head)
		}
		p.send("HTTP/1.1 100 Continue\r\n\r\n")
		p.expect("hello")
		p.send(okay)
		p.gone()
	})
	f := newFixture(t, u.url)
	c := f.dial()
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	c.expect("HTTP/1.1 100 Continue\r\n\r\n")
	c.send("hello")
	c.expect(okay)
	f.want(exchange.OK, "", 200)
}

func TestAnswerBeforeTheBodyWasSentEndsTheConnection(t *testing.T) {
	u := newUpstream(t, replying("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"))
	f := newFixture(t, u.url)
	c := f.dial()
	c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\nExpect: 100-continue\r\n\r\n")
	c.expect("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
	c.send(strings.Repeat("x", 100000)) // headway reads it, so no reset destroys the answer
	c.expectEnd()
	f.want(exchange.HTTPError, "413", 413)
}

const (
	upgrade  = "GET /v1/realtime HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
)

func TestUpgradeTunnelsBothWays(t *testing.T) {
	for _, tt := range []struct{ name, clientEarly, upstreamEarly string }{
		{"", "", ""},
		{"client speaks early", "early", ""},
		{"upstream speaks early", "", "early"},
		{"both speak early", "one", "two"},
		{"client speaks a lot early", strings.Repeat("e", 10000), ""},
	} {
		t.Run("switches, "+tt.name, func(t *testing.T) {
			u := newUpstream(t, func(p *peer) {
				head := p.head()
				if !strings.HasSuffix(head, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n") {
					t.Errorf("upstream got %q", head)
				}
				p.send(switched + tt.upstreamEarly)
				p.expect(tt.clientEarly)
				p.send("heard") // before anything else comes
				for range 50 {
					p.expect("ping")
					p.send("pong")
				}
			})
			f := newFixture(t, u.url)
			c := f.dial()
			c.send(upgrade + tt.clientEarly)
			c.expect(switched + tt.upstreamEarly + "heard")
			for range 50 {
				c.send("ping")
				c.expect("pong")
			}
			c.expectEnd()
			_ = c.Close() // a tunnel is over when both sides are
			r := f.want(exchange.OK, "", 101)
			if r.Bytes.Out != int64(len(tt.upstreamEarly)+len("heard")+50*len("pong")) {
				t.Errorf("recorded %d bytes out", r.Bytes.Out)
			}
		})
	}
}

func TestClientMayEndAnUpgradedConnection(t *testing.T) {
	u := newUpstream(t, replying(switched))
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(upgrade)
	c.expect(switched)
	for deadline := time.Now().Add(patience); len(f.tap.InFlight()) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the session counts as a request in flight: %+v", f.tap.InFlight())
		}
	}
	_ = c.Close()
	if r := f.want(exchange.OK, "", 101); r.Mode != exchange.Upgraded {
		t.Errorf("mode %q", r.Mode)
	}
}

// TestUpgradeThatNobodyAskedForIsRefused: the client would take the tunnel's bytes for a
// response.
func TestUpgradeThatNobodyAskedForIsRefused(t *testing.T) {
	u := newUpstream(t, replying(switched))
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(get)
	if got := c.rest(); !strings.HasPrefix(got, "HTTP/1.1 502 ") {
		t.Errorf("answered %.400q", got)
	}
	f.want(exchange.ConnectError, exchange.ErrProtocol, 502)
}
