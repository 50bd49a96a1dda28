package sidecar

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// life is a sidecar that runs in this process.
type life struct {
	*Sidecar
	listen, base string             // base is the admin port's URL
	stop         context.CancelFunc // as SIGTERM does
	cut          context.CancelFunc // as SIGQUIT does
	ended        chan error
}

// begin starts a sidecar and returns when it is ready.
func begin(t *testing.T, env ...string) *life {
	t.Helper()
	l := start(t, env...)
	if l.config.AdminWebConfig == "" {
		interop.Until(t, "ready", func() bool { return interop.Status(l.base+"/healthz/ready") == 200 })
	}
	return l
}

// start starts a sidecar inside the test's process.
func start(t *testing.T, env ...string) *life {
	t.Helper()
	c, err := config.Read(append([]string{"HEADWAY_UPSTREAM=http://127.0.0.1:1", "HEADWAY_PREWARM=0",
		"HEADWAY_LISTEN=127.0.0.1:0", "HEADWAY_ADMIN_LISTEN=127.0.0.1:0"}, env...))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen("LISTEN", "ADMIN_LISTEN"); err != nil {
		t.Fatal(err)
	}
	l := &life{Sidecar: s, listen: s.listener.Addr().String(), base: "http://" + s.admin.Addr().String(), ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	urgent, cut := context.WithCancel(context.Background())
	l.stop, l.cut = stop, cut
	t.Cleanup(cut)
	go func() { l.ended <- s.Run(ctx, urgent) }()
	return l
}

// startBeforeSilence starts a sidecar whose upstream never answers the TLS handshake of
// headway's first connection.
func startBeforeSilence(t *testing.T) (l *life, tried net.Conn) {
	t.Helper()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	l = start(t, "HEADWAY_UPSTREAM=https://"+silent.Addr().String(), "HEADWAY_PREWARM=1", "HEADWAY_CONNECT_TIMEOUT=0")
	if tried, err = silent.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tried.Close() })
	return l, tried
}

