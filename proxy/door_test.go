package proxy_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// probeName is the probe that the tests' canaries belong to.
const probeName = "chat-short"

// prober returns an HTTP client whose every connection comes from Connect.
func prober(t *testing.T, p *proxy.Proxy) *http.Client {
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return p.Connect(probeName)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

// canary asks for a stream.
func canary(ctx context.Context, t *testing.T) *http.Request {
	t.Helper()
	body := strings.NewReader(`{"model":"m-1","stream":true,"messages":[]}`)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://upstream/v1/chat/completions", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

// connect opens a canary's connection to the proxy.
func (f *fixture) connect() *peer {
	f.Helper()
	conn, err := f.proxy.Connect(probeName)
	if err != nil {
		f.Fatal(err)
	}
	f.clients = append(f.clients, conn)
	return newPeer(f.T, conn)
}

// canaryEvents is a stream of two tokens whose usage the server reports.
func canaryEvents() []string {
	return []string{
		token("a"), token("b"),
		event(`{"model":"m-1-2026","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}`),
		event("[DONE]"),
	}
}

// TestCanaryIsMeasuredLikeAnApplicationsRequest streams twice with net/http's client on
// one connection; only Origin tells the Records from an application's.
func TestCanaryIsMeasuredLikeAnApplicationsRequest(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		for {
			if _, err := p.tryMessage(); err != nil {
				return
			}
			p.send(streamHead + strings.Join(canaryEvents(), "") + "0\r\n\r\n")
		}
	})
	f := newFixture(t, u.url)
	client := prober(t, f.proxy)
	for range 2 {
		resp, err := client.Do(canary(t.Context(), t))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || strings.Count(string(got), "data: ") != len(canaryEvents()) {
			t.Errorf("the client read %q, %v", got, err)
		}
		r := f.want(exchange.OK, "", 200)
		if r.Origin != exchange.Canary || r.Probe != probeName || r.Mode != exchange.Explicit || r.Dialect != "openai-chat" || !r.Stream {
			t.Errorf("recorded origin %q, probe %q, mode %q, dialect %q, stream %t", r.Origin, r.Probe, r.Mode, r.Dialect, r.Stream)
		}
		if r.Chunks.Count != 2 || !r.Usage.Output.Known || r.Usage.Output.N != 2 || r.Usage.Input.N != 7 {
			t.Errorf("recorded %d content chunks, usage %+v", r.Chunks.Count, r.Usage)
		}
		inOrder(t, r.Timing)
	}
	if n := f.proxy.Open(); n != 1 {
		t.Errorf("%d connections are open, want the canary's one", n)
	}
	if n := u.connections.Load(); n != 1 {
		t.Errorf("%d upstream connections, want 1", n)
	}
	client.CloseIdleConnections()
	eventually(t, "its connection to end", func() bool { return f.proxy.Open() == 0 })
	f.stopNow()
	eventually(t, "every goroutine to end", func() bool { return running("") == 0 })
}

// TestConnectionOfACanaryIsNoApplications checks that Connections counts it neither when
// it opens nor when it becomes a tunnel.
func TestConnectionOfACanaryIsNoApplications(t *testing.T) {
	u := newUpstream(t, replying(switched))
	f := newFixture(t, u.url)
	c := f.connect()
	c.send(upgrade)
	c.expect(switched)
	_ = c.Close()
	if r := f.record(); r.Origin != exchange.Canary || r.Status != 101 {
		t.Errorf("recorded origin %q, status %d", r.Origin, r.Status)
	}
	for mode, n := range f.proxy.Connections() {
		if n != 0 {
			t.Errorf("counted %d connections as %s", n, mode)
		}
	}
}

// TestApplicationsAndCanariesShareTheUpstreamConnections and keep their own origins.
func TestApplicationsAndCanariesShareTheUpstreamConnections(t *testing.T) {
	u := newUpstream(t, answering)
	f := newFixture(t, u.url)
	for c, want := range map[*peer]exchange.Origin{f.dial(): exchange.App, f.connect(): exchange.Canary} {
		c.send(get)
		c.expect(okay)
		if r := f.want(exchange.OK, "", 200); r.Origin != want || (r.Probe != "") != (want == exchange.Canary) {
			t.Errorf("recorded origin %q of probe %q, want %q", r.Origin, r.Probe, want)
		}
	}
	if n := u.connections.Load(); n != 1 {
		t.Errorf("%d upstream connections, want 1", n)
	}
}

