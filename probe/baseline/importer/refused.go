package importer

import (
	"bytes"
	"strings"
)

// refused are the files that the tools write beside their results, or that have too little
// to be a result. headway knows each by name, so that its user learns which file to give.
func refused() []refusal {
	return []refusal{
		{"oha", "database (--db-url)", magic("SQLite format 3\x00"), "a database of SQLite", "what oha --output-format json prints, or --output-format csv"},
		{"guidellm", "console", lines("ℹ Run Summary Info", "ℹ Request Latency Statistics", "Benchmarks Metadata:", "Benchmarks Info:"), "a page of tables with one decimal, without a model", "the report benchmarks.json, or benchmarks.csv"},
		{"guidellm", "page (benchmarks.html)", page("window.run_info", "guidellm"), "a page for browsers", "the report benchmarks.json"},
		{"aiperf", "manifest of the phases (phase_manifest.json)", keys("phases", "phase_kind", "metrics_json"), "a list of the phases of a run", "profile_export_aiperf.json of the phase profiling"},
		{"aiperf", "aggregate of several runs", keys("aggregation_type"), "the mean over several runs, and no distribution of requests", "profile_export_aiperf.json of each run: name all of them in one import"},
		{"aiperf", "aggregate of several runs (CSV)", starts("metric,mean,std,min,max,cv,"), "the mean over several runs, and no distribution of requests", "profile_export_aiperf.json of each run: name all of them in one import"},
		{"aiperf", "aggregate of a sweep (CSV)", aiperfSweepCSV, "the mean over several runs, and no distribution of requests", "profile_export_aiperf.json of each run: name all of them in one import"},
		{"aiperf", "history of a search (search_history.json)", keys("iterations", "convergence_reason"), "the path of a search", "profile_export_aiperf.json of the runs that it made"},
		{"aiperf", "metrics of the server", keys("summary", "endpoints_configured"), "a list of metrics of the server, and none of a client", "profile_export_aiperf.json"},
		{"aiperf", "telemetry of GPUs", keys("gpu_index", "telemetry_data"), "a list of metrics of GPUs, and none of a client", "profile_export_aiperf.json"},
		{"aiperf", "raw responses (profile_export_raw.jsonl)", keys("metadata", "benchmark_phase", "responses"), "a list of raw responses, without a time to the first token", "profile_export.jsonl, or profile_export_aiperf.json"},
		{"aiperf", "prompts (inputs.json)", keys("data", "session_id", "payloads"), "a list of prompts", "profile_export_aiperf.json"},
		{"aiperf", "console", lines("NVIDIA AIPerf |"), "a table without a model", "profile_export_aiperf.json"},
		{"genai-perf", "prompts (inputs.json)", promptsOfGenAIPerf, "a list of prompts", "profile_export_genai_perf.json"},
		{"genai-perf", "raw profile (profile_export.json)", keys("experiments", "experiment"), "a raw profile of perf_analyzer, which has the text of each response and no count of its tokens", "profile_export_genai_perf.json, which GenAI-Perf writes beside it"},
		{"genai-perf", "summary of an analysis (CSV)", starts("Config Name,"), "a row for each configuration, without percentiles of its own", "profile_export_genai_perf.json in the folder of each configuration: name all of them in one import"},
		{"genai-perf", "checkpoint of an analysis", keys("Results", "run_configs"), "the state of an analysis that goes on", "profile_export_genai_perf.json in the folder of each configuration: name all of them in one import"},
		{"genai-perf", "report of perf_analyzer (CSV)", perfAnalyzerCSV, "a table without tokens", "profile_export_genai_perf.json"},
		{"genai-perf", "console", lines("NVIDIA GenAI-Perf |"), "a table without a model", "profile_export_genai_perf.json"},
		{"inference-perf", "report for llm-d (inference-perf.partial.stage_N.yaml)", yamlKeys("run", "results"), "a copy of the report in the form of llm-d", "stage_N_lifecycle_metrics.json, which lies beside it"},
		{"inference-perf", "check of the reports (validation.json)", keys("global", "reports", "warnings"), "a list of warnings", "stage_N_lifecycle_metrics.json"},
		{"inference-perf", "metrics of the server (…_prometheus_metrics.json)", keys("successes", "kv_cache_usage_percentage"), "a list of metrics of the server, and none of a client", "stage_N_lifecycle_metrics.json"},
		{"inference-perf", "sessions (…_session_lifecycle_metrics.json)", keys("session_id", "num_events"), "a list of sessions, of several requests each", "stage_N_lifecycle_metrics.json"},
		{"inference-perf", "console", lines("Token Generation Speed (ms)"), "a page of tables without a model", "stage_N_lifecycle_metrics.json"},
		{"k6", "console", lines("  █ TOTAL RESULTS", "█ THRESHOLDS", "http_req_duration...", "http_req_duration.."), "a page for people, with rounded times", "k6 run --summary-export summary.json"},
		{"k6", "page of the dashboard (HTML)", page("k6 report", "k6-web-dashboard", "k6 Load Test"), "a page for browsers", "k6 run --summary-export summary.json"},
		{"jmeter", "console", lines("Creating summariser <", "summary =", "summary +"), "a list of means over windows", "the file of -l: jmeter -n -l results.jtl"},
		{"jmeter", "page of the dashboard (HTML)", page("Apache JMeter Dashboard"), "a page for browsers", "statistics.json, which lies beside it, or the file of -l"},
		{"locust", "history (…_stats_history.csv)", starts("Timestamp,User Count,Type,Name,"), "the history of a run, whose rows are windows that overlap", "the file …_stats.csv of the same run"},
		{"locust", "failures (…_failures.csv)", starts("Method,Name,Error,Occurrences"), "a list of failures, without a latency", "the file …_stats.csv of the same run"},
		{"locust", "exceptions (…_exceptions.csv)", starts("Count,Message,Traceback"), "a list of exceptions, without a latency", "the file …_stats.csv of the same run"},
		{"locust", "page (--html)", page("<title>Locust</title>", "locustfile", "Locust Test Report"), "a page for browsers", "locust --csv run, whose file run_stats.csv headway reads"},
		{"locust", "console", locustConsole, "a page of tables with rounded times", "locust --csv run, whose file run_stats.csv headway reads"},
		{"vegeta", "results (gob)", vegetaGob, "an encoding of vegeta's own", "vegeta encode --to json < results.bin, or vegeta report -type json"},
		{"vegeta", "histogram (report -type hist)", starts("Bucket "), "a count between bounds that somebody chose, and no percentile", "vegeta report -type json of the same results"},
		{"vegeta", "page of a plot (HTML)", page("vegeta", "Vegeta Plot"), "a page for browsers", "vegeta report -type json of the same results"},
		{"mlperf", "accuracy (mlperf_log_accuracy.json)", mlperfAccuracy, "a list of answers", "mlperf_log_detail.txt of the same run"},
		{"siege", "log (siege.log)", siegeLog, "a mean for each run, without failures by kind", "siege --json-output"},
		{"siege", "summary (text)", lines("Transaction rate:", "Longest transaction:"), "a page for people", "siege --json-output"},
	}
}

