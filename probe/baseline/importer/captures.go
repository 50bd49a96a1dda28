package importer

import (
	"encoding/json"
	"errors"
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

// captureLines reads the lines. The last one may be cut, as that of a file which headway is
// still writing.
func (in *input) captureLines() error {
	runs := map[string]*captureRun{}
	for l, err := range capture.Read(in.body) {
		var bad *capture.LineError
		if errors.As(err, &bad) {
			return badLine(bad)
		}
		if err != nil {
			return err
		}
		if l.Kind != "" || l.Origin != string(exchange.App) || l.Model.Request == "" {
			continue
		}
		run := runs[l.Model.Request]
		if run == nil {
			run = &captureRun{}
			runs[l.Model.Request] = run
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

// badLine is the problem of a line of a capture.
func badLine(bad *capture.LineError) *Problem {
	out := &Problem{Line: bad.Number, Got: bad.Err.Error(), Want: "a line that headway wrote"}
	var version capture.VersionError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(bad, &version):
		out.Field, out.Got, out.Want = "v", strconv.Itoa(int(version)), strconv.Itoa(capture.Version)
	case errors.As(bad, &kind):
		out.Field, out.Got, out.Want = kind.Field, "a "+kind.Value, "a "+kind.Type.String()
	}
	return out
}

// captureRun gathers the exchanges of one model.
type captureRun struct {
	ttft, ttfb, tpot, e2e, input, output baseline.Sample
	ok, failed                           int
	first, last                          time.Time
	counted                              bool // by headway, from chunks
}

func (r *captureRun) add(l *capture.Line) {
	if r.first.IsZero() || l.Start.Before(r.first) {
		r.first = l.Start
	}
	if end := l.Start.Add(time.Duration(l.E2E * float64(time.Second))); end.After(r.last) {
		r.last = end
	}
	if l.Outcome != string(exchange.OK) {
		r.failed++
		return
	}
	r.ok++
	r.counted = r.counted || l.Tokens.Source != "" && l.Tokens.Source != string(exchange.Reported)
	for _, one := range []struct {
		to *baseline.Sample
		v  float64
	}{
		{&r.ttft, l.TTFT}, {&r.ttfb, l.FirstByte}, {&r.tpot, l.TPOT}, {&r.e2e, l.E2E},
		{&r.input, tokens(l.Tokens.Input)}, {&r.output, tokens(l.Tokens.Output)},
	} {
		if one.v > 0 {
			one.to.Add(one.v)
		}
	}
}

// tokens is a count; 0 is unknown.
func tokens(count *int64) float64 {
	if count == nil {
		return 0
	}
	return float64(*count)
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
	tokens := baseline.Usage
	if r.counted {
		tokens = baseline.Chunks
	}
	for name, sample := range map[baseline.Name]*baseline.Sample{baseline.TTFT: &r.ttft, baseline.TTFB: &r.ttfb, baseline.TPOT: &r.tpot, baseline.E2E: &r.e2e} {
		d.combine(name, sample, baseline.Own(name, tokens))
	}
	if r.ttft.Count() == 0 && r.ttfb.Count() > 0 && strings.TrimSpace(model) != "" {
		d.cell.Flag(baseline.FirstByteOnly)
	}
	in.drafts = append(in.drafts, d)
}
