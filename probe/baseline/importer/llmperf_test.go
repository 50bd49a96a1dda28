package importer_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

const llmperfSum = `{"version":"2023-08-31","model":"small","mean_input_tokens":256,"mean_output_tokens":64,"num_concurrent_requests":4,
"results_inter_token_latency_s_quantiles_p50":0.05,"results_inter_token_latency_s_mean":0.05,"results_ttft_s_quantiles_p99":0.3,"results_ttft_s_mean":0.25,
"results_end_to_end_latency_s_mean":0.45,"results_number_input_tokens_mean":250.0,"results_number_input_tokens_min":"231","results_number_output_tokens_mean":11.0,
"results_num_requests_started":5,"results_error_rate":0.0,"results_number_errors":0,"results_num_completed_requests":2,"results_num_completed_requests_per_min":30.0}`

const llmperfReqs = `[{"error_code":null,"error_msg":"","inter_token_latency_s":0.05,"ttft_s":0.2,"end_to_end_latency_s":0.4,"number_total_tokens":261,"number_output_tokens":11,"number_input_tokens":250},
{"error_code":500,"error_msg":"x","inter_token_latency_s":0,"ttft_s":0,"end_to_end_latency_s":0,"number_output_tokens":0,"number_input_tokens":250},
{"error_code":null,"error_msg":"","inter_token_latency_s":0.05,"ttft_s":0.3,"end_to_end_latency_s":0.5,"number_total_tokens":261,"number_output_tokens":11,"number_input_tokens":250}]`

const inferencePerf = `{"benchmark_time_seconds":17.8,"load_summary":{"count":80,"schedule_delay":{"mean":0.1},"requested_rate":80.0,"achieved_rate":4.7,"concurrency":4},
"successes":{"count":80,"latency":{"request_latency":{"mean":0.887,"min":0.878,"max":0.896,"p0.1":0.8785,"median":0.888,"p99.9":0.896},
"normalized_time_per_output_token":{"mean":0.01386,"median":0.01387},"time_per_output_token":{"mean":0.0124,"median":0.0122},
"time_to_first_token":{"mean":0.107,"median":0.116},"inter_token_latency":{"mean":0.0124,"median":0.0123}},
"throughput":{"requests_per_sec":4.5},"prompt_tokens":{"total":20273.0,"mean":253.4,"median":254.0},"output_tokens":{"mean":64.0,"median":64.0}},
"failures":{"count":2,"by_label":{}}}`

const inferencePerfReqs = `[{"start_time":10.0,"end_time":11.0,"info":{"x":"SECRET"},"computed_metrics":{"request_latency":1.0,"normalized_time_per_output_token":0.1,"time_to_first_token":0.1,"time_per_output_token":0.09,
"inter_token_latencies":[0.0,0.2],"input_tokens":200,"output_tokens":10,"ttft_slo_sec":null},"error":null},
{"start_time":11.0,"end_time":11.1,"computed_metrics":null,"error":{"error_type":"x"}},
{"start_time":11.0,"end_time":14.0,"computed_metrics":{"request_latency":3.0,"normalized_time_per_output_token":0.3,"time_to_first_token":null,"time_per_output_token":null,"input_tokens":200,"output_tokens":10},"error":null}]`

func TestLLMPerfResultsAreRead(t *testing.T) {
	check(t, []reading{
		{
			name: "its inter-token latency is the whole request by its chunks, and a client that died is a failure", file: "l.json", text: llmperfSum, id: "small/in250/out11/c4",
			want:    map[string]float64{"ntpot 0.5": .05, "ttft 0.99": .3, "e2e mean": .45, "ok": 2, "failed": 3, "rate": .5},
			without: []baseline.Name{baseline.TPOT, baseline.ITL},
		},
		{
			name: "single requests give the TPOT", file: "l.json", text: llmperfReqs, facts: importer.Facts{Model: "small", Concurrency: 4}, id: "small/in250/out11/c4",
			want: map[string]float64{"tpot mean": .02, "ttft min": .2, "e2e count": 2, "ok": 2, "failed": 1},
		},
	})
	checkRefusals(t, []refusal{
		{"no success", "l.json", `[{"error_code":500,"ttft_s":0,"end_to_end_latency_s":0}]`, told, "", []string{"no request without an error_code"}},
		{"no request completed", "l.json", strings.Replace(llmperfSum, `completed_requests":2`, `completed_requests":0`, 1), told, "", []string{"results_num_completed_requests: 0"}},
	})
}

