package importer

import (
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// AIPerf and its predecessor GenAI-Perf write one shape: an object for each metric, with
// its unit, avg, p1 … p99, min, max and std. The unit is authoritative. Read at
// ai-dynamo/aiperf db4f639 (files of schema 1.3 and 1.4) and
// triton-inference-server/perf_analyzer 263c5f6.
var (
	aiperfJSON = Importer{
		Tool: "aiperf", Form: "summary (profile_export_aiperf.json)",
		match: func(h head) bool {
			if h.json("aiperf_version", "input_config") && !h.has(`"aggregation_type"`) {
				return true
			}
			return h.json("request_latency", "avg") && (h.has(`"aiperf_version"`) || h.has(`"schema_version"`) || h.has(`"benchmark_duration"`))
		},
		read: func(in *input) error { return in.nvidia((*input).aiperfFacts) },
	}
	genaiperfJSON = Importer{
		Tool: "genai-perf", Form: "summary (profile_export_genai_perf.json)",
		match: func(h head) bool { return h.json("request_latency", "avg", "input_config") },
		read:  func(in *input) error { return in.nvidia((*input).genaiperfFacts) },
	}
)

// nvidiaDrop are the parts with commands, prompts and telemetry.
func nvidiaDrop(key string) bool {
	return key == "telemetry_data" || key == "telemetry_stats" || key == "sessions" || key == "warmup_metrics" || key == "cli_command" || strings.HasPrefix(key, "http_req_")
}

// nvidia reads a summary in JSON.
func (in *input) nvidia(facts func(*input, *draft, node)) error {
	n, err := in.document(nvidiaDrop)
	if err != nil {
		return err
	}
	d := draft{line: n.line}
	in.nvidiaMetrics(&d, n)
	facts(in, &d, n)
	in.drafts = append(in.drafts, d)
	return nil
}

// nvidiaDefinition: the first response with content stops TTFT, and the last one the
// request. Inter-token latency is one value a request, (latency − TTFT) ÷ (tokens − 1).
func nvidiaDefinition(name baseline.Name) baseline.Definition {
	d := baseline.Definition{Start: baseline.Sending, Stop: baseline.FirstContent, Over: baseline.Request, Connect: baseline.ConnectSome, Percentiles: baseline.Linear}
	switch name {
	case baseline.TPOT:
		d.Start, d.Stop, d.Tokens = baseline.FirstContent, baseline.LastContent, baseline.Tokenizer
	case baseline.ITL:
		d.Start, d.Stop, d.Over = baseline.FirstContent, baseline.LastContent, baseline.ChunkGap
	case baseline.E2E:
		d.Stop = baseline.LastContent
	}
	return d
}

// nvidiaMetrics reads the metrics of a summary.
func (in *input) nvidiaMetrics(d *draft, n node) {
	d.cell.Requests.OK = in.completed(n.at("request_count", "avg"))
	if failed := n.at("error_request_count", "avg"); failed.known() {
		d.cell.Requests.Failed = in.count(failed)
	} else if list := n.at("error_summary"); list.kind == arrayKind {
		total := 0
		for _, one := range list.items {
			if c := in.count(one.at("count")); c != nil {
				total += *c
			}
		}
		d.cell.Requests.Failed = &total
	}
	in.nvidiaLengths(d, n)
	d.cell.Throughput = baseline.Throughput{
		Requests:     in.number(n.at("request_throughput", "avg"), "requests a second"),
		OutputTokens: in.number(n.at("output_token_throughput", "avg"), "tokens a second"),
		TotalTokens:  in.number(n.at("total_token_throughput", "avg"), "tokens a second"),
	}
	d.cell.Duration = in.number(n.at("benchmark_duration", "avg"), "seconds")
	d.cell.Load.MeanConcurrency = in.number(n.at("effective_concurrency", "avg"), "a number of requests")
	if n.at("was_cancelled").text == "true" {
		d.cell.Flag(baseline.Cancelled)
	}
	metrics := map[baseline.Name]string{
		baseline.TTFT: "time_to_first_token", baseline.TPOT: "inter_token_latency", baseline.ITL: "inter_chunk_latency", baseline.E2E: "request_latency",
	}
	for name, key := range metrics {
		one, ok := in.nvidiaIndicator(nvidiaDefinition(name), n.at(key))
		d.put(name, one, ok)
	}
	if _, streamed := d.cell.Indicators[baseline.TTFT]; d.cell.Indicators != nil {
		d.cell.Stream = &streamed
	}
}

func (in *input) nvidiaLengths(d *draft, n node) {
	const want = "a number of tokens, 256 for example"
	if v := in.number(n.at("input_sequence_length", "avg"), want); v != nil {
		d.facts.InputTokens, d.input = *v, in.number(n.at("input_sequence_length", "p50"), want)
	}
	if v := in.number(n.at("output_sequence_length", "avg"), want); v != nil {
		d.facts.OutputTokens, d.output = *v, in.number(n.at("output_sequence_length", "p50"), want)
	}
}

// nvidiaIndicator reads one metric in its own unit.
func (in *input) nvidiaIndicator(d baseline.Definition, n node) (baseline.Indicator, bool) {
	if !n.known() {
		return baseline.Indicator{}, false
	}
	scale, ok := in.scale(n.at("unit"))
	if !ok {
		return baseline.Indicator{}, false
	}
	return in.indicator(d, scale, figures{
		count: n.at("count"), mean: n.at("avg"), stddev: n.at("std"), min: n.at("min"), max: n.at("max"), quantiles: percentiles(n, "p", ""),
	})
}

// scale is a unit of time in seconds. It refuses other units.
func (in *input) scale(unit node) (float64, bool) {
	v, known := scaleOf(unit.text)
	if !known {
		in.refuse(unit, `a unit of time: ns, us, ms or sec`)
	}
	return v, known
}

// scaleOf is a unit of time in seconds.
func scaleOf(unit string) (float64, bool) {
	switch unit {
	case "ns":
		return 1e-9, true
	case "us", "µs":
		return 1e-6, true
	case "ms":
		return 1e-3, true
	case "s", "sec", "seconds":
		return 1, true
	}
	return 0, false
}

// aiperfFacts reads the configuration of AIPerf, old and new.
func (in *input) aiperfFacts(d *draft, n node) {
	d.cell.Source.Version = in.string(n.at("aiperf_version"), "a version")
	d.cell.Source.Started = in.string(n.at("start_time"), "a date")
	config := n.at("input_config")
	d.facts.Model = config.at("models", "items").item(0).at("name").text
	if names := config.at("endpoint", "model_names"); names.known() {
		d.facts.Model = names.item(0).text
	}
	if config.at("endpoint", "use_server_token_count").text == "true" {
		d.usageTokens()
	}
	in.aiperfLoad(d, n, config)
	in.nvidiaGoodput(d, n, "goodput", config.at("slos"))
}

// usageTokens says of every indicator that divides by tokens that the server counted them.
func (d *draft) usageTokens() {
	for name, one := range d.cell.Indicators {
		if one.Definition.Tokens != "" {
			one.Definition.Tokens = baseline.Usage
			d.cell.Indicators[name] = one
		}
	}
}

// aiperfLoad finds the phase that was measured. A sweep names its point in run_info.
func (in *input) aiperfLoad(d *draft, n, config node) {
	phase := config.at("loadgen")
	if p := config.at("phases"); p.kind == objectKind {
		phase = p.at("profiling")
	} else {
		for _, one := range p.items {
			if one.at("name").text == "profiling" || one.at("kind").text == "profiling" {
				phase = one
			}
		}
	}
	in.aiperfWarmup(d, config.at("phases"))
	varied := n.at("run_info", "variation_values")
	read := func(name string, keys ...string) float64 {
		at := phase.first(keys...)
		if one := varied.at("phases.profiling." + name); one.known() {
			at = one
		}
		if v := in.number(at, "a number, 4 for example"); v != nil {
			return *v
		}
		return 0
	}
	d.facts.Concurrency = read("concurrency", "concurrency")
	d.facts.Rate = read("rate", "rate", "request_rate")
	if d.facts.Rate > 0 && (phase.at("type").text == "poisson" || phase.at("request_rate_mode").text == "poisson") {
		d.cell.Load.Burstiness = new(1.0)
	}
}

// aiperfWarmup refuses the summary of the warm-up, which has the configuration of the
// whole run: it has as many requests as the phase warmup asks for, and profiling does not.
func (in *input) aiperfWarmup(d *draft, phases node) {
	count := func(name string) float64 {
		for _, one := range phases.items {
			if one.at("name").text == name {
				return one.at("requests").number
			}
		}
		return 0
	}
	if warm := count("warmup"); warm == float64(d.cell.Requests.OK) && count("profiling") > warm {
		in.refuse(node{kind: textKind, line: d.line, path: "request_count", text: "those of the warm-up"}, "the summary of the phase profiling")
	}
}

// nvidiaGoodput reads the goodput, and the limits in milliseconds that it was judged by.
func (in *input) nvidiaGoodput(d *draft, n node, metric string, limits node) {
	good := in.number(n.at(metric, "avg"), "requests a second")
	if good == nil {
		return
	}
	d.cell.Goodput = &baseline.Goodput{PerSecond: *good, Limits: map[baseline.Name]float64{}}
	d.cell.Goodput.Ratio = in.number(n.at("good_request_fraction", "avg"), "a share")
	names := map[string]baseline.Name{"time_to_first_token": baseline.TTFT, "inter_token_latency": baseline.TPOT, "request_latency": baseline.E2E}
	for i, key := range limits.keys {
		if name, known := names[key]; known {
			if v := in.number(limits.items[i], "milliseconds"); v != nil {
				d.cell.Goodput.Limits[name] = *v / 1e3
			}
		}
	}
}

// genaiperfFacts reads the configuration of GenAI-Perf.
func (in *input) genaiperfFacts(d *draft, n node) {
	config := n.at("input_config")
	d.facts.Model = config.at("model_names").item(0).text
	stimulus := config.at("perf_analyzer", "stimulus")
	if v := in.number(stimulus.at("concurrency"), "a number of requests, 4 for example"); v != nil {
		d.facts.Concurrency = *v
	}
	if v := in.number(stimulus.at("request_rate"), "requests a second, 4 for example"); v != nil {
		d.facts.Rate = *v
	}
	in.nvidiaGoodput(d, n, "request_goodput", config.at("input", "goodput"))
}
