package sidecar

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

const markup = "<script>alert(1)</script>\x1b[2J\u202e\n\ndata: x"

// busy returns a sidecar with one exchange under way and one that ended, both of a model
// that a hostile client named.
func busy(t *testing.T) *Sidecar {
	t.Helper()
	s := wired(t)
	s.tap.Begin(tap.Request{Method: "POST", Path: "/v1/chat/completions", Upstream: exchange.Upstream{Host: "model", Port: 80}, Header: func(func(name, value []byte) bool) {}, Read: tap.Now()})
	r := exchange.Record{Start: time.Now(), Origin: exchange.App, Operation: exchange.Chat, Model: exchange.Model{Request: markup}, Stream: true, Status: 200, Outcome: exchange.OK}
	r.Span.ID = exchange.SpanID{1}
	r.Trace.State = "vendor=secret"
	r.Timing = exchange.Timing{RequestRead: 1, RequestWritten: 2, ResponseHead: time.Millisecond, FirstToken: 2 * time.Millisecond, LastToken: 5 * time.Millisecond, End: 6 * time.Millisecond}
	r.Chunks.Add(exchange.Chunk{At: 2 * time.Millisecond, Tokens: 1, Bytes: 3})
	r.Chunks.Add(exchange.Chunk{At: 5 * time.Millisecond, Tokens: 1, Bytes: 3})
	s.view.Observe(r)
	return s
}

// read asks the API of s and returns the body of the answer.
func read(t *testing.T, s *Sidecar, path string) string {
	t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, path, http.NoBody), httptest.NewRecorder()
	r.Host = "127.0.0.1:8481"
	s.adminHandler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s is %d: %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func TestAPITellsWhatIsUnderWayAndWhatEnded(t *testing.T) {
	s := busy(t)
	for path, want := range map[string][]string{
		"/api/v1/summary":                    {`"open":1`, `"requests":1`, `"name":"TTFT","p50_s":0.002`},
		"/api/v1/open":                       {`"open":1`, `"phase":"asking"`, `"upstream":"model:80"`},
		"/api/v1/open?limit=0":               {`"open":1,"streams":[]`},
		"/api/v1/exchanges":                  {`"id":"0100000000000000"`, `"ttft_s":0.002`, `"e2e_s":0.006`},
		"/api/v1/exchanges?limit=0":          {`"exchanges":[]`},
		"/api/v1/exchanges/0100000000000000": {`{"name":"first token","at_s":0.002}`, `"arrived_ms":[2,5]`, `"max_s":0.003`},
	} {
		body := read(t, s, path)
		for _, part := range want {
			if !strings.Contains(body, part) {
				t.Errorf("%s: no %s in %s", path, part, body)
			}
		}
	}
	if got := adminStatus(s, http.MethodGet, "/api/v1/exchanges/0200000000000000", "127.0.0.1:9"); got != http.StatusNotFound {
		t.Errorf("an exchange that nobody keeps is %d", got)
	}
	if got := adminStatus(s, http.MethodGet, "/api/v1/open?limit=-1", "127.0.0.1:9"); got != http.StatusBadRequest {
		t.Errorf("a limit below 0 is %d", got)
	}
}

// TestWhatAPeerChoosesIsText: it is data of JSON, escaped, and never leaves its event.
func TestWhatAPeerChoosesIsText(t *testing.T) {
	s := busy(t)
	for _, path := range []string{"/api/v1/exchanges", "/api/v1/exchanges/0100000000000000"} {
		body := read(t, s, path)
		if strings.ContainsAny(strings.TrimSpace(body), "<\x1b\n") {
			t.Errorf("%s: %q", path, body)
		}
		if strings.Contains(body, "secret") {
			t.Errorf("%s tells the client's tracestate", path)
		}
	}
	for _, line := range follow(t, s, 9) {
		if line != "" && !strings.HasPrefix(line, "event: ") && !strings.HasPrefix(line, "data: {") && !strings.HasPrefix(line, "data: [") {
			t.Errorf("a line of the stream is %q", line)
		}
	}
}

// follow returns the first lines of the stream of s.
func follow(t *testing.T, s *Sidecar, lines int) []string {
	t.Helper()
	server := httptest.NewServer(s.adminHandler())
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var out []string
	for in := bufio.NewScanner(response.Body); len(out) < lines && in.Scan(); {
		out = append(out, in.Text())
	}
	cancel()
	s.hub.Close()
	return out
}

func TestStreamBeginsWithEverything(t *testing.T) {
	lines := follow(t, busy(t), 12)
	var events []string
	for i, line := range lines {
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			events = append(events, name)
			if !json.Valid([]byte(strings.TrimPrefix(lines[i+1], "data: "))) {
				t.Errorf("%s is no JSON: %s", name, lines[i+1])
			}
		}
	}
	if got := strings.Join(events, " "); got != "streams summary exchanges chains" {
		t.Errorf("it begins with %s", got)
	}
}

// TestPagesOfOthersReadNothing: a name that leads here is none of the port's (DNS rebinding),
// and another site's page may not even ask.
func TestPagesOfOthersReadNothing(t *testing.T) {
	s := wired(t)
	for _, path := range []string{"/", "/live/page.js", "/api/v1/summary", "/api/v1/open", "/api/v1/exchanges", "/api/v1/stream"} {
		for _, tt := range []struct {
			name, host, origin string
			want               int
		}{
			{"rebinding", "rebound.example.com:8481", "", http.StatusMisdirectedRequest},
			{"another site", "127.0.0.1:8481", "https://evil.example.com", http.StatusForbidden},
		} {
			r, w := httptest.NewRequest(http.MethodGet, path, http.NoBody), httptest.NewRecorder()
			r.Host = tt.host
			if tt.origin != "" {
				r.Header.Set("Origin", tt.origin)
			}
			s.adminHandler().ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("%s: %s is %d, want %d", tt.name, path, w.Code, tt.want)
			}
		}
	}
}

// TestPagesPostNothing: the live page only reads, and no page may change anything, not even
// the sidecar's own.
func TestPagesPostNothing(t *testing.T) {
	s := wired(t)
	for _, e := range s.endpoints() {
		_, path, _ := strings.Cut(e.pattern, " ")
		if path == "" {
			path = e.pattern
		}
		for _, origin := range []string{"http://127.0.0.1:8481", "https://evil.example.com", "null"} {
			if got := adminStatus(s, http.MethodPost, path, "127.0.0.1:9", http.Header{"Origin": {origin}}); got != http.StatusForbidden && got != http.StatusMethodNotAllowed {
				t.Errorf("POST %s from %s is %d", path, origin, got)
			}
		}
	}
	select {
	case <-s.asked:
		t.Error("a page has stopped the sidecar")
	default:
	}
}
