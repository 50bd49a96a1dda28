//go:build interop

package baseline_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// results is the folder of result files that the tools themselves wrote against the
// simulator, each beside the simulator's own times.
func results(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("HEADWAY_LOADTESTS")
	if dir == "" {
		dir = interop.Path(t, "../shared/data/loadtests")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no result files: %v; HEADWAY_LOADTESTS names their folder", err)
	}
	return dir
}

// truth is what the simulator measured, in seconds.
type truth struct {
	Model string
	Input struct {
		Mean float64
	} `json:"input_tokens"`
	Output struct {
		Mean float64
	} `json:"output_tokens"`
	Counts struct {
		OK int
	}
	Load struct {
		Mean float64 `json:"mean_concurrency"`
		OK   float64 `json:"ok_per_s"`
	}
	Seconds map[string]*spread `json:"truth_s"`
	Runs    []truth
}

// spread is the distribution of a time.
type spread struct {
	N                                  int
	Mean, Min, P50, P90, P95, P99, Max float64
}

// run is one run of a tool, with the facts that its files lack.
type run struct {
	name  string
	files []string
	facts importer.Facts
	// cut is a file with the first requests of the run: 3 % rather than 2 %, 15 ms for 5 ms.
	cut bool
	// against names, by indicator, the truth to compare with; "" compares nothing.
	against map[baseline.Name]string
	cells   int
	row     string
	metrics map[baseline.Name]string
}

func open(t *testing.T, paths ...string) (files []importer.File) {
	t.Helper()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		files = append(files, importer.File{Name: path, Body: f})
	}
	return files
}

func TestInteropLoadTestToolsAgainstTheSimulator(t *testing.T) {
	dir := results(t)
	for _, tt := range runs() {
		t.Run(tt.name, func(t *testing.T) {
			folder := filepath.Join(dir, filepath.FromSlash(tt.name))
			var paths []string
			for _, name := range tt.files {
				found, _ := filepath.Glob(filepath.Join(folder, name))
				if len(found) != 1 {
					t.Fatalf("%s: %d files", name, len(found))
				}
				paths = append(paths, found...)
			}
			b, err := importer.Import(open(t, paths...), importer.Options{Facts: tt.facts, Metrics: tt.metrics, Row: tt.row})
			if err != nil {
				t.Fatal(err)
			}
			if want := max(tt.cells, 1); len(b.Cells) != want {
				t.Fatalf("%d cells, want %d", len(b.Cells), want)
			}
			text, err := os.ReadFile(filepath.Join(folder, "truth.json"))
			if err != nil {
				t.Fatal(err)
			}
			var all truth
			if err := json.Unmarshal(text, &all); err != nil {
				t.Fatal(err)
			}
			for i, c := range b.Cells {
				of := all
				if len(b.Cells) > 1 && i < len(all.Runs) {
					of = all.Runs[i]
				}
				compareWithTruth(t, tt, c, of)
			}
		})
	}
}

// compareWithTruth fails the test for each deviation.
func compareWithTruth(t *testing.T, tt run, c baseline.Cell, of truth) {
	t.Helper()
	of.addDataLines()
	for _, wrong := range deviations(t, tt, c, of) {
		t.Error(wrong)
	}
}

