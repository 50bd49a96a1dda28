package importer

import (
	"github.com/headway-sidecar/headway/probe/baseline"
)

// llmperf writes a summary, whose nested keys are joined with underlines, and the requests
// one by one. Times are in seconds. Its "inter-token latency" is the whole request ÷ its
// chunks. Read at ray-project/llmperf f1d6bed (archived).
var (
	llmperfSummary = Importer{
		Tool: "llmperf", Form: "summary (…_summary.json)",
		match: func(h head) bool { return h.json("num_concurrent_requests", "results_ttft_s_mean") },
		read: func(in *input) error {
			n, err := in.document(nil)
			if err != nil {
				return err
			}
			in.llmperfRun(n)
			return nil
		},
	}
	llmperfRows = Importer{
		Tool: "llmperf", Form: "requests (…_individual_responses.json)",
		match: func(h head) bool { return h.json("error_code", "end_to_end_latency_s", "ttft_s") },
		read:  (*input).llmperfRequests,
	}
)

// llmperfDefinition: each request opens a connection, and the client's tokenizer counts.
func llmperfDefinition(name baseline.Name) baseline.Definition {
	d := baseline.Definition{Start: baseline.Sending, Stop: baseline.FirstContent, Over: baseline.Request, Connect: baseline.ConnectIn, Percentiles: baseline.Linear}
	switch name {
	case baseline.TPOT:
		d.Start, d.Stop, d.Tokens = baseline.FirstContent, baseline.EndOfBody, baseline.Tokenizer
	case baseline.NTPOT:
		d.Stop, d.Tokens = baseline.EndOfBody, baseline.Chunks
	case baseline.E2E:
		d.Stop = baseline.EndOfBody
	}
	return d
}

// llmperfRun reads a summary.
func (in *input) llmperfRun(n node) {
	d := draft{line: n.line}
	d.cell.Requests.OK = in.completed(n.at("results_num_completed_requests"))
	failed := in.count(n.at("results_number_errors"))
	// A failure ends the client that met it: the requests that it did not send count too.
	if started := in.count(n.at("results_num_requests_started")); started != nil && failed != nil {
		*failed = max(*failed, *started-d.cell.Requests.OK)
	}
	d.cell.Requests.Failed = failed
	d.facts.Model = in.string(n.at("model"), "the name of a model")
	d.facts.Concurrency = in.need(n.at("num_concurrent_requests"), "a number of requests, 4 for example")
	const tokens = "a number of tokens, 256 for example"
	d.facts.InputTokens = in.need(n.first("results_number_input_tokens_mean", "mean_input_tokens"), tokens)
	d.facts.OutputTokens = in.need(n.first("results_number_output_tokens_mean", "mean_output_tokens"), tokens)
	d.input = in.number(n.at("results_number_input_tokens_quantiles_p50"), tokens)
	d.output = in.number(n.at("results_number_output_tokens_quantiles_p50"), tokens)
	if perMinute := in.number(n.at("results_num_completed_requests_per_min"), "requests a minute"); perMinute != nil {
		// Its clock runs while the clients start, too.
		d.cell.Throughput.Requests, d.idle = new(*perMinute/60), true
	}
	d.cell.Throughput.OutputTokens = in.number(n.at("results_mean_output_throughput_token_per_s"), "tokens a second")
	for name, key := range map[baseline.Name]string{baseline.TTFT: "ttft_s", baseline.NTPOT: "inter_token_latency_s", baseline.E2E: "end_to_end_latency_s"} {
		key = "results_" + key
		one, ok := in.indicator(llmperfDefinition(name), 1, figures{
			mean: n.at(key + "_mean"), stddev: n.at(key + "_stddev"), min: n.at(key + "_min"), max: n.at(key + "_max"),
			quantiles: percentiles(n, key+"_quantiles_p", ""),
		})
		d.put(name, one, ok)
	}
	in.drafts = append(in.drafts, d)
}

// llmperfRow is a request. A value that the file lacks, or has as null, is 0.
type llmperfRow struct {
	ttft, ntpot, e2e, input, output float64
	failed                          bool
}

// read reads the row's object.
func (row *llmperfRow) read(s *scanner) error {
	return s.object(func(key string) (err error) {
		switch key {
		case "error_code":
			row.failed, err = s.nonempty()
		case "ttft_s":
			row.ttft, _, err = s.finite()
		case "inter_token_latency_s":
			row.ntpot, _, err = s.finite()
		case "end_to_end_latency_s":
			row.e2e, _, err = s.finite()
		case "number_input_tokens":
			row.input, _, err = s.finite()
		case "number_output_tokens":
			row.output, _, err = s.finite()
		default:
			err = s.skip()
		}
		return err
	})
}

// known says whether the file has the value.
func known(v float64) bool { return v > 0 && v < 1e300 }

// llmperfRequests reads the requests, and makes the TPOT that the summary lacks.
func (in *input) llmperfRequests() error {
	var ttft, tpot, ntpot, e2e, input, output baseline.Sample
	ok, failed := 0, 0
	s := newScanner(in.body)
	err := s.array(func(int) error {
		var row llmperfRow
		if err := row.read(s); err != nil || row.failed || !known(row.e2e) {
			failed++
			return err
		}
		ok++
		for _, one := range []struct {
			to *baseline.Sample
			v  float64
		}{{&ttft, row.ttft}, {&ntpot, row.ntpot}, {&e2e, row.e2e}, {&input, row.input}, {&output, row.output}} {
			if known(one.v) {
				one.to.Add(one.v)
			}
		}
		if row.output > 1 && row.e2e > row.ttft {
			tpot.Add((row.e2e - row.ttft) / (row.output - 1))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if ok == 0 {
		return &Problem{Line: 1, Got: "no request without an error_code", Want: "1 or more"}
	}
	d := draft{line: 1}
	d.cell.Requests = baseline.Requests{OK: ok, Failed: &failed}
	lengths(&d, &input, &output)
	for name, sample := range map[baseline.Name]*baseline.Sample{baseline.TTFT: &ttft, baseline.TPOT: &tpot, baseline.NTPOT: &ntpot, baseline.E2E: &e2e} {
		d.combine(name, sample, llmperfDefinition(name))
	}
	in.drafts = append(in.drafts, d)
	return nil
}
