// Package life puts a sidecar under load while it stops, and while its clients leave.
// Every function fails the test if a stream breaks, or if the capture does not have the
// outcome of each.
package life

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// tokens is the number of tokens in a stream of a source.
const tokens = 10

// Source is an upstream that streams tokens at a fixed interval.
type Source struct {
	*httptest.Server
	Live atomic.Int64 // streams that have sent their first token
}

// NewSource starts a source. Each stream sends its first token at once. After the test
// has closed goOn, it sends the others, at intervals of every.
func NewSource(t *testing.T, every time.Duration, goOn <-chan struct{}) *Source {
	s := &Source{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		s.Live.Add(1)
		defer s.Live.Add(-1)
		for i := range tokens {
			if i > 0 {
				<-goOn
				time.Sleep(every)
			}
			fmt.Fprintf(w, "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%d\"}}]}\n\n", i)
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	return s
}

// Follow requests one stream of a source through base and reads it to its end. The
// error is one that an application would see too. Any goroutine may call it.
func Follow(ctx context.Context, client *http.Client, base string) error {
	// The request has no GetBody, so that the client does not repeat a failed request.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions",
		io.NopCloser(strings.NewReader(`{"model":"m","stream":true,"messages":[{"role":"user","content":"Go on."}]}`)))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	seen, done := 0, false
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"delta":{"content":"`+strconv.Itoa(seen)+`"}`) {
			seen++
		}
		done = lines.Text() == "data: [DONE]"
		lines.Scan() // the empty line
	}
	if err := lines.Err(); err != nil || response.StatusCode != http.StatusOK || seen != tokens || !done {
		return fmt.Errorf("%s, %d of %d tokens, done: %t: %w", response.Status, seen, tokens, done, errors.Join(err))
	}
	return nil
}

// oneConnection returns a client that keeps one connection of its own. The client calls
// to for the address of each dial, so that the address may change, as behind the
// address of a Kubernetes service.
func oneConnection(to func() string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		MaxConnsPerHost: 1,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, to())
		},
	}}
}

// Outcomes counts the lines of the capture by outcome. It counts a stream with outcome
// ok but missing tokens under a key of its own. The sidecar must have ended.
func Outcomes(t *testing.T, s *interop.Sidecar) map[string]int {
	t.Helper()
	text, err := os.ReadFile(s.Capture)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, line := range interop.DecodeLines[struct {
		Kind    string `json:"kind"`
		Outcome string `json:"outcome"`
		Chunks  int    `json:"content_chunks"`
	}](t, text) {
		if line.Kind != "" { // the line of a chain
			continue
		}
		if line.Outcome == "ok" && line.Chunks != tokens {
			line.Outcome += fmt.Sprintf(" of %d", line.Chunks)
		}
		counts[line.Outcome]++
	}
	return counts
}

// Drain sends SIGTERM to a sidecar with n live streams, which must all end whole.
func Drain(t *testing.T, exe interop.Program, n int, every time.Duration) {
	goOn := make(chan struct{})
	up := NewSource(t, every, goOn)
	s := exe.StartSidecar(t, up.URL)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n}}
	var clients sync.WaitGroup
	var failed atomic.Int64
	for range n {
		clients.Go(func() {
			if err := Follow(t.Context(), client, s.URL); err != nil && failed.Add(1) <= 3 {
				t.Error(err)
			}
		})
	}
	interop.Eventually(t, 20*time.Second, func() error {
		if live := up.Live.Load(); live != int64(n) {
			return fmt.Errorf("%d of %d streams are live", live, n)
		}
		return nil
	})
	s.Process.Signal(t, syscall.SIGTERM)
	interop.Eventually(t, 5*time.Second, func() error {
		if _, err := interop.Get("http://" + s.Admin + "/healthz/ready"); err == nil {
			return errors.New("is ready")
		}
		_, err := interop.Get("http://" + s.Admin + "/healthz/live")
		return err
	})
	close(goOn)
	clients.Wait()
	if code := s.Process.Exit(t, 20*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	got := Outcomes(t, s)
	t.Logf("%d streams were live at SIGTERM; %d broke; captured: %v", n, failed.Load(), got)
	if len(got) != 1 || got["ok"] != n {
		t.Errorf("captured %v, want %d streams", got, n)
	}
}

// RollingRestart replaces a sidecar by another one under n live streams. Clients
// connect to the endpoints that count as ready. As in Kubernetes, clients learn of a
// change only after a while.
func RollingRestart(t *testing.T, exe interop.Program, n int, every, delay time.Duration) {
	goOn := make(chan struct{})
	close(goOn)
	up := NewSource(t, every, goOn)
	env := []string{"HEADWAY_ROLE=server", "HEADWAY_DRAIN_DELAY=" + delay.String()}
	before := exe.StartSidecar(t, up.URL, env...)
	var endpoints atomic.Pointer[[]string]
	endpoints.Store(&[]string{strings.TrimPrefix(before.URL, "http://")})

	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	var clients sync.WaitGroup
	var whole, failed, connects atomic.Int64
	for range n {
		clients.Go(func() {
			client := oneConnection(func() string {
				e := *endpoints.Load()
				return e[int(connects.Add(1))%len(e)]
			})
			for ctx.Err() == nil {
				if err := Follow(t.Context(), client, "http://service"); err == nil {
					whole.Add(1)
				} else if failed.Add(1) <= 3 {
					t.Error(err)
				}
			}
			client.CloseIdleConnections()
		})
	}
	interop.Eventually(t, 20*time.Second, func() error {
		if live := up.Live.Load(); live < int64(n)*9/10 { // the other clients are between two streams
			return fmt.Errorf("%d of %d streams are live", live, n)
		}
		return nil
	})
	after := exe.StartSidecar(t, up.URL, env...)
	endpoints.Store(&[]string{strings.TrimPrefix(before.URL, "http://"), strings.TrimPrefix(after.URL, "http://")})
	live := up.Live.Load()
	before.Process.Signal(t, syscall.SIGTERM)
	time.AfterFunc(delay/4, func() { endpoints.Store(&[]string{strings.TrimPrefix(after.URL, "http://")}) })
	code := before.Process.Exit(t, 30*time.Second)
	enough()
	clients.Wait()
	after.Process.Stop(t)

	old, fresh := Outcomes(t, before), Outcomes(t, after)
	t.Logf("%d streams were live at SIGTERM; %d whole, %d failed, %d connections; captured: before %v, after %v",
		live, whole.Load(), failed.Load(), connects.Load(), old, fresh)
	if code != 0 || len(old) != 1 || len(fresh) != 1 || int64(old["ok"]+fresh["ok"]) != whole.Load() {
		t.Errorf("exit code %d, captured %v and %v of %d streams", code, old, fresh, whole.Load())
	}
}

// Cut sends SIGTERM to a sidecar with n live streams that do not end by themselves, so
// that the drain has to cut them.
func Cut(t *testing.T, exe interop.Program, n int) {
	goOn := make(chan struct{})
	defer close(goOn)
	up := NewSource(t, 0, goOn)
	s := exe.StartSidecar(t, up.URL, "HEADWAY_DRAIN_TIMEOUT=100ms")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n}}
	var clients sync.WaitGroup
	var whole atomic.Int64
	for range n {
		clients.Go(func() {
			if Follow(t.Context(), client, s.URL) == nil {
				whole.Add(1)
			}
		})
	}
	interop.Eventually(t, 20*time.Second, func() error {
		if live := up.Live.Load(); live != int64(n) {
			return fmt.Errorf("%d of %d streams are live", live, n)
		}
		return nil
	})
	s.Process.Signal(t, syscall.SIGTERM)
	clients.Wait()
	if code := s.Process.Exit(t, 20*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	got := Outcomes(t, s)
	t.Logf("%d streams were live at SIGTERM and cut; captured: %v", n, got)
	if whole.Load() > 0 || len(got) != 1 || got["drained"] != n {
		t.Errorf("%d were whole; captured %v", whole.Load(), got)
	}
}
