package importer

import (
	"github.com/headway-sidecar/headway/probe/baseline"
)

// inferencePerfRows reads per_request_lifecycle_metrics.json. The requests of all stages
// are in it, so that it is one cell only if there was one stage.
var inferencePerfRows = Importer{
	Tool: "inference-perf", Form: "requests (per_request_lifecycle_metrics.json)",
	match: func(h head) bool {
		return h.json("start_time", "end_time", "computed_metrics") || h.json("start_time", "end_time", "response_metrics")
	},
	read: func(in *input) error {
		run := inferencePerfRun{samples: map[baseline.Name]*baseline.Sample{}}
		for _, name := range []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.NTPOT, baseline.ITL, baseline.E2E} {
			run.samples[name] = &baseline.Sample{}
		}
		s := newScanner(in.body)
		if err := s.array(func(int) error { return run.add(s) }); err != nil {
			return err
		}
		return run.finish(in)
	},
}

// inferencePerfRun gathers requests.
type inferencePerfRun struct {
	samples       map[baseline.Name]*baseline.Sample
	input, output baseline.Sample
	gaps          []float64
	failed        int
	clock         httpRun // the time of the run alone
}

// add reads one request.
func (r *inferencePerfRun) add(s *scanner) error {
	start, end, failed := 0., 0., false
	values := map[string]float64{}
	r.gaps = r.gaps[:0]
	err := s.object(func(key string) (err error) {
		switch key {
		case "start_time":
			start, _, err = s.finite()
		case "end_time":
			end, _, err = s.finite()
		case "error":
			failed = s.next() != 'n'
			err = s.skip()
		case "computed_metrics":
			if s.next() != '{' {
				return s.skip()
			}
			return s.object(func(key string) error { return r.metric(s, key, values) })
		default:
			err = s.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	r.clock.span(start, end)
	if _, measured := values["request_latency"]; failed || !measured {
		r.failed++
		return nil
	}
	keys := map[baseline.Name]string{
		baseline.TTFT: "time_to_first_token", baseline.TPOT: "time_per_output_token", baseline.NTPOT: "normalized_time_per_output_token", baseline.E2E: "request_latency",
	}
	for name, key := range keys {
		if v, known := values[key]; known {
			r.samples[name].Add(v)
		}
	}
	for _, gap := range r.gaps {
		r.samples[baseline.ITL].Add(gap)
	}
	for key, to := range map[string]*baseline.Sample{"input_tokens": &r.input, "output_tokens": &r.output} {
		if v, known := values[key]; known {
			to.Add(v)
		}
	}
	return nil
}

// metric reads one of the metrics that the tool computed.
func (r *inferencePerfRun) metric(s *scanner, key string, values map[string]float64) error {
	switch c := s.next(); {
	case key == "inter_token_latencies" && c == '[':
		return s.eachNumber(func(gap float64) {
			if gap >= 0 {
				r.gaps = append(r.gaps, gap)
			}
		})
	case c == '{', c == '[', c == '"':
		return s.skip()
	}
	v, known, err := s.finite()
	if known && v >= 0 && v < 1e300 {
		values[key] = v
	}
	return err
}

// finish makes a draft of the requests.
func (r *inferencePerfRun) finish(in *input) error {
	whole := r.samples[baseline.E2E]
	if whole.Count() == 0 {
		return &Problem{Line: 1, Field: "computed_metrics", Got: "no request without an error has a request_latency", Want: "1 or more"}
	}
	d := draft{line: 1}
	d.cell.Requests = baseline.Requests{OK: whole.Count(), Failed: &r.failed}
	lengths(&d, &r.input, &r.output)
	if seconds := r.clock.last - r.clock.first; seconds > 0 {
		d.cell.Duration = &seconds
		d.cell.Throughput = baseline.Throughput{Requests: new(float64(whole.Count()) / seconds), OutputTokens: new(r.output.Sum() / seconds)}
		d.cell.Load.MeanConcurrency = new(whole.Sum() / seconds)
	}
	for name, sample := range r.samples {
		d.combine(name, sample, inferencePerfDefinition(name))
	}
	in.drafts = append(in.drafts, d)
	return nil
}
