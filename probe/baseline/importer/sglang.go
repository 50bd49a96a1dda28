package importer

import (
	"github.com/headway-sidecar/headway/probe/baseline"
)

// sglangJSON reads the file that SGLang's bench_serving appends a line to for each run.
// Read at sgl-project/sglang 00f9ec4 and 0033168, and in files of 0.5.23. Older lines have
// only p99; a refactored version writes total_input for total_input_tokens.
var sglangJSON = Importer{
	Tool: "sglang", Form: "result file (JSON lines)",
	match: func(h head) bool {
		return h.json("dataset_name", "mean_e2e_latency_ms") || h.json("random_range_ratio", "request_throughput")
	},
	read: func(in *input) error {
		s := newScanner(in.body)
		for s.more() {
			if err := in.sglangRun(s); err != nil {
				return err
			}
		}
		return nil
	},
}

// sglangDefinition: TTFT stops at the first chunk with content, and every request opens a
// connection of its own.
func sglangDefinition(name baseline.Name) baseline.Definition {
	return benchDefinition(name, baseline.ConnectIn, baseline.EndOfBody)
}

// sglangRun reads one line.
func (in *input) sglangRun(s *scanner) error {
	n, rows, err := s.benchRun()
	if err != nil {
		return err
	}
	if !n.has("completed", "duration") {
		in.refuse(n.first("completed", "duration"), "a run of bench_serving")
		return nil
	}
	d := draft{line: n.line}
	in.benchCounts(&d, n)
	if len(rows.failed) > 0 {
		failed := 0
		for _, is := range rows.failed {
			if is {
				failed++
			}
		}
		d.cell.Requests.Failed = &failed
	}
	d.facts.Model = in.string(n.at("model_id"), "the name of a model")
	in.sglangLoad(&d, n)
	for name, key := range map[baseline.Name]string{baseline.TTFT: "ttft_ms", baseline.TPOT: "tpot_ms", baseline.ITL: "itl_ms", baseline.E2E: "e2e_latency_ms"} {
		one, ok := in.benchIndicator(sglangDefinition(name), n, key)
		d.put(name, one, ok)
	}
	if in.sglangUnstreamed(n) {
		return nil
	}
	rows.addTo(&d, sglangDefinition)
	if tokens := n.at("random_output_len"); in.askedOutput(n, tokens) {
		d.cell.Flag(baseline.AskedTokens)
	}
	// The tool's own: the sum of the latencies ÷ the duration.
	if mean := in.number(n.at("concurrency"), "a number of requests, 3.99 for example"); mean != nil {
		d.cell.Load.MeanConcurrency = mean
	}
	in.drafts = append(in.drafts, d)
	return nil
}

// askedOutput says whether the run has exactly the output that it asked for, on a chat
// backend. The tool asks for no usage there, and takes the asked length if none comes.
func (in *input) askedOutput(n, asked node) bool {
	exact := n.at("random_range_ratio").number == 1
	done, total := n.at("completed").number, n.first("total_output_tokens", "total_output").number
	retokenized := n.first("total_output_tokens_retokenized", "total_output_retokenized")
	return exact && asked.kind == numberKind && total == asked.number*done && retokenized.kind == numberKind && retokenized.number != total
}

// sglangUnstreamed refuses a run with --disable-stream. Its TTFT is the whole latency, and
// its TPOT and ITL are 0.
func (in *input) sglangUnstreamed(n node) bool {
	ttft, e2e, itl := n.at("mean_ttft_ms"), n.at("mean_e2e_latency_ms"), n.at("mean_itl_ms")
	if ttft.kind != numberKind || ttft.number != e2e.number || itl.number != 0 {
		return false
	}
	in.refuse(ttft, "a run without --disable-stream: here the first token is timed at the end of the answer")
	return true
}

// sglangLoad reads request_rate, whose Infinity is every request at once, and the cap.
func (in *input) sglangLoad(d *draft, n node) {
	rate := n.at("request_rate")
	if rate.kind == textKind && rate.text == "trace" {
		in.refuse(rate, "a rate: a replayed trace has no one load")
		return
	}
	in.vllmLoad(d, n)
}
