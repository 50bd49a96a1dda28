package importer

import (
	"math"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// vllmJSON reads what `vllm bench serve --save-result` writes: one run, runs appended to
// one file, or the array of a sweep. Times of the summary are milliseconds, those of single
// requests seconds. Read at vllm-project/vllm 009e6d4 and in files of 0.25 and 0.33.
var vllmJSON = Importer{
	Tool: "vllm", Form: "result file (JSON)",
	match: func(h head) bool {
		return h.json("tokenizer_id", "total_input_tokens", "request_rate") || h.json("model_id", "request_throughput", "mean_ttft_ms")
	},
	read: func(in *input) error {
		s := newScanner(in.body)
		for s.more() {
			if s.next() != '[' {
				if err := in.vllmRun(s); err != nil {
					return err
				}
				continue
			}
			if err := s.array(func(int) error { return in.vllmRun(s) }); err != nil {
				return err
			}
		}
		return nil
	},
}

// vllmDefinition: TTFT stops at the first chunk with a choice that is more than a role;
// connections are kept, and all requests share them.
func vllmDefinition(name baseline.Name) baseline.Definition {
	return benchDefinition(name, baseline.ConnectSome, baseline.LastContent)
}

// benchDefinition has all that vLLM's benchmark and SGLang's, which descends from it,
// measure alike. E2E stops at end.
func benchDefinition(name baseline.Name, connect baseline.Connect, end baseline.Edge) baseline.Definition {
	d := baseline.Definition{Start: baseline.Sending, Stop: baseline.FirstContent, Over: baseline.Request, Connect: connect, Percentiles: baseline.Linear}
	switch name {
	case baseline.TPOT:
		d.Start, d.Stop, d.Tokens = baseline.FirstContent, baseline.LastContent, baseline.Usage
	case baseline.ITL:
		d.Start, d.Stop, d.Over = baseline.FirstContent, baseline.LastContent, baseline.ChunkGap
	case baseline.E2E:
		d.Stop = end
	}
	return d
}

// benchRows are the rows of single requests that vLLM and SGLang write as arrays, in
// seconds. A failed request keeps its place.
type benchRows struct {
	inputs, outputs, ttfts, latencies []float64
	gaps                              benchGaps
	failed                            []bool
}

// benchGaps are the gaps between the chunks of all requests, which are nearly all of a
// file. They go into a sample as they are read. Whether a request failed stands behind
// them, but its output is 0 tokens then: the gaps of such a request wait in held.
type benchGaps struct {
	sample baseline.Sample
	sums   []float64 // of each request
	held   map[int][]float64
	values int // in held
}

// mostHeld bounds the gaps that wait. Beyond it they count as those of good requests.
const mostHeld = 1 << 20

// read reads the gaps of a request.
func (g *benchGaps) read(s *scanner, i int, outputs []float64) error {
	sum := 0.
	tokens, counted := at(outputs, i)
	hold := (!counted || tokens == 0) && g.values < mostHeld
	err := s.eachNumber(func(gap float64) {
		switch {
		case !(gap >= 0) || math.IsInf(gap, 0):
		case hold:
			g.held[i] = append(g.held[i], gap)
			g.values++
			sum += gap
		default:
			g.sample.Add(gap)
			sum += gap
		}
	})
	g.sums = append(g.sums, sum)
	return err
}

// read reads an array of rows, and says whether key names one.
func (r *benchRows) read(s *scanner, key string) (bool, error) {
	var err error
	switch key {
	case "input_lens":
		r.inputs, err = s.numbers()
	case "output_lens":
		r.outputs, err = s.numbers()
	case "ttfts":
		r.ttfts, err = s.numbers()
	case "latencies":
		r.latencies, err = s.numbers()
	case "itls":
		r.gaps = benchGaps{held: map[int][]float64{}}
		err = s.array(func(i int) error { return r.gaps.read(s, i, r.outputs) })
	case "errors":
		r.failed = nil
		err = s.array(func(int) error {
			message, err := s.nonempty()
			r.failed = append(r.failed, message)
			return err
		})
	default:
		return false, nil
	}
	return true, err
}

// benchRun reads the object of one run: the summary, and the rows if there are some. It
// passes over all other lists, of generated text for example, and over what the server
// tells of itself.
func (s *scanner) benchRun() (n node, rows benchRows, err error) {
	s.next()
	n.kind, n.line, n.path = objectKind, s.line, string(s.path)
	err = s.object(func(key string) error {
		if is, err := rows.read(s, key); is {
			return err
		}
		if s.next() == '[' || key == "server_info" {
			return s.skip()
		}
		item, err := s.node(nil)
		n.keys, n.items = append(n.keys, key), append(n.items, item)
		return err
	})
	return n, rows, err
}

// vllmRun reads one run.
func (in *input) vllmRun(s *scanner) error {
	n, rows, err := s.benchRun()
	if err != nil {
		return err
	}
	if !n.has("completed", "duration") {
		in.refuse(n.first("completed", "duration"), "a run of vllm bench serve")
		return nil
	}
	d := draft{line: n.line}
	in.benchCounts(&d, n)
	d.cell.Requests.Failed = in.count(n.at("failed"))
	d.cell.Source.Started = in.string(n.at("date"), "a date")
	d.facts.Model = in.string(n.at("model_id"), "the name of a model")
	in.vllmLoad(&d, n)
	if n.at("ramp_up_strategy").known() {
		d.cell.Flag(baseline.MixedWorkloads)
	}
	if backend := n.first("endpoint_type", "backend").text; !strings.Contains(backend, "chat") {
		d.cell.Flag(baseline.FinishChunkInGaps)
	}
	for name, key := range map[baseline.Name]string{baseline.TTFT: "ttft_ms", baseline.TPOT: "tpot_ms", baseline.ITL: "itl_ms", baseline.E2E: "e2el_ms"} {
		one, ok := in.benchIndicator(vllmDefinition(name), n, key)
		d.put(name, one, ok)
	}
	rows.addTo(&d, vllmDefinition)
	in.drafts = append(in.drafts, d)
	return nil
}

// benchCounts reads what vLLM and SGLang share.
func (in *input) benchCounts(d *draft, n node) {
	d.cell.Requests.OK = in.completed(n.at("completed"))
	done := float64(max(d.cell.Requests.OK, 1))
	d.facts.InputTokens = in.need(n.first("total_input_tokens", "total_input"), "a number of tokens, 34071 for example") / done
	d.facts.OutputTokens = in.need(n.first("total_output_tokens", "total_output"), "a number of tokens, 7680 for example") / done
	d.cell.Duration = in.number(n.at("duration"), "seconds, 26.3 for example")
	d.cell.Throughput = baseline.Throughput{
		Requests:     in.number(n.at("request_throughput"), "requests a second"),
		OutputTokens: in.number(n.at("output_throughput"), "tokens a second"),
		TotalTokens:  in.number(n.first("total_token_throughput", "total_throughput"), "tokens a second"),
	}
	if good := in.number(n.at("request_goodput"), "requests a second"); good != nil {
		d.cell.Goodput = &baseline.Goodput{PerSecond: *good}
	}
}

// vllmLoad reads request_rate, which is the text "inf" for every request at once, and the
// cap of concurrency. A cap alone is a closed loop.
func (in *input) vllmLoad(d *draft, n node) {
	const want = `requests a second, 4 for example, or "inf"`
	rate := n.at("request_rate")
	switch {
	case rate.kind == textKind && (rate.text == "inf" || rate.text == "Infinity"), rate.kind == numberKind && math.IsInf(rate.number, 1):
	case !rate.known():
		in.refuse(rate, want)
	default:
		d.facts.Rate = in.need(rate, want)
	}
	if top := in.number(n.at("max_concurrency"), "a number of requests, 4 for example, or null"); top != nil {
		d.facts.Concurrency = *top
	}
	d.facts.Unlimited = d.facts.Rate == 0 && d.facts.Concurrency == 0
	if d.facts.Rate > 0 {
		d.cell.Load.Burstiness = in.number(n.at("burstiness"), "a number, 1.0 for example")
	}
}

// benchIndicator reads mean_KEY, median_KEY, std_KEY, and p99_KEY and the like.
func (in *input) benchIndicator(d baseline.Definition, n node, key string) (baseline.Indicator, bool) {
	return in.indicator(d, 1e-3, figures{
		mean: n.at("mean_" + key), median: n.at("median_" + key), stddev: n.at("std_" + key),
		max: n.at("max_" + key), quantiles: percentiles(n, "p", "_"+key),
	})
}

// addTo adds the distributions of single requests to d. It takes the requests without
// error, as the tools do.
func (r *benchRows) addTo(d *draft, definition func(baseline.Name) baseline.Definition) {
	good := func(i int) bool { return i >= len(r.failed) || !r.failed[i] }
	var ttft, tpot, e2e, input, output baseline.Sample
	for i := range max(len(r.ttfts), len(r.latencies)) {
		if !good(i) {
			if _, waited := r.gaps.held[i]; !waited && i < len(r.gaps.sums) && r.gaps.sums[i] > 0 {
				d.cell.Flag(baseline.FailuresIn)
			}
			continue
		}
		first, known := at(r.ttfts, i)
		if known {
			ttft.Add(first)
		}
		latency, whole := at(r.latencies, i)
		if i < len(r.gaps.sums) {
			for _, gap := range r.gaps.held[i] {
				r.gaps.sample.Add(gap)
			}
			if !whole && known {
				latency, whole = first+r.gaps.sums[i], true
			}
		}
		if whole {
			e2e.Add(latency)
		}
		tokens, counted := at(r.outputs, i)
		if counted && tokens > 1 && whole && known && latency > first {
			tpot.Add((latency - first) / (tokens - 1))
		}
		add(&input, r.inputs, i)
		add(&output, r.outputs, i)
	}
	for name, sample := range map[baseline.Name]*baseline.Sample{baseline.TTFT: &ttft, baseline.TPOT: &tpot, baseline.ITL: &r.gaps.sample, baseline.E2E: &e2e} {
		d.combine(name, sample, definition(name))
	}
	if input.Count() > 0 && output.Count() > 0 {
		d.input, d.output = new(input.Quantile(.5, baseline.Linear)), new(output.Quantile(.5, baseline.Linear))
	}
	if d.cell.Duration != nil && *d.cell.Duration > 0 && e2e.Count() > 0 {
		d.cell.Load.MeanConcurrency = new(e2e.Sum() / *d.cell.Duration)
	}
}

// at returns the number of row i, if it is one.
func at(rows []float64, i int) (float64, bool) {
	if i >= len(rows) || !(rows[i] >= 0) || math.IsInf(rows[i], 0) {
		return 0, false
	}
	return rows[i], true
}

func add(s *baseline.Sample, rows []float64, i int) {
	if v, ok := at(rows, i); ok {
		s.Add(v)
	}
}
