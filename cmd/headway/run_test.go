package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/config"
	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/exporter/capture"
)

// The clients of these tests send, and the upstreams answer, these secrets. They must
// appear in no log line, no metric and no capture.
const (
	secretKey    = "sk-5ec4e7-of-the-user"
	secretPrompt = "what nobody else may read"
	secretAnswer = "nor this"
)

// nowhere is an upstream that refuses connections.
const nowhere = "http://127.0.0.1:1"

// running is a `headway run` inside the test's process.
type running struct {
	listen, admin string
	stop          context.CancelFunc // as SIGTERM does
	exited        chan int           // its exit code
	logged        *bytes.Buffer      // complete after the exit
}

// startRun runs `headway run` on free ports and returns when the log says that it is
// ready.
func startRun(t *testing.T, env map[string]string) *running {
	t.Helper()
	t.Setenv("HEADWAY_LISTEN", "127.0.0.1:0")
	t.Setenv("HEADWAY_ADMIN_LISTEN", "127.0.0.1:0")
	t.Setenv("HEADWAY_LOG_LEVEL", "debug")
	t.Setenv("HEADWAY_DRAIN_DELAY", "0")
	for key, value := range env {
		t.Setenv(config.Prefix+key, value)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &running{stop: stop, exited: make(chan int, 1), logged: new(bytes.Buffer)}
	log, errs := io.Pipe()
	addresses, code := make(chan [2]string, 1), make(chan int, 1)
	go func() {
		code <- dispatch(ctx, []string{"run"}, io.Discard, errs)
		_ = errs.Close()
	}()
	go func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			fmt.Fprintln(r.logged, lines.Text())
			var line struct{ Msg, Listen, Admin string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
				addresses <- [2]string{line.Listen, line.Admin}
			}
		}
		r.exited <- <-code
	}()
	select {
	case a := <-addresses:
		r.listen, r.admin = a[0], a[1]
	case code := <-r.exited:
		t.Fatalf("exit code %d:\n%s", code, r.logged)
	case <-time.After(interop.Patience):
		t.Fatal("is not ready")
	}
	return r
}

// exit waits for the end and returns the exit code.
func (r *running) exit(t *testing.T) int {
	t.Helper()
	select {
	case code := <-r.exited:
		return code
	case <-time.After(interop.Patience):
		t.Fatal("does not end")
		return 0
	}
}

// pausing starts an upstream whose streams pause after their first token, until the
// test closes goOn.
func pausing(t *testing.T, goOn <-chan struct{}) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		event := func(delta string) {
			fmt.Fprintf(w, "data: {\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", delta)
			w.(http.Flusher).Flush()
		}
		event(`{"role":"assistant","content":"` + secretAnswer + `"}`)
		<-goOn
		event(`{"content":"."}`)
		fmt.Fprint(w, "data: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	return s
}

// ask begins a streamed chat at the sidecar and returns its body.
func ask(t *testing.T, address string) *bufio.Reader {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+address+"/v1/chat/completions",
		strings.NewReader(`{"model":"m","stream":true,"messages":[{"role":"user","content":"`+secretPrompt+`"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+secretKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return bufio.NewReader(response.Body)
}

func TestRunDrainsAndLeavesALineForEveryExchange(t *testing.T) {
	goOn := make(chan struct{})
	file := filepath.Join(t.TempDir(), "capture.jsonl")
	r := startRun(t, map[string]string{"UPSTREAM": pausing(t, goOn).URL, "CAPTURE_FILE": file})
	if got := interop.Status("http://" + r.admin + "/healthz/ready"); got != 200 {
		t.Errorf("ready is %d before the sidecar stops", got)
	}
	stream := ask(t, r.listen)
	first, err := stream.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var metrics string // the tap counts the stream a moment after the proxy forwards it
	interop.Until(t, "the stream is among the exchanges in flight", func() bool {
		metrics = interop.Fetch(t, "http://"+r.admin+"/metrics")
		return strings.Contains(metrics, `headway_streams_in_flight{model="m",operation="chat"`)
	})

	r.stop()
	interop.Until(t, "connections are refused", func() bool { return interop.Refuses(r.listen) })
	if got := interop.Status("http://" + r.admin + "/healthz/ready"); got != 503 {
		t.Errorf("ready is %d while it drains", got)
	}
	if got := interop.Status("http://" + r.admin + "/healthz/live"); got != 200 {
		t.Errorf("live is %d while it drains", got)
	}
	close(goOn)
	rest, err := io.ReadAll(stream)
	if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the stream did not end well: %v\n%s%s", err, first, rest)
	}
	if code := r.exit(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, r.logged)
	}
	if !interop.Refuses(r.admin) {
		t.Error("the admin port is still open")
	}
	lines := readCapture(t, file)
	if len(lines) != 1 || lines[0].Outcome != "ok" || *lines[0].ContentChunks != 2 || lines[0].TTFT <= 0 {
		t.Errorf("captured are %+v", lines)
	}
	kept, _ := os.ReadFile(file)
	for _, secret := range []string{secretKey, secretPrompt, secretAnswer} {
		if strings.Contains(r.logged.String()+metrics+string(kept), secret) {
			t.Errorf("%q was kept", secret)
		}
	}
}

func TestRunCutsExchangesThatOutlastTheDrain(t *testing.T) {
	goOn := make(chan struct{})
	file := filepath.Join(t.TempDir(), "capture.jsonl")
	upstream := pausing(t, goOn)
	defer close(goOn)
	r := startRun(t, map[string]string{"UPSTREAM": upstream.URL, "CAPTURE_FILE": file, "DRAIN_TIMEOUT": "20ms"})
	stream := ask(t, r.listen)
	if _, err := stream.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	r.stop()
	if rest, err := io.ReadAll(stream); err == nil {
		t.Errorf("a stream that was cut ended well, with %q", rest)
	}
	if code := r.exit(t); code != 0 {
		t.Errorf("exit code %d:\n%s", code, r.logged)
	}
	if lines := readCapture(t, file); len(lines) != 1 || lines[0].Outcome != "drained" {
		t.Errorf("captured are %+v", lines)
	}
}

// readCapture returns the exchanges of a capture file.
func readCapture(t *testing.T, path string) []capture.Line {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var lines []capture.Line
	for line, err := range capture.Read(file) {
		if err != nil {
			t.Fatal(err)
		}
		if line.Kind == "" {
			lines = append(lines, line)
		}
	}
	return lines
}
