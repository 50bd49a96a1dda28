package importer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// Facts for files that lack some of them.
var (
	named    = importer.Facts{Model: "small"}
	single   = importer.Facts{Model: "small", Concurrency: 1}
	unloaded = importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64}
)

// replaced is text with pairs of old and new, each of which has to be there.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in the file", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// A run without any success has no latency, whatever zeros its file has.
func TestARunThatFailedAltogetherIsRefused(t *testing.T) {
	checkRefusals(t, []refusal{
		{"vllm", "x", replaced(t, vllmDetailed, `"completed":3`, `"completed":0`), told, "", []string{"x, line 2, completed: 0; want 1 request or more that succeeded"}},
		{"vllm's console", "x", replaced(t, vllmConsole, "Successful requests:                     100", "Successful requests:                     0"), told, "", []string{"x, line 3, Successful requests: 0"}},
		{"sglang", "x", replaced(t, sglangLine, `"completed": 10`, `"completed": 0`), told, "", []string{"x, line 1, completed: 0"}},
		{"guidellm", "x", replaced(t, guidellm, `"successful":80`, `"successful":0`), told, "", []string{"request_totals.successful: 0"}},
		{"inference-perf", "x", `{"load_summary":{"count":4,"schedule_delay":null,"requested_rate":4.0},"successes":{"count":0,"latency":null,"throughput":null},"failures":{"count":4}}`, told, "", []string{"successes.count: 0"}},
		{"inference-perf's rows", "x", `[{"start_time":1,"end_time":2,"computed_metrics":null,"error":{"error_type":"x"}}]`, told, "", []string{"no request without an error has a request_latency"}},
		{"aiperf, which leaves every latency out", "x", `{"schema_version":"1.4","aiperf_version":"0.13.0","error_request_count":{"unit":"requests","avg":4},"input_config":{"models":{"items":[{"name":"small"}]}},"error_summary":[{"count":4}]}`, told, "", []string{"request_count.avg: not there; want 1 request or more that succeeded"}},
		{"genai-perf", "x", replaced(t, genaiperf, `"unit":"count","avg":100.0`, `"unit":"count","avg":0`), told, "", []string{"request_count.avg: 0"}},
		{"azure-openai-benchmark", "x", replaced(t, azureHuman, "failures: 0 ", "failures: 6 "), told, "", []string{"completed: 6; want 1 request or more that succeeded"}},
		{"k6", "x", replaced(t, k6Handle, `"passes":0`, `"passes":97`), told, "", []string{"1 request or more that did not fail"}},
		{"k6's rows", "x", replaced(t, k6Lines, `"status":"200"`, `"status":"503"`), told, "", []string{"no sample of a request that succeeded"}},
		{"locust", "x", replaced(t, locustTable, "POST,plain,32,0,", "POST,plain,32,32,", "POST,stream,104,4,", "POST,plain,104,104,", "TTFT,stream", "TTFT,plain"), told, "", []string{"no request of a protocol succeeded"}},
		{"hey", "x", replaced(t, heyPage, "[200]", "[503]"), told, "", []string{"x, line 1, Status code distribution: no response"}},
		{"hey's rows", "x", replaced(t, heyTable, ",200,", ",503,"), told, "", []string{"no request succeeded"}},
		{"oha", "x", replaced(t, ohaSum, `"200":100,"503":5`, ""), told, "", []string{"statusCodeDistribution: an object; want 1 response or more"}},
		{"oha's page", "x", replaced(t, ohaPage, "[200]", "[500]"), told, "", []string{"no response with a status from 200 to 299"}},
		{"vegeta", "x", replaced(t, vegetaSum, `"200":98,`, ""), told, "", []string{"status_codes: an object; want 1 request or more"}},
		{"vegeta's page", "x", replaced(t, vegetaPage, "200:98  ", ""), told, "", []string{"Status Codes: an object"}},
		{"vegeta's rows", "x", replaced(t, vegetaTable, ",200,", ",500,"), told, "", []string{"no request succeeded"}},
		{"wrk", "x", replaced(t, wrkPage, "responses: 20", "responses: 120"), told, "", []string{"x, line 1, Non-2xx or 3xx responses: 120 of 120; want 1 request or more that succeeded"}},
		{"wrk without a connection", "x", replaced(t, wrkPage, "  120 requests", "  0 requests", "responses: 20", "responses: 0"), told, "", []string{"0 of 0; want 1 request"}},
		{"ab", "x", replaced(t, abPage, "Non-2xx responses:      10", "Non-2xx responses:      100"), told, "", []string{"Complete requests: 100; want 1 request or more with a status"}},
		{"siege", "x", replaced(t, siege, `"successful_transactions":80`, `"successful_transactions":0`), told, "", []string{"successful_transactions: 0"}},
		{"jmeter's XML", "x", replaced(t, jmeterTree, `s="true"`, `s="false"`), told, "", []string{"no request succeeded"}},
		{"llmperf's rows", "x", replaced(t, llmperfReqs, `"error_code":null`, `"error_code":500`), told, "", []string{"no request without an error_code"}},
		{"headway", "x", replaced(t, captured, `"outcome":"ok"`, `"outcome":"aborted"`), told, "", []string{"ended well"}},
	})
}

