package importer

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// LoadGen of MLPerf logs a line for each of its results, in nanoseconds. Percentiles are
// ranks of the sorted values, so that the 99th of 93 is the largest. The summary for people
// has no number of queries.
var (
	mlperfDetail = Importer{
		Tool: "mlperf", Form: "log (mlperf_log_detail.txt)",
		match: func(h head) bool { return bytes.HasPrefix(h.text, []byte(mlperfPrefix)) },
		read:  (*input).mlperfLog,
	}
	mlperfSummary = Importer{
		Tool: "mlperf", Form: "summary (mlperf_log_summary.txt)",
		match: func(h head) bool { return h.has("MLPerf Results Summary") },
		read: func(*input) error {
			return &Problem{Line: 1, Got: "a summary for people, which has no number of queries", Want: "mlperf_log_detail.txt of the same run"}
		},
	}
)

const mlperfPrefix = ":::MLLOG "

// mlperfLog gathers the values of the log by their keys.
func (in *input) mlperfLog() error {
	lines := bufio.NewScanner(in.body)
	lines.Buffer(nil, 1<<20)
	all := node{kind: objectKind, line: 1}
	for number := 1; lines.Scan(); number++ {
		text, ours := bytes.CutPrefix(lines.Bytes(), []byte(mlperfPrefix))
		if !ours {
			continue
		}
		n, err := newScanner(bytes.NewReader(text)).node(nil)
		if err != nil {
			return &Problem{Line: number, Got: "no JSON behind " + mlperfPrefix, Want: "a whole line of the log"}
		}
		value := n.at("value")
		value.line, value.path = number, n.at("key").text
		all.set(value.path, value)
	}
	in.mlperfResult(all)
	return lines.Err()
}

// mlperfResult makes a draft of the values.
func (in *input) mlperfResult(n node) {
	if n.at("effective_test_mode").text == "AccuracyOnly" {
		in.refuse(n.at("effective_test_mode"), "a run in the mode PerformanceOnly")
		return
	}
	d := draft{line: 1}
	d.cell.Requests.OK = in.completed(n.at("result_query_count"))
	d.cell.Throughput = baseline.Throughput{
		Requests:     in.number(n.at("result_completed_samples_per_sec"), "samples a second"),
		OutputTokens: in.number(n.at("result_completed_tokens_per_second"), "tokens a second"),
	}
	if n.at("effective_scenario").text == "Server" {
		if rate := in.number(n.at("effective_target_qps"), "queries a second, 4 for example"); rate != nil {
			d.facts.Rate, d.cell.Load.Burstiness = *rate, new(1.0)
		}
	}
	for _, one := range []struct {
		name      baseline.Name
		stop      baseline.Edge
		low, mean string // keys of the least and the mean
		top, at   string
	}{
		{baseline.E2E, baseline.EndOfBody, "result_min_latency_ns", "result_mean_latency_ns", "result_max_latency_ns", "result_%s_percentile_latency_ns"},
		{
			baseline.TTFT, baseline.FirstContent, "result_first_token_min_latency_ns", "result_first_token_mean_latency_ns", "result_first_token_max_latency_ns",
			"result_first_token_%s_percentile_latency_ns",
		},
		{
			baseline.TPOT, baseline.LastContent, "result_time_to_output_token_min", "result_time_to_output_token_mean", "result_time_to_output_token_max",
			"result_time_per_output_token_%s_percentile_ns",
		},
	} {
		def := http(baseline.Scheduled, one.stop, baseline.ConnectUnknown, baseline.FloorRank)
		if one.name == baseline.TPOT {
			def.Start, def.Tokens = baseline.FirstContent, baseline.Tokenizer
		}
		f := figures{mean: n.at(one.mean), min: n.at(one.low), max: n.at(one.top)}
		for _, p := range []float64{50, 90, 95, 97, 99, 99.9} {
			f.quantiles = append(f.quantiles, figure{p / 100, n.at(fmt.Sprintf(one.at, fmt.Sprintf("%.2f", p)))})
		}
		found, ok := in.indicator(def, 1e-9, f)
		d.put(one.name, found, ok)
	}
	in.drafts = append(in.drafts, d)
}