// end waits until the sidecar has ended.
func (l *life) end(t *testing.T) {
	t.Helper()
	select {
	case err := <-l.ended:
		if err != nil {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(interop.Patience):
		t.Fatal("does not end")
	}
}

// runs fails the test if the sidecar has ended.
func (l *life) runs(t *testing.T) {
	t.Helper()
	select {
	case err := <-l.ended:
		t.Fatalf("ended, with %v", err)
	default:
	}
}

// answering starts an upstream that answers every request at once.
func answering(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\".\"}}]}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	return "HEADWAY_UPSTREAM=" + s.URL
}

// app is a kept connection of an application.
type app struct {
	net.Conn
	r *bufio.Reader
}

func (l *life) connect(t *testing.T) *app {
	t.Helper()
	conn, err := net.Dial("tcp", l.listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &app{conn, bufio.NewReader(conn)}
}

// call makes a request. It returns the status, and whether the response says that the
// connection ends.
func (a *app) call(t *testing.T) (status int, last bool) {
	t.Helper()
	fmt.Fprint(a, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	response, err := http.ReadResponse(a.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Close
}

func TestSidecarBehindEndpointsServesOnForTheDelay(t *testing.T) {
	l := begin(t, answering(t), "HEADWAY_ROLE=server", "HEADWAY_DRAIN_DELAY=1h", "HEADWAY_DRAIN_TIMEOUT=1h")
	kept := l.connect(t)
	if status, last := kept.call(t); status != 200 || last {
		t.Fatalf("before: %d, last %t", status, last)
	}
	l.stop()
	interop.Until(t, "not ready", func() bool { return interop.Status(l.base+"/healthz/ready") == 503 })
	if got := interop.Status(l.base + "/healthz/live"); got != 200 {
		t.Errorf("live is %d", got)
	}
	for name, a := range map[string]*app{"a kept connection": kept, "a new connection": l.connect(t)} {
		if status, last := a.call(t); status != 200 || !last {
			t.Errorf("%s: %d, the response ends the connection: %t", name, status, last)
		}
	}
	l.runs(t)
	l.cut()
	l.end(t)
}

func TestTheDelayEndsByItself(t *testing.T) {
	const delay = 50 * time.Millisecond
	l := begin(t, "HEADWAY_ROLE=server", "HEADWAY_DRAIN_DELAY="+delay.String())
	began := time.Now()
	l.stop()
	l.end(t)
	if took := time.Since(began); took < delay {
		t.Errorf("stopped after %v", took)
	}
}

func TestApplicationBesideTheSidecarIsServedUntilItLeaves(t *testing.T) {
	l := begin(t, answering(t), "HEADWAY_DRAIN_DELAY=1h", "HEADWAY_DRAIN_TIMEOUT=1h")
	kept := l.connect(t)
	if status, _ := kept.call(t); status != 200 {
		t.Fatalf("before: %d", status)
	}
	l.stop()
	interop.Until(t, "not ready", func() bool { return interop.Status(l.base+"/healthz/ready") == 503 })
	for range 2 {
		if status, last := kept.call(t); status != 200 || last {
			t.Errorf("a request on its way out: %d, last %t", status, last)
		}
	}
	l.runs(t)
	_ = kept.Close()
	l.end(t)
}

func TestSidecarWhoseApplicationIsGoneStopsAtOnce(t *testing.T) {
	l := begin(t, answering(t), "HEADWAY_DRAIN_DELAY=1h", "HEADWAY_DRAIN_TIMEOUT=1h")
	gone := l.connect(t)
	gone.call(t)
	_ = gone.Close()
	l.stop()
	l.end(t)
}

func TestDrainTimeoutBoundsTheDelayToo(t *testing.T) {
	l := begin(t, "HEADWAY_ROLE=server", "HEADWAY_DRAIN_DELAY=1h", "HEADWAY_DRAIN_TIMEOUT=20ms")
	l.stop()
	l.end(t)
}

func TestSidecarStopsDuringItsFirstUpstreamConnections(t *testing.T) {
	l, _ := startBeforeSilence(t)
	l.stop()
	l.end(t)
}

func TestLastNumbersWaitForAScrape(t *testing.T) {
	l := begin(t, answering(t), "HEADWAY_SCRAPE_WAIT=1h")
	if got := interop.Fetch(t, l.base+"/metrics"); strings.Contains(got, "\nheadway_requests_total{") {
		t.Fatalf("the metrics have requests before the first one:\n%s", got)
	}
	a := l.connect(t)
	a.call(t)
	_ = a.Close()
	l.stop()
	interop.Until(t, "connections are refused", func() bool { return interop.Refuses(l.listen) })
	interop.Until(t, "headway has observed the exchange, its chain and its turn", func() bool { return l.scrapes.observed.Load() == 3 })
	if got := interop.Status(l.base + "/healthz/live"); got != 200 {
		t.Errorf("live is %d", got)
	}
	l.runs(t)
	if got := interop.Fetch(t, l.base+"/metrics"); !strings.Contains(got, "\nheadway_requests_total{") {
		t.Errorf("the last scrape has no request:\n%s", got)
	}
	l.end(t)
}

func TestSidecarWaitsForNoScrapeThatItDoesNotNeed(t *testing.T) {
	for name, use := range map[string]func(*life){
		"nothing happened": func(*life) {},
		"all was scraped": func(l *life) {
			a := l.connect(t)
			a.call(t)
			_ = a.Close()
			interop.Until(t, "headway has observed the exchange, its chain and its turn", func() bool { return l.scrapes.observed.Load() == 3 })
			interop.Fetch(t, l.base+"/metrics")
		},
		"there is no time for it": func(l *life) {
			a := l.connect(t)
			a.call(t)
			_ = a.Close()
			l.cut()
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := begin(t, answering(t), "HEADWAY_SCRAPE_WAIT=1h")
			use(l)
			l.stop()
			l.end(t)
		})
	}
}

func TestPOSTStopEndsTheSidecar(t *testing.T) {
	l := begin(t, "HEADWAY_SCRAPE_WAIT=0")
	for range 2 { // the sidecar may have ended before the second
		response, err := http.Post(l.base+"/stop", "", http.NoBody)
		if err != nil {
			break
		}
		response.Body.Close()
		if response.StatusCode != http.StatusAccepted {
			t.Errorf("answered %s", response.Status)
		}
	}
	l.end(t)
}

func TestStopIsForThisHostAndNoBrowser(t *testing.T) {
	for _, tt := range []struct {
		name, method, from, origin string
		want                       int
		stops                      bool
	}{
		{"from loopback", "POST", "127.0.0.1:9", "", 202, true},
		{"from loopback, version 6", "POST", "[::1]:9", "", 202, true},
		{"from elsewhere", "POST", "192.0.2.1:9", "", 404, false},
		{"from elsewhere, by another method", "GET", "192.0.2.1:9", "", 404, false},
		{"by another method", "GET", "127.0.0.1:9", "", 405, false},
		{"by a page in a browser", "POST", "127.0.0.1:9", "https://example.org", 403, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := wired(t)
			var header http.Header
			if tt.origin != "" {
				header = http.Header{"Origin": {tt.origin}}
			}
			for range 2 {
				if got := adminStatus(s, tt.method, "/stop", tt.from, header); got != tt.want {
					t.Errorf("%d, want %d", got, tt.want)
				}
			}
			stops := false
			select {
			case <-s.asked:
				stops = true
			default:
			}
			if stops != tt.stops {
				t.Errorf("stops: %t", stops)
			}
		})
	}
}

func TestStartupEndsAfterTheFirstUpstreamConnections(t *testing.T) {
	l, tried := startBeforeSilence(t)
	if got := interop.Status(l.base + "/healthz/startup"); got != 503 {
		t.Errorf("startup is %d while the first connection is tried", got)
	}
	_ = tried.Close()
	interop.Until(t, "startup is over", func() bool { return interop.Status(l.base+"/healthz/startup") == 200 })
	l.stop()
	l.end(t)
}