// deviations holds the median of TTFT within 5 ms, and those of TPOT and E2E within 2 %.
func deviations(t *testing.T, tt run, c baseline.Cell, of truth) (all []error) {
	t.Helper()
	off := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	t.Logf("%s: ok %d, flags %v", c.ID, c.Requests.OK, c.Flags)
	for name, in := range c.Indicators {
		which, listed := tt.against[name]
		if !listed {
			off("%s: %s is not expected of this file", c.ID, name)
			continue
		}
		if which == "" {
			continue
		}
		want := of.Seconds[which]
		if want == nil {
			t.Fatalf("no truth %s", which)
		}
		got, has := in.Quantiles.At(.5)
		target := want.P50
		if rounded := name == baseline.E2E && slices.Contains(c.Flags, baseline.TwoDigits); !has || rounded {
			got, target = *in.Mean, want.Mean // Locust does not round this
		}
		allowed := .02 * target
		if tt.cut {
			allowed = .03 * target
		}
		if which == dataLines {
			allowed = .0005 // three decimals
		}
		switch {
		case name == baseline.TTFT || name == baseline.TTFB:
			if math.Abs(got-target) > .005 && (!tt.cut || math.Abs(got-target) > .015) {
				off("%s: %s is %.6f, and truly %.6f", c.ID, name, got, target)
			}
		case math.Abs(got-target) > allowed:
			off("%s: %s is %.6f, and truly %.6f: %+.1f %%", c.ID, name, got, target, 100*(got/target-1))
		}
		t.Logf("  %s %.6f, truly %.6f", name, got, target)
	}
	for name := range tt.against {
		if _, there := c.Indicators[name]; !there {
			off("%s: no %s", c.ID, name)
		}
	}
	if c.Model != "sim-medium" {
		off("model %q", c.Model)
	}
	if m := c.Load.MeanConcurrency; m != nil && of.Load.Mean > 0 && !tt.cut && !strings.HasPrefix(tt.name, "azure") && math.Abs(*m-of.Load.Mean) > .05*of.Load.Mean {
		off("%s: mean concurrency %.3f, and truly %.3f", c.ID, *m, of.Load.Mean)
	}
	return all
}

// streamed are the indicators of a tool that reads the stream.
func streamed() map[baseline.Name]string {
	return map[baseline.Name]string{baseline.TTFT: "ttft_first_content", baseline.TPOT: "tpot_mean_excl_first", baseline.ITL: "", baseline.E2E: "e2e_last_token"}
}

// weighted are those of GuideLLM, which keeps no single gaps.
func weighted() map[baseline.Name]string {
	return map[baseline.Name]string{baseline.TTFT: "ttft_first_content", baseline.TPOT: "tpot_mean_excl_first", baseline.NTPOT: "ntpot_e2e_per_token", baseline.E2E: "e2e_end_of_body"}
}

// unpooled are those of a tool without gaps.
func unpooled() map[baseline.Name]string {
	all := streamed()
	delete(all, baseline.ITL)
	return all
}

// dataLines is the truth of azure-openai-benchmark's time between tokens by its own
// definition: from the first "data:" line to the end of the body, ÷ all such lines. On chat
// these are the role, the tokens, the finish and [DONE].
const dataLines = "data_lines"

// windowed are those of a tool that prints means of windows, with three decimals. On these
// busy cores its E2E is up to 10 % more than the simulator's, and its TTFT, whose truth is
// 0.2 ms, up to 90 ms: the time is its own.
func windowed() map[baseline.Name]string {
	return map[baseline.Name]string{baseline.TTFT: "", baseline.TPOT: dataLines, baseline.E2E: ""}
}

// steady has the TTFT of a run in which the tool had time.
func steady() map[baseline.Name]string {
	all := windowed()
	all[baseline.TTFT] = "ttft_first_event"
	return all
}

// addDataLines adds the truth of dataLines.
func (of *truth) addDataLines() {
	first, whole := of.Seconds["ttft_first_event"], of.Seconds["e2e_end_of_body"]
	if first == nil || whole == nil {
		return
	}
	gap := *whole
	gap.Mean = (whole.Mean - first.Mean) / (of.Output.Mean + 3)
	of.Seconds[dataLines] = &gap
}

// pooled are those of a tool that writes the whole request ÷ its tokens too.
func pooled() map[baseline.Name]string {
	all := streamed()
	all[baseline.NTPOT] = "ntpot_e2e_per_token"
	return all
}

// unexact are those of llmperf, which divides by chunks.
func unexact() map[baseline.Name]string {
	return map[baseline.Name]string{baseline.TTFT: "ttft_first_content", baseline.NTPOT: "", baseline.E2E: "e2e_end_of_body"}
}

// recovered have the TPOT that single requests give.
func recovered() map[baseline.Name]string {
	all := unexact()
	all[baseline.TPOT] = "tpot_mean_excl_first"
	return all
}

// whole are those of a tool that knows HTTP alone.
func whole() map[baseline.Name]string {
	return map[baseline.Name]string{baseline.TTFB: "response_head", baseline.E2E: "e2e_end_of_body"}
}

// byScript has the TTFT that the script of k6 measured.
func byScript() map[baseline.Name]string {
	return map[baseline.Name]string{baseline.TTFT: "ttft_first_content", baseline.E2E: "e2e_end_of_body"}
}

