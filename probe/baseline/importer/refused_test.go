package importer_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline/importer"
)

// Each tool writes more files than its result. Whoever gives one of them learns what it is
// and which file to give.
func TestFilesBesideAResultAreRefusedByName(t *testing.T) {
	for _, tt := range []struct{ name, text, tool, want string }{
		{"a packed file", "\x1f\x8b\x08\x00", "packed", "gunzip"},
		{"oha's database", "SQLite format 3\x00\x10\x00", "oha", "oha --output-format json"},
		{"GuideLLM's console", "✔ Backend validated\nℹ Run Summary Info\n|====|\n", "guidellm", "benchmarks.json"},
		{"GuideLLM's page", "<!DOCTYPE html><html><script>window.run_info = {}</script>", "guidellm", "benchmarks.json"},
		{"AIPerf's manifest", `{"phases":[{"phase_kind":"warmup","metrics_json":"x"}]}`, "aiperf", "profile_export_aiperf.json"},
		{"AIPerf's confidence", `{"metadata":{"aggregation_type":"confidence","num_profile_runs":3},"metrics":{"time_to_first_token_p50":{"mean":60.1,"ci_low":59}}}`, "aiperf", "profile_export_aiperf.json of each run"},
		{"AIPerf's confidence as CSV", "metric,mean,std,min,max,cv,se,ci_low,ci_high,t_critical,unit\n", "aiperf", "profile_export_aiperf.json of each run"},
		{"AIPerf's prompts", `{"data":[{"session_id":"x","payloads":[{"model":"m"}]}]}`, "aiperf", "profile_export_aiperf.json"},
		{"AIPerf's raw responses", `{"metadata":{"benchmark_phase":"profiling"},"responses":[]}`, "aiperf", "profile_export.jsonl"},
		{"AIPerf's console", "   NVIDIA AIPerf | LLM Metrics\n┏━━┓\n", "aiperf", "profile_export_aiperf.json"},
		{"GenAI-Perf's prompts", `{"data":[{"payload":[{"model":"m"}]}]}`, "genai-perf", "profile_export_genai_perf.json"},
		{"GenAI-Perf's analysis", "Config Name,Concurrency,ISL,p99 Time To First Token (ms)\n", "genai-perf", "in the folder of each configuration"},
		{"GenAI-Perf's checkpoint", `{"Results":{"run_configs":[]}}`, "genai-perf", "in the folder of each configuration"},
		{"perf_analyzer's report", "Concurrency,Inferences/Second,Client Send\n1,2,3\n", "genai-perf", "profile_export_genai_perf.json"},
		{"inference-perf's copy for llm-d", "version: 0.2.1\nrun:\n  uid: x\nresults:\n  request_performance: {}\n", "inference-perf", "stage_N_lifecycle_metrics.json"},
		{"inference-perf's check", `{"global":{"warnings":[]},"reports":{}}`, "inference-perf", "stage_N_lifecycle_metrics.json"},
		{"inference-perf's server", `{"load_summary":{},"successes":{"kv_cache_usage_percentage":{}}}`, "inference-perf", "stage_N_lifecycle_metrics.json"},
		{"k6's console", "\n  █ TOTAL RESULTS \n\n    HTTP\n    http_req_duration..: avg=1ms\n", "k6", "--summary-export"},
		{"k6's dashboard", "<!doctype html><title>k6 report</title>", "k6", "--summary-export"},
		{"JMeter's console", "Creating summariser <summary>\nsummary + 1 in 00:00:01\n", "jmeter", "jmeter -n -l results.jtl"},
		{"JMeter's dashboard", "<!DOCTYPE html>\n<html><title>Apache JMeter Dashboard</title>", "jmeter", "statistics.json"},
		{"Locust's history", "Timestamp,User Count,Type,Name,Requests/s\n", "locust", "…_stats.csv"},
		{"Locust's failures", "Method,Name,Error,Occurrences,First Seen,Last Seen\n", "locust", "…_stats.csv"},
		{"Locust's exceptions", "Count,Message,Traceback,Nodes\n", "locust", "…_stats.csv"},
		{"Locust's page", "<!DOCTYPE html>\n<html><title>Locust</title>", "locust", "run_stats.csv"},
		{"Locust's console", "Type  Name   # reqs   # fails |  Avg\n--|--\n Aggregated 1 0(0.00%)\n", "locust", "run_stats.csv"},
		{"vegeta's gob", "\xff\x96\x7f\x03\x01\x01\x06Result\x01\xff\x80\x00\x01\x0c\x01\x06Attack\x01\x0c\x00\x01\x03Seq\x01\x06\x00", "vegeta", "vegeta encode --to json"},
		{"vegeta's histogram", "Bucket           #    %        Histogram\n[0s,     500ms]  0    0.00%\n", "vegeta", "vegeta report -type json"},
		{"siege's log", "      Date & Time,  Trans,  Elap Time\n2026-11-29 18:38:44, 80, 16\n", "siege", "siege --json-output"},
		{"siege's page", "Transactions:  80 hits\nTransaction rate: 4.78 trans/sec\nLongest transaction: 0.87\n", "siege", "siege --json-output"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := importer.Import([]importer.File{{Name: "x", Body: strings.NewReader(tt.text)}}, importer.Options{Facts: told})
			if err == nil || len(b.Cells) > 0 || !strings.Contains(err.Error(), tt.tool) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%d cells, %v; want %s and %q", len(b.Cells), err, tt.tool, tt.want)
			}
		})
	}
}
