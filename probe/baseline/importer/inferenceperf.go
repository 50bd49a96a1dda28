package importer

import (
	"github.com/headway-sidecar/headway/probe/baseline"
)

// inference-perf writes a report for each stage, in JSON, and the configuration with the
// model, in YAML. Times are in seconds; the median is "median". Read at
// kubernetes-sigs/inference-perf 7de5ef2 and in files of 0.7.
var (
	inferencePerfJSON = Importer{
		Tool: "inference-perf", Form: "report (…_lifecycle_metrics.json)",
		match: func(h head) bool { return h.json("load_summary", "successes", "schedule_delay") },
		read: func(in *input) error {
			n, err := in.document(nil)
			if err != nil {
				return err
			}
			in.inferencePerfStage(n)
			return nil
		},
	}
	inferencePerfYAML = Importer{
		Tool: "inference-perf", Form: "report (YAML)",
		match: func(h head) bool { return h.yaml("load_summary", "successes") },
		read: func(in *input) error {
			n, err := readYAML(in.body)
			if err != nil {
				return err
			}
			in.inferencePerfStage(n)
			return nil
		},
	}
	inferencePerfConfig = Importer{
		Tool: "inference-perf", Form: "configuration (config.yaml)",
		match: func(h head) bool { return h.yaml("load", "server") },
		read: func(in *input) error {
			n, err := readYAML(in.body)
			if err != nil {
				return err
			}
			in.facts.Model = in.string(n.at("server", "model_name"), "the name of a model")
			return nil
		},
	}
)

// inferencePerfDefinition: a gap is between two tokens, and those of one chunk have the
// chunk's time. TPOT is one value a request.
func inferencePerfDefinition(name baseline.Name) baseline.Definition {
	d := baseline.Definition{Start: baseline.Sending, Stop: baseline.FirstContent, Over: baseline.Request, Connect: baseline.ConnectSome, Percentiles: baseline.Linear}
	switch name {
	case baseline.TPOT:
		d.Start, d.Stop, d.Tokens = baseline.FirstContent, baseline.LastContent, baseline.Tokenizer
	case baseline.NTPOT:
		d.Stop, d.Tokens = baseline.EndOfBody, baseline.Tokenizer
	case baseline.ITL:
		d.Start, d.Stop, d.Over, d.Tokens = baseline.FirstContent, baseline.LastContent, baseline.TokenGap, baseline.Tokenizer
	case baseline.E2E:
		d.Stop = baseline.EndOfBody
	}
	return d
}

// inferencePerfStage reads a report. A summary of several stages has no load, and mixes
// them.
func (in *input) inferencePerfStage(n node) {
	d := draft{line: n.line}
	good := n.at("successes")
	d.cell.Requests.OK = in.completed(good.at("count"))
	d.cell.Requests.Failed = in.count(n.at("failures", "count"))
	d.cell.Duration = in.number(n.at("benchmark_time_seconds"), "seconds")
	const tokens = "a number of tokens, 256 for example"
	// Between the old shape and the new one, prompt_tokens has sums alone.
	input, output := good.at("prompt_tokens"), good.at("output_tokens")
	if !input.at("mean").known() {
		input = good.at("prompt_len")
	}
	if !output.at("mean").known() {
		output = good.at("output_len")
	}
	if v := in.number(input.at("mean"), tokens); v != nil {
		d.facts.InputTokens, d.input = *v, in.number(input.at("median"), tokens)
	}
	if v := in.number(output.at("mean"), tokens); v != nil {
		d.facts.OutputTokens, d.output = *v, in.number(output.at("median"), tokens)
	}
	load := n.at("load_summary")
	// In a stage of fixed concurrency, requested_rate is the number of requests.
	if c := in.number(load.at("concurrency"), "a number of requests, 4 for example"); c != nil && *c > 0 {
		d.facts.Concurrency = *c
	} else if r := in.number(load.at("requested_rate"), "requests a second, 4 for example"); r != nil {
		d.facts.Rate = *r
	} else {
		d.cell.Flag(baseline.MixedWorkloads)
	}
	rates := good.at("throughput")
	d.cell.Throughput = baseline.Throughput{
		Requests:     in.number(rates.at("requests_per_sec"), "requests a second"),
		OutputTokens: in.number(rates.at("output_tokens_per_sec"), "tokens a second"),
		TotalTokens:  in.number(rates.at("total_tokens_per_sec"), "tokens a second"),
	}
	metrics := map[baseline.Name]string{
		baseline.TTFT: "time_to_first_token", baseline.TPOT: "time_per_output_token", baseline.NTPOT: "normalized_time_per_output_token",
		baseline.ITL: "inter_token_latency", baseline.E2E: "request_latency",
	}
	for name, key := range metrics {
		block := good.at("latency", key)
		if !block.known() {
			block = good.at(key)
		}
		one, ok := in.indicator(inferencePerfDefinition(name), 1, figures{
			mean: block.at("mean"), median: block.at("median"), min: block.at("min"), max: block.at("max"), quantiles: percentiles(block, "p", ""),
		})
		d.put(name, one, ok)
	}
	streamed := good.at("latency", "time_to_first_token").known()
	d.cell.Stream = &streamed
	in.inferencePerfGoodput(&d, good.at("goodput_metrics"))
	in.drafts = append(in.drafts, d)
}

// inferencePerfGoodput reads the goodput, whose share is of the successful requests.
func (in *input) inferencePerfGoodput(d *draft, n node) {
	perSecond := in.number(n.at("request_goodput"), "requests a second")
	if perSecond == nil {
		return
	}
	d.cell.Goodput = &baseline.Goodput{PerSecond: *perSecond}
	if share := in.number(n.at("goodput_percentage"), "a percentage"); share != nil {
		d.cell.Goodput.Ratio = new(*share / 100)
	}
}
