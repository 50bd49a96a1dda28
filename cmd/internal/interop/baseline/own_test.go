//go:build interop

package baseline_test

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// own is a number that a tool wrote, found by a pattern in its file.
type own struct {
	indicator baseline.Name
	p         float64 // 0 is the mean
	pattern   string
	perSecond float64 // of the unit
}

func TestInteropBaselinesHaveTheToolsOwnNumbers(t *testing.T) {
	dir := results(t)
	for _, tt := range []struct {
		file    string
		facts   importer.Facts
		row     string
		numbers []own
	}{
		{"vllm/chat-c4-detailed/result.json", importer.Facts{}, "", []own{
			{baseline.TTFT, 0, `"mean_ttft_ms": ([0-9.]+)`, 1e3}, {baseline.TTFT, .5, `"median_ttft_ms": ([0-9.]+)`, 1e3}, {baseline.TTFT, .999, `"p99.9_ttft_ms": ([0-9.]+)`, 1e3},
			{baseline.TPOT, .5, `"median_tpot_ms": ([0-9.]+)`, 1e3}, {baseline.ITL, .99, `"p99_itl_ms": ([0-9.]+)`, 1e3}, {baseline.E2E, .9, `"p90_e2el_ms": ([0-9.]+)`, 1e3},
		}},
		{"sglang/chat-c4-details/out.jsonl", importer.Facts{Model: "sim-medium"}, "", []own{
			{baseline.TTFT, .5, `"median_ttft_ms": ([0-9.]+)`, 1e3}, {baseline.TPOT, .95, `"p95_tpot_ms": ([0-9.]+)`, 1e3}, {baseline.ITL, 0, `"mean_itl_ms": ([0-9.]+)`, 1e3},
			{baseline.E2E, .99, `"p99_e2e_latency_ms": ([0-9.]+)`, 1e3},
		}},
		{"aiperf/completions-rate/profile_export_aiperf.json", importer.Facts{}, "", []own{
			{baseline.TTFT, 0, `"time_to_first_token":\s*\{\s*"unit":\s*"ms",\s*"avg":\s*([0-9.]+)`, 1e3}, {baseline.TPOT, 0, `"inter_token_latency":\s*\{\s*"unit":\s*"ms",\s*"avg":\s*([0-9.]+)`, 1e3},
		}},
		{"llmperf/c4/sim-medium_256_64_summary.json", importer.Facts{}, "", []own{
			{baseline.TTFT, .95, `"results_ttft_s_quantiles_p95": ([0-9.]+)`, 1}, {baseline.NTPOT, .5, `"results_inter_token_latency_s_quantiles_p50": ([0-9.]+)`, 1},
			{baseline.E2E, 0, `"results_end_to_end_latency_s_mean": ([0-9.]+)`, 1},
		}},
		{"vegeta/rate-4/hdrplot.txt", paced(4), "", []own{{baseline.E2E, .99375, `([0-9.]+)\s+0.993750`, 1e3}, {baseline.E2E, .5, `([0-9.]+)\s+0.500000`, 1e3}}},
		{"wrk/latency-c4/wrk.txt", plain(), "", []own{{baseline.E2E, .99, `99%\s+([0-9.]+)ms`, 1e3}, {baseline.E2E, 0, `Latency\s+([0-9.]+)ms`, 1e3}}},
		{"wrk2/latency-r4/wrk2.txt", paced(4), "", []own{{baseline.E2E, .5, `50.000%\s+([0-9.]+)ms`, 1e3}, {baseline.E2E, .99, `99.000%\s+([0-9.]+)ms`, 1e3}}},
		{"ab/c4/ab.txt", plain(), "", []own{{baseline.E2E, .95, `95%\s+([0-9.]+)`, 1e3}, {baseline.TTFB, 0, `Waiting:\s+\d+\s+(\d+)`, 1e3}}},
		{"vegeta/rate-4/report.json", paced(4), "", []own{{baseline.E2E, .99, `"99th":([0-9.]+)`, 1e9}, {baseline.E2E, 0, `"mean":([0-9.]+)`, 1e9}}},
		{"oha/json-c4/oha.json", loaded(4), "", []own{{baseline.E2E, .999, `"p99.9":\s*([0-9.]+)`, 1}}},
		{"hey/stream-c4-text/hey.txt", loaded(4), "", []own{{baseline.E2E, .9, `90% in ([0-9.]+)`, 1}, {baseline.E2E, 0, `Average:\s+([0-9.]+)`, 1}}},
		{"locust/csv-u4/run_stats.csv", loaded(4), "chat plain", []own{{baseline.E2E, 0, `chat plain,\d+,\d+,\d+,([0-9.]+)`, 1e3}, {baseline.E2E, .5, `chat plain,\d+,\d+,(\d+)`, 1e3}}},
		{"mlperf/server-4qps/mlperf_log_detail.txt", plain(), "", []own{{baseline.TTFT, .97, `result_first_token_97.00_percentile_latency_ns", "value": (\d+)`, 1e9}}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			path := filepath.Join(dir, filepath.FromSlash(tt.file))
			b, err := importer.Import(open(t, path), importer.Options{Facts: tt.facts, Row: tt.row})
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			compareWithTool(t, text, tt.numbers, b.Cells[0])
		})
	}
}

