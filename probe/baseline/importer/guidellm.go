package importer

import (
	"slices"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// guidellmJSON reads GuideLLM's benchmarks.json, whose sweep is a cell for each benchmark.
// Read at vllm-project/guidellm ee7a774, and in files of 0.5 and 0.8. Its ITL is everybody
// else's TPOT, and its "time per output token" has the TTFT in it.
var guidellmJSON = Importer{
	Tool: "guidellm", Form: "report (benchmarks.json)",
	match: func(h head) bool {
		return h.json("benchmarks") && (h.has(`"guidellm_version"`) || h.has(`"generative_benchmark"`) || h.has(`"run_stats"`) || h.has(`"args"`))
	},
	read: func(in *input) error {
		n, err := in.document(guidellmDrop)
		if err != nil {
			return err
		}
		in.guidellmReport(n)
		return nil
	},
}

// guidellmYAML reads the same report in YAML.
var guidellmYAML = Importer{
	Tool: "guidellm", Form: "report (benchmarks.yaml)",
	match: func(h head) bool { return h.yaml("benchmarks") && h.has("metrics:") },
	read: func(in *input) error {
		n, err := readYAML(in.body)
		if err != nil {
			return err
		}
		in.guidellmReport(n)
		return nil
	},
}

// guidellmDrop are the parts with texts of requests, and those that headway does not use.
func guidellmDrop(key string) bool {
	switch key {
	case "requests", "scheduler_state", "environment", "warnings", "pdf", "percentile_cis", "text", "image", "video", "audio":
		return true
	}
	return false
}

var guidellmDefinition = baseline.Definition{
	Start: baseline.Sending, Stop: baseline.FirstContent, Over: baseline.Request, Connect: baseline.ConnectSome, Percentiles: baseline.NearestRank,
}

// guidellmReport reads every benchmark of a report.
func (in *input) guidellmReport(n node) {
	benchmarks := n.at("benchmarks")
	if benchmarks.kind != arrayKind || len(benchmarks.items) == 0 {
		in.refuse(benchmarks, "a list of benchmarks")
		return
	}
	for _, b := range benchmarks.items {
		d := draft{line: b.line}
		d.cell.Source.Version = in.string(n.at("metadata", "guidellm_version"), "a version")
		d.facts.Model = guidellmModel(n, b)
		in.guidellmCounts(&d, b)
		in.guidellmLoad(&d, b)
		in.guidellmTimes(&d, b)
		in.drafts = append(in.drafts, d)
	}
}

// guidellmModel looks where the versions have the model; "" if it is nowhere.
func guidellmModel(n, b node) string {
	for _, at := range []node{
		b.at("config", "backend", "model"), n.at("config", "spec", "backend", "model"), n.at("args", "model"),
		b.at("config", "backend", "target_model"), b.at("worker", "backend_model"), b.at("benchmarker", "backend", "model"),
	} {
		if at.kind == textKind && at.text != "" {
			return at.text
		}
	}
	return ""
}

// guidellmCounts reads the totals. The rows of requests may be a sample of them.
func (in *input) guidellmCounts(d *draft, b node) {
	totals := b.at("metrics", "request_totals")
	if !totals.known() {
		totals = b.first("request_totals", "run_stats")
		if made := totals.at("requests_made"); made.known() {
			totals = made
		}
	}
	d.cell.Requests.OK = in.completed(totals.at("successful"))
	if failed := in.count(totals.at("errored")); failed != nil {
		if cut := in.count(totals.at("incomplete")); cut != nil {
			*failed += *cut
		}
		d.cell.Requests.Failed = failed
	}
	d.cell.Duration = in.number(b.at("duration"), "seconds")
	done := func(name string) node { return b.at("metrics", name, "successful") }
	if v := in.number(done("prompt_token_count").at("mean"), "a number of tokens"); v != nil {
		d.facts.InputTokens = *v
		d.input = in.number(done("prompt_token_count").at("median"), "a number of tokens")
	}
	if v := in.number(done("output_token_count").at("mean"), "a number of tokens"); v != nil {
		d.facts.OutputTokens = *v
		d.output = in.number(done("output_token_count").at("median"), "a number of tokens")
	}
	d.cell.Throughput = baseline.Throughput{
		Requests:     in.number(done("requests_per_second").at("mean"), "requests a second"),
		OutputTokens: in.number(done("output_tokens_per_second").at("mean"), "tokens a second"),
		TotalTokens:  in.number(done("tokens_per_second").at("mean"), "tokens a second"),
	}
	d.cell.Load.MeanConcurrency = in.number(done("request_concurrency").at("mean"), "a number of requests")
	if good := in.number(done("request_goodput").at("mean"), "requests a second"); good != nil {
		d.cell.Goodput = &baseline.Goodput{PerSecond: *good}
	}
}

// guidellmLoad reads the strategy. max_concurrency of an open loop is a bound of the tool,
// not of the test.
func (in *input) guidellmLoad(d *draft, b node) {
	strategy := b.at("config", "strategy")
	if !strategy.known() {
		strategy = b.first("strategy", "args").first("strategy", "type_")
		if strategy.kind != objectKind {
			strategy = b.at("args", "strategy")
		}
	}
	switch kind := strategy.first("type_", "kind"); kind.text {
	case "synchronous":
		d.facts.Concurrency = 1
	case "concurrent":
		d.facts.Concurrency = in.need(strategy.first("streams", "max_concurrency"), "a number of streams, 4 for example")
	case "throughput":
		d.facts.Unlimited = true
		if top := in.number(strategy.at("max_concurrency"), "a number of requests"); top != nil && *top > 0 {
			d.facts.Unlimited, d.facts.Concurrency = false, *top
		}
	case "constant", "poisson", "async":
		d.facts.Rate = in.need(strategy.at("rate"), "requests a second, 4 for example")
		if kind.text == "poisson" {
			d.cell.Load.Burstiness = new(1.0)
		}
	default:
		in.refuse(kind, "synchronous, concurrent, throughput, constant or poisson")
	}
}

// guidellmTimes reads the distributions of successful requests. A distribution of an
// answer that was not streamed has only zeros; its ITL has a count all the same.
func (in *input) guidellmTimes(d *draft, b node) {
	distribution := func(def baseline.Definition, scale float64, metric string) (baseline.Indicator, bool) {
		n := b.at("metrics", metric, "successful")
		return in.indicator(def, scale, figures{
			count: n.at("count"), mean: n.at("mean"), median: n.at("median"), stddev: n.at("std_dev"), min: n.at("min"), max: n.at("max"),
			quantiles: guidellmPercentiles(n.at("percentiles")),
		})
	}
	e2e := guidellmDefinition
	e2e.Stop = baseline.EndOfBody
	one, ok := distribution(e2e, 1, "request_latency")
	d.put(baseline.E2E, one, ok)
	one, ok = distribution(guidellmDefinition, 1e-3, "time_to_first_token_ms")
	d.put(baseline.TTFT, one, ok && (one.Count == nil || *one.Count > 0))
	streamed := d.cell.Indicators[baseline.TTFT].Count != nil || len(d.cell.Indicators[baseline.TTFT].Quantiles) > 0
	d.cell.Stream = &streamed
	if !streamed {
		return
	}
	weighted := guidellmDefinition
	weighted.Start, weighted.Stop, weighted.Over, weighted.Tokens = baseline.FirstContent, baseline.LastContent, baseline.PerToken, baseline.Usage
	one, ok = distribution(weighted, 1e-3, "inter_token_latency_ms")
	d.put(baseline.TPOT, one, ok)
	weighted.Start = baseline.Sending
	one, ok = distribution(weighted, 1e-3, "time_per_output_token_ms")
	d.put(baseline.NTPOT, one, ok)
	d.cell.Flag(baseline.TokenWeighted)
}

// guidellmPercentiles reads p01…p99. p001 is 0.1 %, and p999 is 99.9 %.
func guidellmPercentiles(n node) (out []figure) {
	shares := map[string]float64{
		"p001": .001, "p01": .01, "p05": .05, "p10": .1, "p25": .25, "p50": .5, "p75": .75, "p90": .9, "p95": .95, "p99": .99, "p999": .999,
	}
	for i, key := range n.keys {
		if p, known := shares[key]; known {
			out = append(out, figure{p, n.items[i]})
		}
	}
	slices.SortFunc(out, func(a, b figure) int { return int(a.p*1000) - int(b.p*1000) })
	return out
}
