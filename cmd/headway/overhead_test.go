package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/canary"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// modelServer serves a simulated model server, and counts the requests to it.
func modelServer(t *testing.T) (address string, asked *atomic.Int64) {
	t.Helper()
	sim, err := modelsim.New(modelsim.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int64)
	handler := sim.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		sim.Close()
	})
	return server.URL, asked
}

// delaying serves a proxy that keeps each request back before it forwards it.
func delaying(t *testing.T, to string, delay time.Duration) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		time.Sleep(delay)
		response, postErr := http.Post(to+r.URL.Path, r.Header.Get("Content-Type"), bytes.NewReader(body))
		if err != nil || postErr != nil {
			t.Errorf("forwarding: %v, %v", err, postErr)
			return
		}
		defer response.Body.Close()
		w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
		flush := http.NewResponseController(w)
		for buffer := make([]byte, 4096); ; {
			n, err := response.Body.Read(buffer)
			if _, err := w.Write(buffer[:n]); err != nil {
				return
			}
			_ = flush.Flush()
			if err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// overheadOf runs the command as main does and returns the exit code.
func overheadOf(stdout, stderr io.Writer, args ...string) int {
	return dispatch(context.Background(), append([]string{"overhead", "--model", "m", "--output-tokens", "8"}, args...), stdout, stderr)
}

// TestOverheadFindsAKnownDelay measures a way that keeps each request back for 150 ms,
// which is more than the noise of a busy machine.
func TestOverheadFindsAKnownDelay(t *testing.T) {
	const delay = 150 * time.Millisecond
	target, _ := modelServer(t)
	var out, errs bytes.Buffer
	if code := overheadOf(&out, &errs, "--target", target, "--through", delaying(t, target, delay), "--pairs", "12", "--warmup", "1", "--concurrency", "2", "--output", "json"); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	var got overheadReport
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Target != strings.TrimPrefix(target, "http://") || got.Pairs != 12 || got.Tokens == 0 || got.Failed != (overheadFailed{}) || len(got.Differences) != 3 {
		t.Errorf("%+v", got)
	}
	for _, d := range got.Differences {
		added := delay.Seconds()
		if d.Indicator == "tpot" {
			added = 0
		}
		if d.Low == nil || d.Difference < added-.05 || d.Difference > added+.1 || *d.Low > d.Difference || *d.High < d.Difference {
			t.Errorf("%s: %+v, and the truth is %v s", d.Indicator, d, added)
		}
		if added > 0 && d.P > .01 {
			t.Errorf("%s: p is %v", d.Indicator, d.P)
		}
	}
	for part, times := range map[string]int{"pair 6 of 12\n": 1, "\r": 0} {
		if strings.Count(errs.String(), part) != times {
			t.Errorf("%q is not there %d times: %s", part, times, &errs)
		}
	}
}

// TestOverheadSpeaksEveryDialect sends pairs through a sidecar of its own.
func TestOverheadSpeaksEveryDialect(t *testing.T) {
	for _, dialect := range canary.Dialects() {
		t.Run(dialect, func(t *testing.T) {
			target, asked := modelServer(t)
			var out, errs bytes.Buffer
			if code := overheadOf(&out, &errs, "--target", target, "--dialect", dialect, "--pairs", "6", "--warmup", "1"); code != exitOK {
				t.Fatalf("exit code %d: %s", code, &errs)
			}
			if n := asked.Load(); n != 14 {
				t.Errorf("the model server got %d requests, want two for each of seven pairs", n)
			}
			for _, want := range []string{"6 pairs, 1 at a time, ", "m of " + dialect, "TTFT", "E2E"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is not in:\n%s", want, &out)
				}
			}
		})
	}
}

func TestOverheadSendsTheKeyAndPrintsItNowhere(t *testing.T) {
	t.Setenv("SECRET_OF_TEST", "sk-secret")
	var wrong atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sk-secret" {
			wrong.Add(1)
		}
		http.Error(w, `{"error":{"message":"sk-secret"}}`, http.StatusUnauthorized)
	}))
	defer target.Close()
	var out, errs bytes.Buffer
	if code := overheadOf(&out, &errs, "--target", target.URL, "--key-env", "SECRET_OF_TEST"); code != exitFailed || !strings.Contains(errs.String(), "direct: the answer has status 401") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
	if wrong.Load() > 0 || strings.Contains(out.String()+errs.String(), "sk-secret") {
		t.Errorf("%d requests without the key; printed:\n%s%s", wrong.Load(), &out, &errs)
	}
}

func TestOverheadExitsAsItsUsersExpect(t *testing.T) {
	target, asked := modelServer(t)
	down := httptest.NewServer(nil)
	down.Close()
	tests := []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"no target", nil, exitUsage, []string{"--target is missing; for example --target https://api.openai.com"}},
		{"all problems at once", []string{"--target", "api.openai.com", "--dialect", "openai-cha", "--pairs", "5", "--output", "yaml", "--key-env", "NO_SUCH", "--timeout", "0"}, exitUsage, []string{
			`--target: "api.openai.com"`, "did you mean openai-chat?", "--pairs 5: want 6 to 2000", `--output "yaml": want table or json`, `--key-env "NO_SUCH"`, "--timeout 0s",
		}},
		{"too many tokens", []string{"--target", target, "--max-tokens", "1000"}, exitUsage, []string{"--max-tokens 1000: 102 pairs of 100 + 8 tokens may take 22032", "--max-tokens 22032"}},
		{"nobody there", []string{"--target", down.URL}, exitFailed, []string{"direct: the answer has status 502, and ended as connect_error"}},
		{"no sidecar there", []string{"--target", target, "--through", down.URL}, exitFailed, []string{"through headway: the answer has status 502"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := asked.Load()
			var out, errs bytes.Buffer
			if code := overheadOf(&out, &errs, tt.args...); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("%q is not in:\n%s", want, &errs)
				}
			}
			if tt.code == exitUsage && asked.Load() != before {
				t.Error("a request was sent")
			}
			if out.Len() > 0 {
				t.Errorf("printed:\n%s", &out)
			}
		})
	}
}

// TestOverheadStopsWhenAnswersTakeMoreThanPlanned asks a model that reports many tokens.
func TestOverheadStopsWhenAnswersTakeMoreThanPlanned(t *testing.T) {
	var asked atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"model":"m","choices":[{"index":0,"delta":{"content":"one"},"finish_reason":"stop"}]}

data: {"model":"m","choices":[],"usage":{"prompt_tokens":900,"completion_tokens":100,"total_tokens":1000}}

data: [DONE]

`)
	}))
	defer target.Close()
	var out, errs bytes.Buffer
	if code := overheadOf(&out, &errs, "--target", target.URL, "--pairs", "40", "--warmup", "1", "--max-tokens", "10000"); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if n := asked.Load(); n != 10 || !strings.Contains(errs.String(), "--max-tokens 10000 allows no further pair") || !strings.Contains(out.String(), "4 pairs") {
		t.Errorf("%d requests:\n%s%s", n, &out, &errs)
	}
}
