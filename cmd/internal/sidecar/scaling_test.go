package sidecar

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

const scalingSLO = `slos:
  - {name: chat, match: {operation: chat}, objective: 95, window: 30d, good: {ttft: 1s}}
`

// beginScaled starts a sidecar with an SLO and a load test that kept it up to 8 requests in flight.
func beginScaled(t *testing.T, env ...string) *life {
	t.Helper()
	directory := t.TempDir()
	slos, tested := filepath.Join(directory, "slos.yaml"), filepath.Join(directory, "baseline.json")
	for file, text := range map[string]string{slos: scalingSLO, tested: loadTest(t, .2)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return begin(t, append(env, "HEADWAY_SLO_FILE="+slos, "HEADWAY_BASELINE_FILE="+tested, "HEADWAY_DRAIN_DELAY=0")...)
}

// signal is the number of the model m on /metrics, NaN without one.
func (l *life) signal(t *testing.T) float64 {
	t.Helper()
	for line := range strings.Lines(l.metrics(t)) {
		if value, found := strings.CutPrefix(line, `headway_scaling_signal_ratio{model="m"} `); found {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return math.NaN()
}

// ask sends so many different questions, one behind the other.
func (l *life) ask(t *testing.T, n int, about string) {
	t.Helper()
	for i := range n {
		body := fmt.Sprintf(`{"model":"m","stream":true,"messages":[{"role":"user","content":"%s %d"}]}`, about, i)
		response, err := http.Post("http://"+l.listen+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}

// TestScalingSignal: the number of a model server that has nothing to do, that works, that
// fails for reasons of its clients, and that turns requests away.
func TestScalingSignal(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusOK)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n := int(status.Load()); n != http.StatusOK {
			w.WriteHeader(n)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, `data: {"model":"m","choices":[{"index":0,"delta":{"content":"word"}}]}`+"\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(upstream.Close)
	l := beginScaled(t, "HEADWAY_ROLE=server", "HEADWAY_UPSTREAM="+upstream.URL)
	interop.Until(t, "a number without traffic", func() bool { return l.signal(t) == 0 })
	l.ask(t, 40, "answer")
	if n := l.signal(t); !(n >= 0 && n < .5) {
		t.Errorf("it works, a request at a time: %v", n)
	}
	status.Store(http.StatusBadRequest)
	l.ask(t, 40, "not this")
	if n := l.signal(t); !(n >= 0 && n < .5) {
		t.Errorf("clients ask wrongly: %v", n)
	}
	status.Store(http.StatusServiceUnavailable)
	l.ask(t, 40, "not now")
	interop.Until(t, "60 good ones of 100", func() bool { return math.Abs(l.signal(t)-.95/.6) < 1e-9 })
	l.stop()
	l.end(t)
}

func TestNoScalingSignalBesideAnApplication(t *testing.T) {
	l := beginScaled(t, "HEADWAY_ROLE=client", answering(t))
	l.ask(t, 2, "answer")
	if n := l.signal(t); !math.IsNaN(n) {
		t.Errorf("%v", n)
	}
	l.stop()
	l.end(t)
}
