package prober_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/prober"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// server is a model server on a real connection.
type server struct {
	*httptest.Server
	connections atomic.Int32

	mu   sync.Mutex
	keys []string
}

// story is an answer as openai-chat streams it, of 500 tokens by its own count.
func story(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":\"%s ran to the sea\"}}]}\n\n", wordOf(string(body)))
	fmt.Fprint(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":500,\"completion_tokens\":500}}\n\ndata: [DONE]\n\n")
}

func newServer(t *testing.T, secure bool, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.keys = append(s.keys, r.Header.Get("Authorization"))
		s.mu.Unlock()
		handler(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// direct is a Prober with one probe that goes past the proxy.
func direct(t *testing.T, p probe.Probe, secured *tls.Config) *prober.Prober {
	t.Helper()
	var b *prober.Prober
	measuring := tap.New(tap.Config{Dialects: openai.Dialects(), Observer: observing(func(r exchange.Record) { b.Observe(r) })})
	b = prober.New(prober.Config{
		Begin: measuring.Begin, Getenv: func(string) string { return "" }, TLS: secured, Log: slog.New(slog.DiscardHandler),
	})
	if err := b.Replace([]probe.Probe{p}, false); err != nil {
		t.Fatal(err)
	}
	return b
}

type observing func(exchange.Record)

func (o observing) Observe(r exchange.Record) { o(r) }

func directTo(url string) probe.Probe {
	p := one("p")
	p.URL, p.Via, p.Timeout = url, probe.Direct, 10*time.Second
	return p
}

// send sends one canary and returns its run.
func send(t *testing.T, by *prober.Prober) probe.Run {
	t.Helper()
	runs := by.Once(t.Context())
	if len(runs) != 1 {
		t.Fatalf("%d runs", len(runs))
	}
	return runs[0]
}

func TestConnectionsAreKept(t *testing.T) {
	s := newServer(t, false, story)
	by := direct(t, directTo(s.URL), nil)
	for range 3 {
		if r := send(t, by); r.Outcome != probe.OK || r.Record.TTFT() <= 0 {
			t.Errorf("outcome %s, TTFT %s", r.Outcome, r.Record.TTFT())
		}
	}
	if n := s.connections.Load(); n != 1 {
		t.Errorf("%d connections for three canaries", n)
	}
}

// A canary that opens a connection has that in its TTFT: docs/canaries.md says which do.
func TestConnectionsWithoutARequestAreClosed(t *testing.T) {
	for every, want := range map[time.Duration]int{40 * time.Second: 1, time.Minute: 10, time.Hour: 10} {
		t.Run(every.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := one("p")
				p.Every = every
				s := newStage(t, nil, p)
				time.Sleep(10 * every)
				s.stop()
				if n := len(s.target.times(s.begin)); n != 10 || s.target.connections != want {
					t.Errorf("%d connections for %d canaries, want %d", s.target.connections, n, want)
				}
			})
		})
	}
}

func TestAConnectionThatTheServerClosedIsReplaced(t *testing.T) {
	s := newServer(t, false, story)
	by := direct(t, directTo(s.URL), nil)
	for range 3 {
		if r := send(t, by); r.Outcome != probe.OK {
			t.Errorf("outcome %s, %s", r.Outcome, r.Record.ErrorType)
		}
		s.CloseClientConnections()
	}
	if n := s.connections.Load(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

func TestAServerThatAnswersBeforeItHasRead(t *testing.T) {
	s := newServer(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	p := directTo(s.URL)
	p.Shape.Input = 2000
	if r := send(t, direct(t, p, nil)); r.Outcome != probe.Failed || r.Record.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("outcome %s, status %d", r.Outcome, r.Record.Status)
	}
}

func TestEarlyHintsAreNoAnswer(t *testing.T) {
	s := newServer(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		story(w, r)
	})
	if r := send(t, direct(t, directTo(s.URL), nil)); r.Outcome != probe.OK {
		t.Errorf("outcome %s, status %d", r.Outcome, r.Record.Status)
	}
}

func TestACanaryThatTakesTooLongIsCut(t *testing.T) {
	over := make(chan struct{})
	slow := atomic.Bool{}
	slow.Store(true)
	s := newServer(t, false, func(w http.ResponseWriter, r *http.Request) {
		if slow.Load() {
			w.(http.Flusher).Flush()
			<-over
			return
		}
		story(w, r)
	})
	defer close(over)
	p := directTo(s.URL)
	p.Timeout = 100 * time.Millisecond
	by := direct(t, p, nil)
	if r := send(t, by); r.Outcome != probe.Failed || r.Record.Outcome != exchange.Timeout {
		t.Errorf("outcome %s, %s", r.Outcome, r.Record.Outcome)
	}
	slow.Store(false)
	p.Timeout = 10 * time.Second
	if err := by.Replace([]probe.Probe{p}, false); err != nil {
		t.Fatal(err)
	}
	if r := send(t, by); r.Outcome != probe.OK {
		t.Errorf("and then outcome %s", r.Outcome)
	}
}

func TestDirectCanariesOverTLS(t *testing.T) {
	s := newServer(t, true, story)
	if r := send(t, direct(t, directTo(s.URL), nil)); r.Outcome != probe.Unreachable {
		t.Errorf("outcome %s with a certificate that nobody has vouched for", r.Outcome)
	}
	trusting := s.Client().Transport.(*http.Transport).TLSClientConfig
	by := direct(t, directTo(s.URL), trusting)
	for range 2 {
		if r := send(t, by); r.Outcome != probe.OK {
			t.Errorf("outcome %s, %s", r.Outcome, r.Record.ErrorType)
		}
	}
}

// Keys are rotated while headway runs.
func TestAKeyIsReadAnewForEachCanary(t *testing.T) {
	s := newServer(t, false, story)
	p := directTo(s.URL)
	p.Auth.File = filepath.Join(t.TempDir(), "key")
	by := direct(t, p, nil)
	for _, key := range []string{"first", "second\n", ""} {
		if err := os.WriteFile(p.Auth.File, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		want := map[bool]probe.Outcome{true: probe.OK, false: probe.NoKey}[key != ""]
		if r := send(t, by); r.Outcome != want {
			t.Errorf("outcome %s with the key %q, want %s", r.Outcome, key, want)
		}
	}
	if got := strings.Join(s.keys, ", "); got != "Bearer first, Bearer second" {
		t.Errorf("the server got %s", got)
	}
}
