package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const (
	get  = "GET /v1/models HTTP/1.1\r\nHost: app\r\n\r\n"
	okay = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
)

// chat is a streaming chat request.
func chat() string {
	body := `{"model":"m-1","stream":true,"messages":[]}`
	return fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: app\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

// event is one SSE event in a chunk of its own.
func event(data string) string { return chunk("data: " + data + "\n\n") }

func chunk(p string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(p), p) }

func token(text string) string {
	return event(fmt.Sprintf(`{"model":"m-1-2026","choices":[{"index":0,"delta":{"content":%q}}]}`, text))
}

func TestForwardsEveryEventTheMomentItComes(t *testing.T) {
	read := make(chan struct{})
	events := []string{token("a"), token("b"), event(`{"model":"m-1-2026","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`), event("[DONE]")}
	u := newUpstream(t, func(p *peer) {
		p.message()
		p.send(streamHead)
		for _, e := range events {
			wait(t, "the client to read what was sent so far", read)
			p.send(e)
		}
		wait(t, "the client to read the last event", read)
		p.send("0\r\n\r\n")
		p.gone()
	})
	f := newFixture(t, u.url)
	c := f.dial()
	c.send(chat())
	c.expect(streamHead)
	for _, e := range events {
		read <- struct{}{}
		c.expect(e)
	}
	read <- struct{}{}
	c.expect("0\r\n\r\n")

	r := f.want(exchange.OK, "", 200)
	if !r.Stream || r.Dialect != "openai-chat" || r.Model != (exchange.Model{Request: "m-1", Response: "m-1-2026"}) {
		t.Errorf("recorded stream=%t dialect=%q model=%+v", r.Stream, r.Dialect, r.Model)
	}
	if r.Chunks.Count != 2 || r.Events != 3 || !slices.Equal(r.FinishReasons, []string{"stop"}) {
		t.Errorf("recorded %d content chunks, %d events, finish reasons %q", r.Chunks.Count, r.Events, r.FinishReasons)
	}
	content := len(strings.Join(events, "")) - framing(events)
	if r.Bytes.Out != int64(content) || r.Bytes.In != int64(contentLength(chat())) {
		t.Errorf("recorded %d bytes out, %d in", r.Bytes.Out, r.Bytes.In)
	}
	inOrder(t, r.Timing)
}

// framing is the number of bytes that chunked coding adds to events.
func framing(events []string) (n int) {
	for _, e := range events {
		size, _, _ := strings.Cut(e, "\r\n")
		n += len(size) + 4
	}
	return n
}

// inOrder checks that the Record of a whole stream has every moment, in the order in
// which they happen.
func inOrder(t *testing.T, m exchange.Timing) {
	t.Helper()
	moments := []int64{int64(m.RequestRead), int64(m.RequestWritten), int64(m.ResponseHead), int64(m.FirstChunk), int64(m.FirstEvent), int64(m.FirstToken), int64(m.LastToken), int64(m.End)}
	if !slices.IsSorted(moments) || moments[0] <= 0 {
		t.Errorf("moments out of order: %+v", m)
	}
}

func TestKeepsBothConnectionsForTheNextExchange(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url)
	c := f.dial()
	for range 20 {
		f.ask(c)
	}
	if n := u.connections.Load(); n != 1 {
		t.Errorf("%d upstream connections for sequential exchanges, want 1", n)
	}
	if n := f.proxy.Connections()[exchange.Explicit]; n != 1 {
		t.Errorf("counted %d client connections, want 1", n)
	}
}

func TestServesPipelinedRequestsInOrder(t *testing.T) {
	u := newUpstream(t, saying(func(target string) string { return target }))
	f := newFixture(t, u.url)
	var requests, responses strings.Builder
	for i := range 200 {
		path := fmt.Sprintf("/%d", i)
		body := strings.Repeat("x", i%3*1000)
		fmt.Fprintf(&requests, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
		fmt.Fprintf(&responses, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
	}
	c := f.dial()
	go c.send(requests.String())
	c.expect(responses.String())
	for range 200 {
		f.want(exchange.OK, "", 200)
	}
}

func TestRoutesByTheLongestPrefix(t *testing.T) {
	name := func(s string) *upstream {
		return newUpstream(t, saying(func(target string) string { return s + " " + target }))
	}
	a, b, c := name("default"), name("short"), name("long")
	f := newFixture(t, a.url, func(config *proxy.Config, _ *tap.Config) {
		config.Routes = append(config.Routes, newRoute(t, "/x", b.url+"/base/"), newRoute(t, "/x/y", c.url))
	})
	for target, want := range map[string]string{
		"/v1":      "default /v1",
		"/xy":      "default /xy",
		"/x":       "short /base/",
		"/x?q":     "short /base/?q",
		"/x//a":    "short /base//a",
		"/x/y":     "long /",
		"/x/y/z?q": "long /z?q",
		"/x/yz":    "short /base/yz",
	} {
		client := f.dial()
		client.send("GET " + target + " HTTP/1.1\r\nHost: app\r\n\r\n")
		client.head()
		client.expect(want)
		f.want(exchange.OK, "", 200)
	}
}

func TestWarmOpensConnectionsThatRequestsUse(t *testing.T) {
	accepted := make(chan struct{}, 10)
	u := newUpstream(t, func(p *peer) {
		accepted <- struct{}{}
		answering(p)
	})
	f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) { c.Prewarm = 3 })
	if err := f.proxy.Warm(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		wait(t, "a warm connection", accepted)
	}
	c := f.dial()
	f.ask(c)
	if n := u.connections.Load(); n != 3 {
		t.Errorf("%d connections, want the 3 that were opened ahead", n)
	}
}

func TestWarmTellsWhatItCouldNotOpen(t *testing.T) {
	const nobody = "127.0.0.1:1"
	f := newFixture(t, "http://"+nobody, func(c *proxy.Config, _ *tap.Config) { c.Prewarm = 2 })
	if err := f.proxy.Warm(); err == nil || strings.Count(err.Error(), "refused") != 1 || !strings.HasPrefix(err.Error(), nobody) {
		t.Errorf("Warm: %v, want one refusal by %s", err, nobody)
	}
}

func TestRefusesWhatItCannotServe(t *testing.T) {
	u := newUpstream(t, func(p *peer) { p.t.Errorf("the upstream got %q", p.rest()) })
	for _, tt := range []struct {
		name, request string
		code          int
		message       string
	}{
		{"no route", "GET /y HTTP/1.1\r\nHost: a\r\n\r\n", 404, `no upstream is configured for paths that begin with \"/y\"; HEADWAY_ROUTES has /x`},
		{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405, "CONNECT is not served here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, u.url, func(c *proxy.Config, _ *tap.Config) { c.Routes[0].Prefix = "/x" })
			c := f.dial()
			c.send(tt.request)
			got := c.rest()
			if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d %s\r\n", tt.code, http.StatusText(tt.code))) || !strings.Contains(got, "\r\nConnection: close\r\n") || !strings.Contains(got, tt.message) {
				t.Errorf("answered %q", got)
			}
			f.want(exchange.HTTPError, exchange.ErrorType(strconv.Itoa(tt.code)), tt.code)
		})
	}
}