// TestCanaryThatGivesUpIsNoticed while the upstream sends nothing.
func TestCanaryThatGivesUpIsNoticed(t *testing.T) {
	left := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		p.message()
		p.send(streamHead + token("a"))
		p.gone()
		close(left)
	})
	f := newFixture(t, u.url)
	ctx, giveUp := context.WithCancel(t.Context())
	resp, err := prober(t, f.proxy).Do(canary(ctx, t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.ReadFull(resp.Body, make([]byte, len("data: "))); err != nil {
		t.Fatal(err)
	}
	giveUp()
	wait(t, "the upstream to be left", left)
	if r := f.want(exchange.ClientGone, exchange.ErrCanceled, 200); r.Origin != exchange.Canary {
		t.Errorf("recorded origin %q", r.Origin)
	}
}

// TestCanaryIsHeldToTheTimeouts checks that ConnectTimeout ends a canary's dial.
func TestCanaryIsHeldToTheTimeouts(t *testing.T) {
	f := newFixture(t, "http://127.0.0.1:1", func(c *proxy.Config, _ *tap.Config) {
		c.ConnectTimeout = 1 // it has passed before the dial begins
		c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	resp, err := prober(t, f.proxy).Do(canary(t.Context(), t))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("status %d", resp.StatusCode)
	}
	if r := f.want(exchange.ConnectError, exchange.ErrTimeout, 504); r.Origin != exchange.Canary {
		t.Errorf("recorded origin %q", r.Origin)
	}
}

// TestConnectNeedsNoListener, and no PROXY header where listeners require one.
func TestConnectNeedsNoListener(t *testing.T) {
	u := newUpstream(t, answering)
	records := make(chan exchange.Record, 1)
	p := proxy.New(proxy.Config{
		Routes:        []proxy.Route{newRoute(t, "", u.url)},
		Tap:           tap.New(tap.Config{Dialects: openai.Dialects(), Observer: observing(records)}),
		Log:           slog.New(slog.DiscardHandler),
		ProxyProtocol: true,
	})
	conn, err := p.Connect(probeName)
	if err != nil {
		t.Fatal(err)
	}
	c := newPeer(t, conn)
	c.send(get)
	c.expect(okay)
	if r := <-records; r.Origin != exchange.Canary || r.Outcome != exchange.OK {
		t.Errorf("recorded origin %q, outcome %q", r.Origin, r.Outcome)
	}
	if err := p.Drain(t.Context()); err != nil { // closes the idle connection
		t.Errorf("Drain: %v", err)
	}
	c.expectEnd()
	eventually(t, "every goroutine to end", func() bool { return running("") == 0 })
}

type observing chan exchange.Record

func (o observing) Observe(r exchange.Record) { o <- r }

// TestDrainTreatsCanariesLikeOthers checks that Drain closes the idle connection, waits
// for the running exchange and makes Connect fail.
func TestDrainTreatsCanariesLikeOthers(t *testing.T) {
	finish := make(chan struct{})
	u := newUpstream(t, func(p *peer) {
		p.streamUntil(finish)
		p.gone()
	})
	f := newFixture(t, u.url)
	idle, busy := f.connect(), f.connect()
	busy.send(chat())
	busy.expect(streamHead + token("a"))
	drained := f.drain(t.Context(), nil)
	idle.expectEnd()
	if conn, err := f.proxy.Connect(probeName); !errors.Is(err, proxy.ErrDraining) {
		t.Errorf("Connect while draining: %v, %v", conn, err)
	}
	select {
	case <-drained:
		t.Error("drained while a canary runs")
	default:
	}
	close(finish)
	busy.expect(event("[DONE]") + "0\r\n\r\n")
	busy.expectEnd()
	_ = busy.Close()
	wait(t, "draining", drained)
	f.want(exchange.OK, "", 200)
	eventually(t, "every goroutine to end", func() bool { return running("") == 0 })
}

// TestDrainCutsACanaryThatIsLate checks also that Retire ends a canary's connection with
// its response.
func TestDrainCutsACanaryThatIsLate(t *testing.T) {
	u := newUpstream(t, func(p *peer) {
		for {
			m, err := p.tryMessage()
			switch {
			case err != nil:
				return
			case strings.HasPrefix(m, "GET"):
				p.send(okay)
			default:
				p.send(streamHead + token("a"))
			}
		}
	})
	f := newFixture(t, u.url)
	late := f.connect()
	late.send(chat())
	late.expect(streamHead + token("a"))
	f.proxy.Retire()
	c := f.connect()
	c.send(get)
	c.expect(okayAndGoodbye)
	c.expectEnd()
	f.want(exchange.OK, "", 200)
	_ = c.Close()
	drained := f.cut()
	wait(t, "draining", drained)
	late.gone()
	if r := f.want(exchange.Drained, exchange.ErrDraining, 200); r.Origin != exchange.Canary {
		t.Errorf("recorded origin %q", r.Origin)
	}
}

// TestStrangerAtTheDoorIsTurnedAway: another process may connect to the port of Connect
// while that is open.
func TestStrangerAtTheDoorIsTurnedAway(t *testing.T) {
	l := listen(t).(*net.TCPListener)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	stranger := newPeer(t, conn)
	near, far, err := proxy.PairOn(l)
	if err != nil {
		t.Fatal(err)
	}
	a, b := newPeer(t, near), newPeer(t, far)
	stranger.expectEnd()
	a.send("ping")
	b.expect("ping")
	_, _, _ = stranger.Close(), near.Close(), far.Close()
}
