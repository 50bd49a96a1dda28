package chain_test

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy"
	"github.com/headway-sidecar/headway/proxy/chain"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// behindProxy puts a Joiner behind a real proxy in front of the handler, and returns
// its stage and the proxy's URL.
func behindProxy(t *testing.T, handler http.HandlerFunc) (*stage, string) {
	t.Helper()
	upstream := httptest.NewServer(handler)
	t.Cleanup(upstream.Close)
	s := &stage{began: time.Now()}
	s.joiner = chain.New(chain.Config{Next: s})
	measured := tap.New(tap.Config{Observer: s.joiner, Begun: s.joiner.Begin, Mode: exchange.Explicit})
	route, err := proxy.NewRoute("", upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := proxy.New(proxy.Config{Routes: []proxy.Route{route}, Tap: measured, Log: slog.New(slog.DiscardHandler), ConnectTimeout: time.Second})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.Serve(listener) }() // it ends with Drain
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = p.Drain(ctx) // by then the tap has ended the exchanges that Drain cuts
		measured.Wait()
		s.joiner.Close()
	})
	return s, "http://" + listener.Addr().String()
}

// post sends one attempt and reads its answer; 0 is none.
func post(ctx context.Context, t *testing.T, url string, fields ...string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/some/api", strings.NewReader(question))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body) // a body that breaks off is no concern of the test
	return response.StatusCode
}

const question = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`

// awaitTold waits, not for ever, until the stage has got an exchange.
func (s *stage) awaitTold() {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		told := len(s.told)
		s.mu.Unlock()
		if told > 0 {
			return
		}
	}
}

// firstOver waits for the first chain that is over.
func (s *stage) firstOver(t *testing.T) exchange.Chain {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if c := s.chains(); len(c) > 0 {
			return c[0]
		}
	}
	t.Fatal("no chain is over")
	return exchange.Chain{}
}

// TestAttemptsThatPassAreJoined, of an API that no dialect knows, and with a gap so
// short that the Joiner may get the end of the first after the beginning of the second,
// though not after its end.
func TestAttemptsThatPassAreJoined(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("retry-after-ms", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"a compressed error": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusInternalServerError)
			zip := gzip.NewWriter(w)
			_, _ = io.WriteString(zip, strings.Repeat("no ", 5000))
			_ = zip.Close()
		},
		"a reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, fail := range answers {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int32
			var s *stage
			s, url := behindProxy(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if tries.Add(1) == 1 {
					fail(w, r)
					return
				}
				s.awaitTold()
				_, _ = io.WriteString(w, `{"answer":"hi"}`)
			})
			post(t.Context(), t, url, "Authorization", "Bearer a")
			if status := post(t.Context(), t, url, "Authorization", "Bearer a"); status != 200 {
				t.Fatalf("status %d", status)
			}
			c := s.firstOver(t)
			if c.Outcome != exchange.Recovered || c.Attempts != 2 || len(c.JoinedBy) != 1 || c.JoinedBy[0] != "fingerprint" || len(c.Waste) != 1 {
				t.Errorf("%+v", c)
			}
			if c.E2E < c.Last.Timing.End || c.Start.After(c.Last.Start) {
				t.Errorf("E2E %v from %v, last attempt %v from %v", c.E2E, c.Start, c.Last.Timing.End, c.Last.Start)
			}
		})
	}
}

func TestAClientThatGivesUpAndComesBackIsJoined(t *testing.T) {
	var tries atomic.Int32
	s, url := behindProxy(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if tries.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, `{}`)
	})
	impatient, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if status := post(impatient, t, url, "User-Agent", "OpenAI/JS 6.49.0", "X-Stainless-Retry-Count", "0"); status != 0 {
		t.Fatalf("status %d", status)
	}
	post(t.Context(), t, url, "User-Agent", "OpenAI/JS 6.49.0", "X-Stainless-Retry-Count", "1")
	c := s.firstOver(t)
	if c.Outcome != exchange.Recovered || c.Attempts != 2 || c.JoinedBy[0] != "x-stainless-retry-count" || c.Waste[0].Cause != "canceled" {
		t.Errorf("%+v", c)
	}
}

// TestAWebSocketIsNoCall, whether it opens at once or after a refusal. The refusal is an
// attempt of a call that nobody answered.
func TestAWebSocketIsNoCall(t *testing.T) {
	for name, refused := range map[string]bool{"at once": false, "after a refusal": true} {
		t.Run(name, func(t *testing.T) {
			var tries atomic.Int32
			s, url := behindProxy(t, func(w http.ResponseWriter, _ *http.Request) {
				if refused && tries.Add(1) == 1 {
					w.WriteHeader(http.StatusTooManyRequests)
					return
				}
				w.Header().Set("Connection", "Upgrade")
				w.Header().Set("Upgrade", "websocket")
				w.WriteHeader(http.StatusSwitchingProtocols)
				if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
					_ = conn.Close()
				}
			})
			want, calls := []int{101}, 0
			if refused {
				want, calls = []int{429, 101}, 1
			}
			for _, status := range want {
				if got := upgrade(t, url); got != status {
					t.Fatalf("status %d, want %d", got, status)
				}
			}
			last := s.lastOf(t, len(want))
			if open, chains := s.joiner.Open(), s.chains(); open != calls || len(chains) != 0 {
				t.Errorf("%d chains open, want %d; %d over", open, calls, len(chains))
			}
			if last.Mode != exchange.Upgraded || last.Attempt != (exchange.Attempt{}) || last.Outcome != exchange.OK {
				t.Errorf("mode %q, attempt %+v, outcome %q", last.Mode, last.Attempt, last.Outcome)
			}
		})
	}
}

// lastOf waits for n exchanges, and returns the last one.
func (s *stage) lastOf(t *testing.T, n int) exchange.Record {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		told := s.told
		s.mu.Unlock()
		if len(told) == n {
			return told[n-1]
		}
	}
	t.Fatalf("there are no %d exchanges", n)
	return exchange.Record{}
}

// upgrade asks for a WebSocket, and closes it when it is open.
func upgrade(t *testing.T, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/realtime", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("X-Request-Id", "one")
	r.Header.Set("Idempotency-Key", "one")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}