// Failed requests are counted as such. Where their times are among the latencies, and the
// file cannot tell them apart, a flag says so.
func TestFailuresAreCountedAndFlagged(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		facts      importer.Facts
		ok, failed int
		in         bool // in the latencies
	}{
		{"vllm", vllmDetailed, nobody, 3, 1, false},
		{"vllm, a failure behind content", replaced(t, vllmDetailed, `"output_lens":[3,3,0,3]`, `"output_lens":[3,3,2,3]`), nobody, 3, 1, true},
		{"vllm's console", vllmConsole, named, 100, 2, false},
		{"guidellm, with requests that were cut", guidellm, nobody, 80, 3, false},
		{"aiperf", aiperf, nobody, 116, 3, false},
		{"aiperf's rows", aiperfLines, single, 2, 1, false},
		{"inference-perf", inferencePerf, named, 80, 2, false},
		{"inference-perf's rows", inferencePerfReqs, single, 2, 1, false},
		{"llmperf's rows", llmperfReqs, single, 2, 1, false},
		{"k6, split by expected_response", k6Export, unloaded, 48, 2, true}, // http_req_waiting is not split
		{"k6's rows", k6Lines, told, 2, 1, false},
		{"jmeter", jmeterTable, unloaded, 2, 1, false},
		{"jmeter's statistics", jmeterSums, told, 96, 4, true},
		{"hey's page", heyPage, told, 120, 40, true},
		{"hey's rows", heyTable, told, 2, 1, false},
		{"oha", ohaSum, told, 100, 7, true},
		{"vegeta", vegetaSum, told, 98, 2, true},
		{"vegeta's rows", vegetaLines, told, 2, 1, false},
		{"wrk", wrkPage, unloaded, 100, 30, true},
		{"ab", abPage, unloaded, 90, 10, true},
		{"headway", captured, importer.Facts{Concurrency: 1}, 2, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := imported(t, "x", tt.text, tt.facts).Cells[0]
			if c.Requests.OK != tt.ok || c.Requests.Failed == nil || *c.Requests.Failed != tt.failed {
				t.Errorf("%+v, want %d and %d", c.Requests, tt.ok, tt.failed)
			}
			if in := slices.Contains(c.Flags, baseline.FailuresIn); in != tt.in {
				t.Errorf("flags %v", c.Flags)
			}
		})
	}
}

// One request is a run: it has a mean and no spread.
func TestOneRequestIsARun(t *testing.T) {
	for name, text := range map[string]string{
		"vllm": `{"model_id":"small","tokenizer_id":"t","request_rate":"inf","max_concurrency":1,"duration":1.0,"completed":1,"failed":0,"total_input_tokens":256,"total_output_tokens":64,"request_throughput":1.0,
"input_lens":[256],"output_lens":[64],"ttfts":[0.1],"itls":[[0.01]],"errors":[""],"mean_ttft_ms":100.0,"median_ttft_ms":100.0,"std_ttft_ms":0.0,"p99_ttft_ms":100.0}`,
		"aiperf":  strings.SplitAfter(aiperfLines, "\n")[1],
		"jmeter":  strings.Join(strings.SplitAfter(jmeterTable, "\n")[:2], ""),
		"vegeta":  strings.SplitAfter(vegetaLines, "\n")[0],
		"capture": strings.SplitAfter(captured, "\n")[0],
		"hey":     strings.Join(strings.SplitAfter(heyTable, "\n")[:2], ""),
		"llmperf": "[" + strings.TrimPrefix(strings.TrimSuffix(strings.SplitAfter(llmperfReqs, "\n")[0], ",\n"), "[") + "]",
	} {
		t.Run(name, func(t *testing.T) {
			facts := importer.Facts{Concurrency: 1}
			switch name {
			case "aiperf", "llmperf":
				facts.Model = "small"
			case "jmeter", "vegeta", "hey":
				facts = importer.Facts{Model: "small", InputTokens: 256, OutputTokens: 64, Concurrency: 2}
			}
			c := imported(t, "x", text, facts).Cells[0]
			if c.Requests.OK != 1 || *c.Requests.Failed != 0 || !slices.Contains(c.Flags, baseline.FewSamples) {
				t.Errorf("%+v, flags %v", c.Requests, c.Flags)
			}
			for indicator, one := range c.Indicators {
				if p50, has := one.Quantiles.At(.5); one.Mean == nil || has && p50 != *one.Mean {
					t.Errorf("%s: %+v", indicator, one)
				}
			}
		})
	}
}
