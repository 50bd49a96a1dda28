package importer

import (
	"regexp"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// aiperfRows reads profile_export.jsonl, a line for each request. Warm-up requests are
// among them.
var aiperfRows = Importer{
	Tool: "aiperf", Form: "requests (profile_export.jsonl)",
	match: func(h head) bool { return h.json("metadata", "metrics", "request_start_ns") },
	read: func(in *input) error {
		var rows aiperfRun
		s := newScanner(in.body)
		for s.more() {
			if err := rows.add(in, s); err != nil {
				return err
			}
		}
		rows.finish(in)
		return nil
	},
}

// aiperfRun gathers the requests of a file.
type aiperfRun struct {
	ttft, tpot, itl, e2e, input, output baseline.Sample
	ok, failed                          int
	first, last                         float64 // ns
	gaps                                []float64
}

// aiperfRow is one request. NaN-free: unknown fields are negative.
type aiperfRow struct {
	start, end                     float64
	warmup, failed, cancelled      bool
	ttft, tpot, e2e, input, output float64
}

// add reads one line.
func (r *aiperfRun) add(in *input, s *scanner) error {
	row := aiperfRow{start: -1, end: -1, ttft: -1, tpot: -1, e2e: -1, input: -1, output: -1}
	r.gaps = r.gaps[:0]
	err := s.object(func(key string) (err error) {
		switch key {
		case "metadata":
			return row.metadata(s)
		case "metrics":
			return s.object(func(key string) error { return r.metric(in, s, &row, key) })
		case "error":
			row.failed = s.next() == '{'
		}
		return s.skip()
	})
	if err != nil || row.warmup {
		return err
	}
	if row.start >= 0 && (r.first == 0 || row.start < r.first) {
		r.first = row.start
	}
	r.last = max(r.last, row.end)
	if row.failed || row.cancelled || row.e2e < 0 {
		r.failed++
		return nil
	}
	r.ok++
	for _, one := range []struct {
		to *baseline.Sample
		v  float64
	}{{&r.ttft, row.ttft}, {&r.tpot, row.tpot}, {&r.e2e, row.e2e}, {&r.input, row.input}, {&r.output, row.output}} {
		if one.v >= 0 {
			one.to.Add(one.v)
		}
	}
	for _, gap := range r.gaps {
		r.itl.Add(gap)
	}
	return nil
}

func (row *aiperfRow) metadata(s *scanner) error {
	return s.object(func(key string) (err error) {
		switch key {
		case "request_start_ns":
			row.start, _, err = s.finite()
		case "request_end_ns":
			row.end, _, err = s.finite()
		case "benchmark_phase":
			var phase string
			phase, err = s.key()
			row.warmup = phase != "profiling"
		case "was_cancelled":
			var word byte
			word, err = s.bare()
			row.cancelled = word == 't'
		default:
			err = s.skip()
		}
		return err
	})
}

// metric reads one metric of a request.
func (r *aiperfRun) metric(in *input, s *scanner, row *aiperfRow, key string) error {
	to, time := &row.ttft, true
	switch key {
	case "time_to_first_token":
	case "inter_token_latency":
		to = &row.tpot
	case "request_latency":
		to = &row.e2e
	case "input_sequence_length":
		to, time = &row.input, false
	case "output_sequence_length":
		to, time = &row.output, false
	case "inter_chunk_latency":
		to = nil
	default:
		return s.skip()
	}
	value, scale := -1., 1.
	err := s.object(func(key string) (err error) {
		switch {
		case key == "unit" && time:
			scale, err = in.unit(s)
		case key == "value" && to == nil:
			err = s.eachNumber(func(gap float64) {
				if gap >= 0 {
					r.gaps = append(r.gaps, gap)
				}
			})
		case key == "value":
			value, _, err = s.finite()
		default:
			err = s.skip()
		}
		return err
	})
	if to != nil && value >= 0 {
		*to = scaled(value, scale)
	}
	if to == nil {
		for i := range r.gaps {
			r.gaps[i] = scaled(r.gaps[i], scale)
		}
	}
	return err
}

// unit reads a unit of time, in seconds.
func (in *input) unit(s *scanner) (float64, error) {
	line := s.line
	unit, err := s.key()
	if err != nil {
		return 0, err
	}
	scale, known := scaleOf(unit)
	if !known {
		scale, _ = in.scale(node{kind: textKind, line: line, path: string(s.path), text: unit})
	}
	return scale, nil
}

// finish makes a draft of the requests.
func (r *aiperfRun) finish(in *input) {
	d := draft{line: 1}
	d.cell.Requests = baseline.Requests{OK: r.ok, Failed: &r.failed}
	if r.ok == 0 {
		in.wrong = append(in.wrong, &Problem{Field: "metrics", Got: "no request of the phase profiling succeeded", Want: "1 or more"})
		return
	}
	lengths(&d, &r.input, &r.output)
	if seconds := (r.last - r.first) / 1e9; seconds > 0 {
		d.cell.Duration = &seconds
		d.cell.Load.MeanConcurrency = new(r.e2e.Sum() / seconds)
		d.cell.Throughput.Requests = new(float64(r.ok) / seconds)
		d.cell.Throughput.OutputTokens = new(r.output.Sum() / seconds)
	}
	streamed := r.ttft.Count() > 0
	d.cell.Stream = &streamed
	for name, sample := range map[baseline.Name]*baseline.Sample{baseline.TTFT: &r.ttft, baseline.TPOT: &r.tpot, baseline.ITL: &r.itl, baseline.E2E: &r.e2e} {
		d.combine(name, sample, nvidiaDefinition(name))
	}
	in.drafts = append(in.drafts, d)
}

// lengths takes the lengths of a draft from samples of tokens.
func lengths(d *draft, input, output *baseline.Sample) {
	if input.Count() > 0 {
		d.facts.InputTokens, d.input = input.Sum()/float64(input.Count()), new(input.Quantile(.5, baseline.Linear))
	}
	if output.Count() > 0 {
		d.facts.OutputTokens, d.output = output.Sum()/float64(output.Count()), new(output.Quantile(.5, baseline.Linear))
	}
}

// The summaries in CSV. They have two decimals, and neither model nor load.
var (
	aiperfCSV = Importer{
		Tool: "aiperf", Form: "summary (profile_export_aiperf.csv)",
		match: func(h head) bool {
			return strings.HasPrefix(h.line(), "Metric,avg,") && (strings.Contains(h.line(), ",sum,") || strings.HasSuffix(h.line(), ",std"))
		},
		read: (*input).nvidiaCSV,
	}
	genaiperfCSV = Importer{
		Tool: "genai-perf", Form: "summary (profile_export_genai_perf.csv)",
		match: func(h head) bool { return strings.HasPrefix(h.line(), "Metric,avg,") },
		read:  (*input).nvidiaCSV,
	}
)

var metricCell = regexp.MustCompile(`^(.+) \(([^()]+)\)$`)

// nvidiaCSV reads the sections of a summary, each with a header of its own, as the node
// that the summary in JSON is.
func (in *input) nvidiaCSV() error {
	t, err := newTable(in.body, ',')
	if err != nil {
		return err
	}
	n := node{kind: objectKind, line: 1}
	header := t.names
	for {
		more, err := t.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		record := make([]string, len(t.fields))
		for i, field := range t.fields {
			record[i] = string(field)
		}
		if record[0] == "Metric" {
			header = record
			continue
		}
		key, one := nvidiaRow(header, record, t.first)
		n.set(key, one)
	}
	d := draft{line: 1}
	in.nvidiaMetrics(&d, n)
	in.drafts = append(in.drafts, d)
	return nil
}

// nvidiaRow is "Time to First Token (ms),89.1,…" as time_to_first_token: {unit: ms, …}.
func nvidiaRow(header, record []string, line int) (string, node) {
	name, unit := record[0], ""
	if m := metricCell.FindStringSubmatch(name); m != nil {
		name, unit = m[1], m[2]
	}
	key := strings.ReplaceAll(strings.ToLower(name), " ", "_")
	one := node{kind: objectKind, line: line, path: record[0], keys: []string{"unit"}, items: []node{{kind: textKind, line: line, path: record[0], text: unit}}}
	for i := 1; i < len(record) && i < len(header); i++ {
		if record[i] == "" {
			continue
		}
		column := header[i]
		if column == "Value" {
			column = "avg"
		}
		// GenAI-Perf writes thousands with commas.
		one.keys = append(one.keys, column)
		one.items = append(one.items, word(strings.ReplaceAll(record[i], ",", ""), line, record[0]+" "+column))
	}
	return key, one
}