func TestInferencePerfReportsAreRead(t *testing.T) {
	small := importer.Facts{Model: "small"}
	check(t, []reading{
		{
			name: "in a stage of fixed concurrency the requested rate is none", file: "stage_0.json", text: inferencePerf, facts: small, id: "small/in253/out64/c4",
			want: map[string]float64{
				"ttft 0.5": .116, "tpot 0.5": .0122, "ntpot mean": .01386, "itl 0.5": .0123, "e2e 0.001": .8785, "e2e 0.999": .896, "ok": 80, "failed": 2, "rate": 4.5,
			},
		},
		{
			name: "the old shape", file: "stage_0.json", facts: small, id: "small/in253/out64/r1",
			text: strings.NewReplacer(`"requested_rate":80.0`, `"requested_rate":1.0`, `,"concurrency":4`, "", `"prompt_tokens"`, `"prompt_len"`, `"output_tokens"`, `"output_len"`,
				`"benchmark_time_seconds":17.8,`, "", `"requests_per_sec":4.5`, `"requests_per_sec":1`).Replace(inferencePerf),
			want: map[string]float64{"ok": 80},
		},
		{
			name: "the shape between, whose prompt_tokens are sums", file: "stage_0.json", facts: small, id: "small/in199/out64/c4", want: map[string]float64{"ok": 80},
			text: strings.Replace(inferencePerf, `"prompt_tokens":{"total":20273.0,"mean":253.4,"median":254.0}`, `"prompt_len":{"mean":199.4,"median":199.0},"prompt_tokens":{"total":20273.0,"cached":0}`, 1),
		},
		{
			name: "not streamed", file: "stage_0.json", facts: small, id: "small/in253/out64/c4", want: map[string]float64{"e2e 0.5": .888},
			text:    strings.NewReplacer(`{"mean":0.0124,"median":0.0122}`, "null", `{"mean":0.107,"median":0.116}`, "null", `{"mean":0.0124,"median":0.0123}`, "null").Replace(inferencePerf),
			without: []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.ITL},
		},
		{
			name: "single requests", file: "per_request.json", text: inferencePerfReqs, facts: importer.Facts{Model: "small", Concurrency: 1}, id: "small/in200/out10/c1",
			want: map[string]float64{"ttft count": 1, "tpot mean": .09, "ntpot mean": .2, "itl max": .2, "itl count": 2, "e2e mean": 2, "ok": 2, "failed": 1, "duration": 4, "concurrency": 1},
		},
		{
			name: "a summary mixes its stages", file: "summary.json", facts: importer.Facts{Model: "small", Rate: 3}, id: "small/in253/out64/r3",
			text: strings.Replace(inferencePerf, `,"requested_rate":80.0,"achieved_rate":4.7,"concurrency":4`, "", 1),
			want: map[string]float64{"ok": 80}, flags: []baseline.Flag{baseline.MixedWorkloads, baseline.RateNotReached},
		},
		{
			name: "a report in YAML", file: "r.yaml", facts: small, id: "small/in200/out64/r1", want: map[string]float64{"e2e 0.5": 2, "ok": 3, "failed": 0},
			text: "benchmark_time_seconds: 2.5\nfailures: {count: 0}\nload_summary:\n  requested_rate: 1.0\n  schedule_delay: {mean: 0}\nsuccesses:\n  count: 3\n  prompt_len: {mean: 200.0}\n  output_len: {mean: 64}\n  latency:\n    request_latency: {mean: 2.0, median: 2.0}\n",
		},
	})
	b, err := importer.Import([]importer.File{
		{Name: "stage_0.json", Body: strings.NewReader(inferencePerf)}, {Name: "config.yaml", Body: strings.NewReader("load:\n  type: concurrent\nserver:\n  model_name: small\n")},
	}, importer.Options{})
	if err != nil || b.Cells[0].Model != "small" {
		t.Errorf("the configuration beside it does not name the model: %v", err)
	}
}
