package importer

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// captures reads headway's own captures: a cell for each model. Production has no load
// that somebody asked for, so the caller tells it.
var captures = Importer{
	Tool: "headway", Form: "capture (HEADWAY_CAPTURE_FILE)",
	match: func(h head) bool { return h.json("v", "origin", "mode") || h.json("v", "start", "kind") },
	read:  (*input).captureLines,
}

// captureLine is what a cell needs of a line. Zero fields are not there.
type captureLine struct {
	version                       float64
	kind, origin, outcome, source string
	model                         string
	start                         time.Time
	firstByte, ttft, tpot, e2e    float64
	input, output                 float64
}

// captureLines reads the lines. The last one may be cut, as that of a file which headway is
// still writing.
func (in *input) captureLines() error {
	runs := map[string]*captureRun{}
	s := newScanner(in.body)
	for s.more() {
		began := s.line
		var l captureLine
		if err := s.object(func(key string) error { return l.field(s, key) }); err != nil {
			if s.next() != 0 {
				return err
			}
			if s.line == began {
				break
			}
			return &Problem{Line: began, Got: "a line that is cut", Want: "a line that headway wrote"}
		}
		if l.version != capture.Version {
			return &Problem{Line: began, Field: "v", Got: strconv.FormatFloat(l.version, 'g', -1, 64), Want: strconv.Itoa(capture.Version)}
		}
		if l.kind != "" || l.origin != string(exchange.App) || l.model == "" {
			continue
		}
		run := runs[l.model]
		if run == nil {
			run = &captureRun{}
			runs[l.model] = run
		}
		run.add(&l)
	}
	for _, model := range slices.Sorted(maps.Keys(runs)) {
		runs[model].finish(in, model)
	}
	if len(in.drafts) == 0 {
		return &Problem{Field: "outcome", Got: "no exchange of the application, with a model, ended well", Want: "1 or more"}
	}
	return nil
}

// field reads one field of a line.
func (l *captureLine) field(s *scanner, key string) (err error) {
	switch key {
	case "v":
		l.version, _, err = s.finite()
	case "kind":
		l.kind, err = s.key()
	case "origin":
		l.origin, err = s.key()
	case "outcome":
		l.outcome, err = s.key()
	case "start":
		if _, err = s.raw(); err == nil && l.start.UnmarshalText(s.text) != nil {
			err = s.wrong(strconv.Quote(shortened(string(s.text))), "a date such as 2026-11-21T10:00:00Z")
		}
	case "first_byte_s":
		err = s.seconds(&l.firstByte)
	case "ttft_s":
		err = s.seconds(&l.ttft)
	case "tpot_s":
		err = s.seconds(&l.tpot)
	case "e2e_s":
		err = s.seconds(&l.e2e)
	case "model", "tokens":
		return s.object(func(key string) error { return l.field(s, key) })
	case "request":
		l.model, err = s.key()
	case "input":
		err = s.seconds(&l.input)
	case "output":
		err = s.seconds(&l.output)
	case "source":
		l.source, err = s.key()
	default:
		err = s.skip()
	}
	return err
}

// seconds reads a number, and leaves it if it is null.
func (s *scanner) seconds(to *float64) error {
	v, known, err := s.finite()
	if known {
		*to = v
	}
	return err
}

// captureRun gathers the exchanges of one model.
type captureRun struct {
	ttft, ttfb, tpot, e2e, input, output baseline.Sample
	ok, failed                           int
	first, last                          time.Time
	counted                              bool // by headway, from chunks
}

func (r *captureRun) add(l *captureLine) {
	if r.first.IsZero() || l.start.Before(r.first) {
		r.first = l.start
	}
	if end := l.start.Add(time.Duration(l.e2e * float64(time.Second))); end.After(r.last) {
		r.last = end
	}
	if l.outcome != string(exchange.OK) {
		r.failed++
		return
	}
	r.ok++
	r.counted = r.counted || l.source != "" && l.source != string(exchange.Reported)
	for _, one := range []struct {
		to *baseline.Sample
		v  float64
	}{{&r.ttft, l.ttft}, {&r.ttfb, l.firstByte}, {&r.tpot, l.tpot}, {&r.e2e, l.e2e}, {&r.input, l.input}, {&r.output, l.output}} {
		if one.v > 0 {
			one.to.Add(one.v)
		}
	}
}

// captureDefinition: the clock starts when headway has read the head of the request, on a
// connection that the client has opened.
func captureDefinition(name baseline.Name, counted bool) baseline.Definition {
	d := http(baseline.Sent, baseline.EndOfBody, baseline.ConnectOut, baseline.Linear)
	switch name {
	case baseline.TTFT:
		d.Stop = baseline.FirstContent
	case baseline.TTFB:
		d.Stop = baseline.FirstByte
	case baseline.TPOT:
		d.Start, d.Stop, d.Tokens = baseline.FirstContent, baseline.LastContent, baseline.Usage
		if counted {
			d.Tokens = baseline.Chunks
		}
	}
	return d
}

// finish makes a draft of the exchanges.
func (r *captureRun) finish(in *input, model string) {
	if r.ok == 0 || r.e2e.Count() == 0 {
		return
	}
	d := draft{line: 1}
	d.facts.Model = model
	d.cell.Requests = baseline.Requests{OK: r.ok, Failed: &r.failed}
	lengths(&d, &r.input, &r.output)
	if seconds := r.last.Sub(r.first).Seconds(); seconds > 0 {
		d.cell.Duration = &seconds
		d.cell.Throughput.Requests = new(float64(r.ok) / seconds)
		d.cell.Throughput.OutputTokens = new(r.output.Sum() / seconds)
		d.cell.Load.MeanConcurrency = new(r.e2e.Sum() / seconds)
	}
	d.cell.Source.Started = r.first.UTC().Format(time.RFC3339)
	for name, sample := range map[baseline.Name]*baseline.Sample{baseline.TTFT: &r.ttft, baseline.TTFB: &r.ttfb, baseline.TPOT: &r.tpot, baseline.E2E: &r.e2e} {
		d.combine(name, sample, captureDefinition(name, r.counted))
	}
	if r.ttft.Count() == 0 && r.ttfb.Count() > 0 && strings.TrimSpace(model) != "" {
		d.cell.Flag(baseline.FirstByteOnly)
	}
	in.drafts = append(in.drafts, d)
}