// firstBytes are those of a script of Locust that reads the stream itself.
func firstBytes() map[baseline.Name]string {
	return map[baseline.Name]string{baseline.TTFT: "", baseline.TTFB: "response_head"}
}

// plain is what a tool of HTTP does not write, loaded with the load too.
func plain() importer.Facts {
	return importer.Facts{Model: "sim-medium", InputTokens: 259, OutputTokens: 64}
}

func loaded(concurrency float64) importer.Facts {
	f := plain()
	f.Concurrency = concurrency
	return f
}

func paced(rate float64) importer.Facts {
	f := plain()
	f.Rate = rate
	return f
}

func runs() []run {
	return []run{
		{name: "vllm/chat-c4-detailed", files: []string{"result.json"}, against: streamed()},
		{name: "vllm/completions-c4-detailed", files: []string{"result.json"}, against: streamed()},
		{name: "vllm/completions-rate4-default", files: []string{"openai-*.json"}, against: streamed()},
		{name: "vllm/completions-spec-c4", files: []string{"result.json"}, against: streamed()},
		{name: "vllm/chat-c4-detailed", files: []string{"console.txt"}, facts: importer.Facts{Model: "sim-medium"}, against: streamed()},
		{name: "sglang/chat-c4-details", files: []string{"out.jsonl"}, facts: importer.Facts{Model: "sim-medium"}, against: streamed()},
		{name: "sglang/chat-c4-details", files: []string{"console.txt"}, facts: importer.Facts{Model: "sim-medium"}, against: streamed()},
		{name: "sglang/completions-rate4", files: []string{"out.jsonl"}, facts: importer.Facts{Model: "sim-medium"}, against: streamed()},
		{name: "guidellm/chat-c4", files: []string{"benchmarks.json"}, against: weighted()},
		{name: "guidellm/constant-rate4", files: []string{"benchmarks.json"}, against: weighted()},
		{name: "aiperf/chat-stream-c4", files: []string{"profile_export_aiperf.json"}, against: streamed()},
		{name: "aiperf/chat-stream-c4", files: []string{"profile_export.jsonl"}, facts: importer.Facts{Model: "sim-medium", Concurrency: 4}, against: streamed()},
		{name: "aiperf/chat-stream-c4", files: []string{"profile_export_aiperf.csv"}, facts: importer.Facts{Model: "sim-medium", Concurrency: 4}, against: streamed()},
		{name: "aiperf/completions-rate", files: []string{"profile_export_aiperf.json"}, against: streamed()},
		{name: "aiperf/completions-rate", files: []string{"profile_export.jsonl"}, cut: true, facts: importer.Facts{Model: "sim-medium", Rate: 4}, against: streamed()},
		{name: "aiperf/completions-rate", files: []string{"profile_export_aiperf.csv"}, facts: importer.Facts{Model: "sim-medium", Rate: 4}, against: streamed()},
		{name: "genai-perf/chat-c4", files: []string{"sim-*/profile_export_genai_perf.json"}, against: unpooled()},
		{name: "genai-perf/chat-c4", files: []string{"sim-*/profile_export_genai_perf.csv"}, facts: importer.Facts{Model: "sim-medium", Concurrency: 4}, against: unpooled()},
		{name: "genai-perf/completions-rate4", files: []string{"sim-*/profile_export_genai_perf.json"}, against: unpooled()},
		{name: "genai-perf/completions-rate4", files: []string{"sim-*/profile_export_genai_perf.csv"}, facts: importer.Facts{Model: "sim-medium", Rate: 4}, against: unpooled()},
		{name: "azure-openai-benchmark/human-rate", files: []string{"out.txt", "err.txt"}, facts: importer.Facts{Model: "sim-medium", Rate: 2}, against: steady()},
		{name: "azure-openai-benchmark/jsonl-429-none", files: []string{"out.txt", "err.txt"}, facts: importer.Facts{Model: "sim-medium", Concurrency: 3}, against: windowed()},
		{name: "azure-openai-benchmark/jsonl-custom-c4", files: []string{"out.txt", "err.txt"}, facts: importer.Facts{Model: "sim-medium", Concurrency: 4}, against: windowed()},
		{name: "inference-perf/completions-c4", files: []string{"stage_0_lifecycle_metrics.json", "config.yaml"}, against: pooled()},
		{name: "inference-perf/completions-poisson-3-6", files: []string{"stage_0_lifecycle_metrics.json", "stage_1_lifecycle_metrics.json", "config.yaml"}, cells: 2, against: pooled()},
		{name: "llmperf/c4", files: []string{"sim-medium_256_64_summary.json"}, against: unexact()},
		{name: "llmperf/c4", files: []string{"sim-medium_256_64_individual_responses.json", "sim-medium_256_64_summary.json"}, against: recovered()},
		{name: "k6/default-stats-c2", files: []string{"summary.json"}, facts: plain(), against: whole()},
		{name: "k6/handle-summary-c4", files: []string{"handle_summary.json"}, facts: plain(), against: whole()},
		{name: "k6/summary-export-c4", files: []string{"summary.json"}, facts: plain(), against: whole()},
		{name: "k6/summary-export-c4", files: []string{"samples.json"}, facts: loaded(4), cut: true, against: whole()},
		{name: "k6/summary-export-c4", files: []string{"samples.csv"}, facts: loaded(4), cut: true, against: whole()},
		{name: "k6/sse-c4", files: []string{"summary.json"}, facts: plain(), metrics: map[baseline.Name]string{baseline.TTFT: "ttft_first_content"}, against: byScript()},
		{name: "k6/sse-c4", files: []string{"samples.json"}, facts: loaded(4), cut: true, metrics: map[baseline.Name]string{baseline.TTFT: "ttft_first_content"}, against: byScript()},
		{name: "jmeter/csv-c4", files: []string{"results.jtl"}, facts: plain(), against: whole()},
		{name: "jmeter/xml-c4", files: []string{"results.xml.jtl"}, facts: plain(), against: whole()},
		{name: "locust/csv-u4", files: []string{"run_stats.csv"}, facts: loaded(4), row: "chat stream", against: firstBytes()},
		{name: "locust/csv-u4", files: []string{"run.json"}, facts: loaded(4), row: "chat stream", against: firstBytes()},
		{name: "hey/stream-c4", files: []string{"hey.csv"}, facts: loaded(4), against: whole()},
		{name: "hey/stream-c4-text", files: []string{"hey.txt"}, facts: loaded(4), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "oha/json-c4", files: []string{"oha.json"}, facts: loaded(4), against: whole()},
		{name: "oha/csv-text-c4", files: []string{"oha.csv"}, facts: loaded(4), against: whole()},
		{name: "oha/csv-text-c4", files: []string{"oha.txt"}, facts: loaded(4), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "vegeta/rate-4", files: []string{"report.json"}, facts: paced(4), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "vegeta/rate-4", files: []string{"results.csv"}, facts: paced(4), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "vegeta/rate-4", files: []string{"results.ndjson"}, facts: paced(4), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "wrk/latency-c4", files: []string{"wrk.txt"}, facts: plain(), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "wrk2/latency-r4", files: []string{"wrk2.txt"}, facts: paced(4), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "ab/c4", files: []string{"ab.txt"}, facts: plain(), against: whole()},
		{name: "ab/c4", files: []string{"gnuplot.tsv"}, facts: loaded(4), against: whole()},
		{name: "siege/c4", files: []string{"siege.json"}, facts: loaded(4), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "guidellm/chat-c4", files: []string{"benchmarks.yaml"}, against: weighted()},
		{name: "guidellm/chat-c4", files: []string{"benchmarks.csv"}, against: weighted()},
		{name: "guidellm/constant-rate4", files: []string{"benchmarks.csv"}, against: weighted()},
		{name: "vegeta/rate-4", files: []string{"hdrplot.txt"}, facts: paced(4), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "ab/c4", files: []string{"ab.txt", "percentiles.csv"}, facts: plain(), against: whole()},
		{name: "inference-perf/completions-c4", files: []string{"per_request_lifecycle_metrics.json", "config.yaml"}, facts: importer.Facts{Concurrency: 4}, cut: true, against: pooled()},
		{name: "vegeta/rate-4", files: []string{"report.txt"}, facts: paced(4), against: map[baseline.Name]string{baseline.E2E: "e2e_end_of_body"}},
		{name: "mlperf/server-4qps", files: []string{"mlperf_log_detail.txt"}, facts: plain(), against: unpooled()},
	}
}
