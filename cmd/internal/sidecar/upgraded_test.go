package sidecar

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestAWebSocketCountsInNoSLO, however long it stays open, but among the connections.
// The request after it does.
func TestAWebSocketCountsInNoSLO(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Header.Get("Upgrade") == "" {
			fmt.Fprint(w, `{"model":"m","choices":[]}`)
			return
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.Copy(conn, conn)
			_ = conn.Close()
		}
	}))
	t.Cleanup(upstream.Close)
	slos := filepath.Join(t.TempDir(), "slos.yaml")
	if err := os.WriteFile(slos, []byte("slos:\n- name: quick\n  objective: 99\n  window: 30d\n  good: {e2e: 1ns}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := begin(t, "HEADWAY_UPSTREAM="+upstream.URL, "HEADWAY_SLO_FILE="+slos, "HEADWAY_DRAIN_DELAY=0")
	socket := l.connect(t)
	fmt.Fprint(socket, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\n{}")
	response, err := http.ReadResponse(socket.r, nil)
	if err != nil || response.StatusCode != 101 {
		t.Fatalf("%+v, %v", response, err)
	}
	defer response.Body.Close()
	fmt.Fprint(socket, "hello")
	if _, err := io.ReadFull(socket.r, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	_ = socket.Close()
	l.connect(t).call(t)
	interop.Until(t, "both are over", func() bool {
		now := l.metrics(t)
		return strings.Contains(now, `headway_connections_total{mode="upgraded"} 1`) && strings.Contains(now, `verdict="bad"} `)
	})
	got := l.metrics(t)
	for _, want := range []string{
		`headway_connections_total{mode="upgraded"} 1`,
		`slo="quick",upstream="` + strings.TrimPrefix(upstream.URL, "http://") + `",verdict="bad"} 1`, // else 2
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s among\n%s", want, lines(got, "headway_slo_requests_total", "headway_connections_total"))
		}
	}
	l.stop()
	l.end(t)
}

// TestARefusedWebSocketCountsInSLOs as any refused request of its API does.
func TestARefusedWebSocketCountsInSLOs(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"error":{"type":"tokens","code":"rate_limit_exceeded"}}`)
	}))
	t.Cleanup(upstream.Close)
	slos := filepath.Join(t.TempDir(), "slos.yaml")
	if err := os.WriteFile(slos, []byte("slos:\n- name: voice\n  match: {operation: chat, model: gpt-realtime, stream: true}\n  objective: 99\n  window: 30d\n  good: {ttft: 1s}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := begin(t, "HEADWAY_UPSTREAM="+upstream.URL, "HEADWAY_SLO_FILE="+slos, "HEADWAY_DRAIN_DELAY=0")
	socket := l.connect(t)
	fmt.Fprint(socket, "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	response, err := http.ReadResponse(socket.r, nil)
	if err != nil || response.StatusCode != 429 {
		t.Fatalf("%+v, %v", response, err)
	}
	_ = response.Body.Close()
	interop.Until(t, "it is over", func() bool { return strings.Contains(l.metrics(t), `verdict="bad"} 1`) })
	got := l.metrics(t)
	for _, want := range []string{
		`headway_requests_total{error_type="429",model="gpt-realtime",operation="chat",outcome="refused",stream="true",`,
		`slo="voice",upstream="` + strings.TrimPrefix(upstream.URL, "http://") + `",verdict="bad"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s among\n%s", want, lines(got, "headway_slo_requests_total", "headway_requests_total"))
		}
	}
	_ = socket.Close()
	l.stop()
	l.end(t)
}

// metrics scrapes the admin port.
func (l *life) metrics(t *testing.T) string {
	t.Helper()
	response, err := http.Get(l.base + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lines returns the lines of text that begin with one of the prefixes.
func lines(text string, prefixes ...string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				out.WriteString(line)
			}
		}
	}
	return out.String()
}
