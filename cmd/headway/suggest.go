package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/hindsight"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

const suggestUsage = `usage: headway slo suggest [flags] CAPTURE…

Prints an SLO file that the captured time would have kept, and as comments how much
room was left and which timeouts would suit the clients. CAPTURE is a file that
HEADWAY_CAPTURE_FILE named, rotated ones (.1, .2) too; - is standard input.
headway slo -h describes the others: headway slo convert and headway slo import.`

// suggestOptions are the parsed arguments of slo suggest.
type suggestOptions struct {
	files []string
	by    []report.By
	wish  hindsight.Wish
}

// runSuggest is `headway slo suggest`.
func runSuggest(args []string, out, errs io.Writer) error {
	o, err := parseSuggest(args, out)
	if err != nil {
		return err
	}
	return o.suggest(out, errs)
}

func parseSuggest(args []string, out io.Writer) (suggestOptions, error) {
	var o suggestOptions
	f := newFlags("slo suggest")
	f.Float64Var(&o.wish.Objective, "objective", 99, "`percent` of calls that an SLO asks to be good")
	window := f.String("window", "30d", "`time` over which the objective has to hold: 30d, 4w, 720h")
	f.Float64Var(&o.wish.Margin, "margin", .2, "`share` by which the limits are longer than was needed; 0.2 is a fifth")
	by := f.String("by", "operation,model", "`fields` by which SLOs are apart: some of operation, model, upstream")
	good := f.String("good", "", "`indicators` to limit: ttft,tpot,itl_p99,stall,e2e, say; without it, ttft,tpot for streams and e2e for answers in one piece")
	f.StringVar((*string)(&o.wish.Judge), "judge", "", "`event` to judge: chain or attempt; without it, attempt if all captures are of sidecars beside model servers, else chain")
	var err error
	if o.files, err = parseArguments(f, args, suggestUsage, out); err != nil {
		return o, err
	}
	wrong := checkCaptures(o.files)
	if o.wish.Window, err = slo.ParseWindow(*window); err != nil {
		wrong = append(wrong, fmt.Errorf("--window: %w", err))
	} else {
		wrong = append(wrong, o.checkPromise()...)
	}
	if o.by, err = parseFields(*by); err != nil {
		wrong = append(wrong, err)
	}
	if o.wish.Good, err = parseIndicators(*good); err != nil {
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// checkPromise returns every problem of the flags that an SLO with these values would have,
// and those of the margin.
func (o *suggestOptions) checkPromise() []error {
	var wrong []error
	promise := slo.SLO{Name: "suggested", Objective: o.wish.Objective, Window: o.wish.Window, Judge: o.wish.Judge}
	promise.Place("", "-", map[string]int{"objective": 1, "window": 1})
	for _, p := range slo.Check(slo.Set{SLOs: []slo.SLO{promise}}) {
		wrong = append(wrong, fmt.Errorf("--%s: %s; %s", strings.TrimPrefix(p.Key, "-."), p.Wrong, p.Right))
	}
	if o.wish.Judge == slo.Turn {
		wrong = append(wrong, errors.New("--judge: limits of turns cannot be suggested; write chain or attempt"))
	}
	if !(o.wish.Margin >= 0 && o.wish.Margin <= 10) {
		wrong = append(wrong, fmt.Errorf("--margin: %v is out of bounds; write a share from 0 to 10: 0.2 for a fifth", o.wish.Margin))
	}
	return wrong
}

// parseFields reads operation,model: fields of reports, in any order.
func parseFields(text string) ([]report.By, error) {
	var out []report.By
	for field := range strings.SplitSeq(text, ",") {
		field = strings.TrimSpace(field)
		if !slices.Contains(reportDivisions(), field) {
			return nil, fmt.Errorf("--by %q: want some of operation, model and upstream, as in operation,model%s", field, meant(field, reportDivisions()))
		}
		out = append(out, report.By(field))
	}
	return out, nil
}

// parseIndicators reads ttft,tpot: indicators that have limits, each once.
func parseIndicators(text string) ([]exchange.Indicator, error) {
	if text == "" {
		return nil, nil
	}
	var known []string
	for _, i := range exchange.Indicators()[1:] {
		known = append(known, i.String())
	}
	var out []exchange.Indicator
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		at := slices.Index(known, word)
		if at < 0 {
			return nil, fmt.Errorf("--good %q: want some of %s%s", word, strings.Join(known, ", "), meant(word, known))
		}
		i := exchange.Indicators()[1+at]
		if slices.Contains(out, i) {
			return nil, fmt.Errorf("--good: %s stands there twice; write it once", word)
		}
		out = append(out, i)
	}
	slices.Sort(out)
	return out, nil
}

func (o *suggestOptions) suggest(out, errs io.Writer) error {
	defer littleMemory()()
	gathered, waits := hindsight.NewGatherer(o.by...), hindsight.NewWaits(report.ByNothing)
	lines := 0
	err := readCaptures("slo suggest", o.files, errs, func(l capture.Line) {
		lines++
		gathered.Add(l)
		waits.Add(l)
	})
	if err != nil {
		return err
	}
	if lines == 0 {
		return errEmptyCapture
	}
	found := gathered.Suggest(o.wish)
	timeouts := waits.Timeouts()
	return found.Write(out, timeouts.Recommended()...)
}