// compareWithTool holds the numbers of the cell to those that the tool wrote.
func compareWithTool(t *testing.T, text []byte, numbers []own, c baseline.Cell) {
	t.Helper()
	for _, one := range numbers {
		m := regexp.MustCompile(one.pattern).FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s is not in the file", one.pattern)
		}
		want, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		in := c.Indicators[one.indicator]
		got, _ := in.Quantiles.At(one.p)
		if one.p == 0 {
			got = *in.Mean
		}
		if math.Abs(got*one.perSecond-want) > 1e-12*want {
			t.Errorf("%s %v is %v, and the tool wrote %v", one.indicator, one.p, got*one.perSecond, want)
		}
	}
}

func TestInteropPublicResultsAreReadOrRefused(t *testing.T) {
	dir := filepath.Join(results(t), "..", "public")
	if _, err := os.Stat(dir); err != nil {
		t.Skip(err)
	}
	rate := importer.Facts{Model: "m", Rate: 1}
	shop := importer.Facts{Model: "m", InputTokens: 1, OutputTokens: 1}
	shopLoad := shop
	shopLoad.Concurrency = 4
	for file, tt := range map[string]struct {
		facts importer.Facts
		row   string
		want  string // the ID of the first cell, or words of the refusal
	}{
		"aiperf/akamaslabs_c16_profile_export_aiperf.json":         {importer.Facts{InputTokens: 200}, "", "qwen3-4b/in200/"},
		"guidellm/guidellm_report_v2.json":                         {importer.Facts{}, "", "e2e-mock-model/"},
		"inference-perf/vllm_stage_0_lifecycle_metrics.json":       {importer.Facts{Model: "m"}, "", "m/in204/"},
		"inference-perf/vllm_eagle_stage_3_lifecycle_metrics.json": {importer.Facts{Model: "m"}, "", "m/in202/"},
		"inference-perf/vllm_summary_lifecycle_metrics.json":       {rate, "", "m/in204/"},
		"llm-d/inference_perf_lifecycle.yaml":                      {importer.Facts{Model: "m"}, "", "m/"},
		"llmperf/anyscale_7b_summary.json":                         {importer.Facts{}, "", "meta-llama/Llama-2-7b-chat-hf/in550/"},
		"llmperf/together_70b_summary.json":                        {importer.Facts{}, "", "together_ai/togethercomputer/llama-2-70b-chat/in550/"},
		"vllm/bench_serve_v0.25.1.json":                            {importer.Facts{}, "", "facebook/opt-125m/"},
		"vllm/sweep_run0_v0.25.1.json":                             {importer.Facts{}, "", "facebook/opt-125m/in32/out16/c2"},
		"vllm/sweep_summary_v0.25.1.json":                          {importer.Facts{}, "", "facebook/opt-125m/in32/out16/c2"},
		"vllm/bench_serve_all_requests_failed_v0.25.1.json":        {importer.Facts{}, "", "completed: 0; want 1 request or more"},
		"jmeter/mwali_results.jtl":                                 {shop, "", "several kinds of request"},
		"jmeter/saadqamar22_results.jtl":                           {shop, "HTTP Request", "m/in1/out1/c"},
		"jmeter/saadqamar22_statistics.json":                       {shopLoad, "GET /posts/1", "m/in1/out1/c4"},
	} {
		b, err := importer.Import(open(t, filepath.Join(dir, filepath.FromSlash(file))), importer.Options{Facts: tt.facts, Row: tt.row})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = b.Cells[0].ID
		}
		if !regexp.MustCompile(regexp.QuoteMeta(tt.want)).MatchString(got) {
			t.Errorf("%s: %s; want %s", file, got, tt.want)
		}
	}
}

// Whatever a tool wrote beside its result is known by name, too.
func TestInteropNoFileOfAToolIsUnknown(t *testing.T) {
	dir := results(t)
	facts := importer.Facts{Model: "sim-medium", InputTokens: 259, OutputTokens: 64, Concurrency: 4}
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "truth.json" || filepath.Ext(path) == ".md" {
			return err
		}
		seen++
		if _, err := importer.Import(open(t, path), importer.Options{Facts: facts}); err != nil && strings.Contains(err.Error(), "no result of a tool") {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d files, %v", seen, err)
	}
}