// refusal is a file of a tool that headway does not read, what it is, and the file to give.
type refusal struct {
	tool, form string
	match      func(head) bool
	got, want  string
}

// refuse finds the refusal for a file that no importer reads; nil if there is none.
func (h head) refuse() error {
	if magic("\x1f\x8b", "\x28\xb5\x2f\xfd")(h) {
		return &Problem{Got: "a packed file", Want: "the file in it: gunzip or unzstd unpacks it"}
	}
	for _, one := range refused() {
		if one.match(h) {
			return &Problem{Line: 1, Got: "this is a file of " + one.tool + ": " + one.form + ", which is " + one.got, Want: one.want}
		}
	}
	return nil
}

// magic says whether a file begins with one of the words.
func magic(words ...string) func(head) bool {
	return func(h head) bool {
		for _, word := range words {
			if bytes.HasPrefix(h.text, []byte(word)) {
				return true
			}
		}
		return false
	}
}

// starts says whether the first line begins so.
func starts(words string) func(head) bool {
	return func(h head) bool { return strings.HasPrefix(h.line(), words) }
}

// keys says whether a file is JSON with each of the keys in its begin.
func keys(names ...string) func(head) bool { return func(h head) bool { return h.json(names...) } }

func yamlKeys(names ...string) func(head) bool {
	return func(h head) bool { return h.yaml(names...) }
}

// lines says whether one of the words is in a file that is not JSON.
func lines(words ...string) func(head) bool {
	return func(h head) bool { return !h.json() && !h.html() && h.any(words...) }
}

// page says whether a file is HTML with one of the words.
func page(words ...string) func(head) bool {
	return func(h head) bool { return h.html() && h.any(words...) }
}

func (h head) html() bool {
	start := bytes.ToLower(bytes.TrimSpace(h.text[:min(len(h.text), 200)]))
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// any says whether one of the words is in the begin.
func (h head) any(words ...string) bool {
	for _, word := range words {
		if bytes.Contains(h.text, []byte(word)) {
			return true
		}
	}
	return false
}

// promptsOfGenAIPerf are {"data": [{"payload": …}]}; those of AIPerf have sessions.
func promptsOfGenAIPerf(h head) bool { return h.json("data", "payload") && !h.has(`"metric"`) }

func aiperfSweepCSV(h head) bool {
	return strings.Contains(h.line(), "time_to_first_token") && strings.Contains(h.line(), ",request_throughput") || strings.Contains(h.line(), "_mean,") && strings.Contains(h.line(), "_ci_low")
}

func perfAnalyzerCSV(h head) bool {
	return strings.HasPrefix(h.line(), "Concurrency,Inferences/Second,") || strings.HasPrefix(h.line(), "Request Rate,Inferences/Second,")
}

func locustConsole(h head) bool {
	return !h.json() && !h.html() && h.has("# reqs", "# fails", "Aggregated")
}

// mlperfAccuracy is an empty list if a run did not test the accuracy.
func mlperfAccuracy(h head) bool {
	return h.name == "mlperf_log_accuracy.json" || h.json("qsl_idx", "data")
}

func siegeLog(h head) bool { return strings.Contains(h.line(), "Date & Time,  Trans,") }

// vegetaGob begins with the description of the type, which names its fields.
func vegetaGob(h head) bool { return h.has("\x06Result\x01", "\x06Attack\x01", "\x03Seq\x01") }
