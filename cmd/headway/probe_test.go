package main

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// probeStage is a simulated model server, and a probe file and a baseline for it.
func probeStage(t *testing.T, more string) (file, tested string) {
	t.Helper()
	sim, err := modelsim.New(modelsim.FastConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		server.Close()
		_ = sim.Close()
	})
	dir := t.TempDir()
	file, tested = filepath.Join(dir, "probes.yaml"), filepath.Join(dir, "baseline.json")
	text := fmt.Sprintf("probes: [{name: chat-short, url: %s, dialect: openai-chat, model: sim-medium, via: both, every: 30s, shape: cell, baseline: c%s}]\n", server.URL, more)
	cell := func(ttft string) string {
		return `{"schema":"headway-baseline/v1","cells":[{"id":"c","model":"sim-medium","input_tokens":{"mean":200},"output_tokens":{"mean":16},"load":{"kind":"concurrency","value":1},` +
			`"source":{"tool":"vllm","file":"f.json"},"requests":{"ok":1000},"indicators":{"ttft":{"definition":{"start":"sent","stop":"first_content","connect":"excluded","over":"request","percentiles":"linear"},"quantiles":{"0.5":` + ttft + `,"0.9":` + ttft + `1}}}}]}`
	}
	for name, content := range map[string]string{file: text, tested: cell("0.00001"), tested + ".slow": cell("100.0")} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file, tested
}

func TestProbeOnce(t *testing.T) {
	file, tested := probeStage(t, "")
	gone, _ := probeStage(t, ", body: {model: ''}, headers: {X-Sim-Fault: http=500}")
	for _, tt := range []struct {
		name  string
		args  []string
		wants []string
		fails string
	}{
		{"a table", []string{"--baseline", tested + ".slow"}, []string{"chat-short  sidecar  ok", "chat-short  direct   ok", "200  16"}, ""},
		{"JSON", []string{"--baseline", tested + ".slow", "--output", "json"}, []string{`"outcome": "ok"`, `"input_tokens": 200`, `"ttft_s": 0.0`}, ""},
		{"conditions that hold", []string{"--baseline", tested + ".slow", "--fail-on", "drift:10%,ttft:10s,tpot:10s,e2e:10s"}, nil, ""},
		{"a limit that does not hold", []string{"--baseline", tested + ".slow", "--fail-on", "ttft:1us"}, nil, "is above 1µs"},
		{"slower than the load test", []string{"--baseline", tested, "--fail-on", "drift:10%"}, nil, "× the load test's median"},
		{"a canary that fails", []string{"--file", gone, "--baseline", tested}, []string{"failed"}, "outcome failed"},
		{"without the baseline", nil, nil, "the lengths of a cell need a baseline"},
		{"a condition that is none", []string{"--fail-on", "drft:10%"}, nil, "did you mean drift?"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			junit := filepath.Join(t.TempDir(), "junit.xml")
			var out, errs bytes.Buffer
			err := runProbe(t.Context(), append([]string{"--file", file, "--once", "--junit", junit}, tt.args...), &out, &errs)
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("%v, want %q\n%s", err, tt.fails, errs.String())
			}
			for _, want := range tt.wants {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is not in\n%s", want, out.String())
				}
			}
			if len(tt.wants) > 0 {
				text, _ := os.ReadFile(junit)
				if n := strings.Count(string(text), "<testcase"); n != 2 || strings.Contains(string(text), "<failure") != (tt.fails != "") {
					t.Errorf("JUnit: %s", text)
				}
			}
		})
	}
}

func TestProbePlan(t *testing.T) {
	file, tested := probeStage(t, ", price: {input_per_million: 1, output_per_million: 2}")
	var out, errs bytes.Buffer
	if err := runProbe(t.Context(), []string{"--file", file, "--plan", "--baseline", tested}, &out, &errs); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1244160", "1.34", "Noticed after"} { // 2 × 2880 × 216 tokens
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
