package sidecar

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/cmd/internal/live"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// loadTest is a file of one cell of the model m, with that median TTFT in seconds.
func loadTest(t *testing.T, ttft float64) string {
	t.Helper()
	one := func(start, stop baseline.Edge, median float64) baseline.Indicator {
		i := baseline.Indicator{Count: new(1000), Definition: baseline.Definition{
			Start: start, Stop: stop, Over: baseline.Request, Connect: baseline.ConnectOut, Tokens: baseline.Usage, Percentiles: baseline.Linear,
		}}
		i.Quantiles.Set(.5, median)
		i.Quantiles.Set(.95, 2*median)
		return i
	}
	c := baseline.Cell{
		Model: "m", InputTokens: baseline.Length{Mean: 10}, OutputTokens: baseline.Length{Mean: 5}, Load: baseline.Load{Kind: baseline.Concurrency, Value: 8},
		Source: baseline.Source{Tool: "vllm", File: "run.json"}, Requests: baseline.Requests{OK: 1000},
		Indicators: map[baseline.Name]baseline.Indicator{
			baseline.TTFT: one(baseline.Sent, baseline.FirstContent, ttft),
			baseline.TPOT: one(baseline.FirstContent, baseline.LastContent, .01),
		},
	}
	b := baseline.Baseline{Cells: []baseline.Cell{c}}
	b.Identify()
	var text strings.Builder
	if err := baseline.Write(&text, b); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// drifts reads /api/v1/drift.
func (l *life) drifts(t *testing.T) (got struct {
	Findings []live.Finding `json:"findings"`
	Changes  []changed      `json:"changes"`
}) {
	t.Helper()
	response, err := http.Get(l.base + "/api/v1/drift")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || response.StatusCode != 200 {
		t.Fatalf("%s, %v", response.Status, err)
	}
	return got
}

func TestProductionIsHeldBesideTheLoadTest(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for range 5 {
			fmt.Fprint(w, `data: {"model":"m","choices":[{"index":0,"delta":{"content":"word"}}]}`+"\n\n")
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, `data: {"model":"m","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`+"\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(upstream.Close)
	directory := t.TempDir()
	file := filepath.Join(directory, "baseline.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(loadTest(t, .2))
	l := begin(t, "HEADWAY_UPSTREAM="+upstream.URL, "HEADWAY_BASELINE_FILE="+file, "HEADWAY_STATE_DIR="+directory, "HEADWAY_DRAIN_DELAY=0")
	response, err := http.Post("http://"+l.listen+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"m","stream":true,"messages":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	interop.Until(t, "the request is judged", func() bool {
		for _, f := range l.drifts(t).Findings {
			if f.Source == "production" && f.Indicator == "ttft" && f.Outside == "" && f.Learning {
				return true
			}
		}
		return false
	})
	got := l.metrics(t)
	for _, want := range []string{
		`headway_baseline_seconds{cell="m/in10/out5/c8",indicator="ttft",percentile="95"} 0.4`,
		`headway_drift_alarm{indicator="ttft",model="m",probe="",source="production"} 0`,
		`headway_export_dropped_total{signal="drift"} 0`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s among\n%s", want, lines(got, "headway_baseline", "headway_drift", "headway_export_dropped"))
		}
	}

	write(strings.Replace(loadTest(t, .3), `"0.5":`, `"1.5":`, 1))
	interop.Until(t, "the wrong file is refused", func() bool { return strings.Contains(l.metrics(t), "headway_config_last_reload_successful 0") })
	if got := l.metrics(t); !strings.Contains(got, `percentile="95"} 0.4`) {
		t.Errorf("the file before is not in force: %s", lines(got, "headway_baseline"))
	}
	write(loadTest(t, .3))
	interop.Until(t, "the new file is in force", func() bool { return strings.Contains(l.metrics(t), `indicator="ttft",percentile="50"} 0.3`) })
	l.stop()
	l.end(t)
	if text, err := os.ReadFile(filepath.Join(directory, driftFile)); err != nil || !strings.Contains(string(text), `"schema":"headway-watch/v1"`) {
		t.Errorf("the state is %.100s, %v", text, err)
	}
}

func TestCanariesAreHeldBesideTheLoadTest(t *testing.T) {
	sim, err := modelsim.New(modelsim.FastConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		upstream.Close()
		_ = sim.Close()
	})
	directory := t.TempDir()
	file, probes := filepath.Join(directory, "baseline.json"), filepath.Join(directory, "probes.yaml")
	b, err := baseline.Read(strings.NewReader(loadTest(t, .02)))
	if err != nil {
		t.Fatal(err)
	}
	c := &b.Cells[0]
	c.Model, c.InputTokens.Mean, c.OutputTokens.Mean = "sim-medium", 300, 24
	b.Identify()
	var text strings.Builder
	if err := baseline.Write(&text, b); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		file:   text.String(),
		probes: fmt.Sprintf("probes: [{name: p, url: %s, dialect: openai-chat, model: sim-medium, every: 1s, shape: {input_tokens: 300, output_tokens: 24}, baseline: auto}]\n", upstream.URL),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := begin(t, "HEADWAY_UPSTREAM="+upstream.URL, "HEADWAY_BASELINE_FILE="+file, "HEADWAY_PROBE_FILE="+probes, "HEADWAY_DRAIN_DELAY=0")
	interop.Until(t, "a canary is judged", func() bool {
		for _, f := range l.drifts(t).Findings {
			if f.Source == "canary" && f.Probe == "p" && f.Indicator == "ttft" && f.Ratio != nil && f.Cell != "" {
				return true
			}
		}
		return false
	})
	if got := l.metrics(t); !strings.Contains(got, `headway_drift_ratio{indicator="ttft",model="sim-medium",probe="p",source="canary"}`) {
		t.Errorf("%s", lines(got, "headway_drift"))
	}
	l.stop()
	l.end(t)
}

func TestASidecarWithoutALoadTestJudgesNothing(t *testing.T) {
	l := begin(t, "HEADWAY_DRAIN_DELAY=0")
	if got := l.drifts(t); got.Findings == nil || len(got.Findings)+len(got.Changes) > 0 {
		t.Errorf("%+v", got)
	}
	if got := lines(l.metrics(t), "headway_drift", "headway_baseline", "headway_capacity"); got != "" {
		t.Errorf("exported %s", got)
	}
	l.stop()
	l.end(t)
}
