package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/production"
	"github.com/headway-sidecar/headway/probe/junit"
)

// condition is one of --fail-on: a limit of an indicator, or a share by which no indicator
// may be slower than the load test.
type condition struct {
	name  string // drift, ttft, tpot or e2e
	limit time.Duration
	share float64
}

// parseConditions reads drift:10%,ttft:500ms.
func parseConditions(text string) ([]condition, error) {
	known := []string{"drift", "ttft", "tpot", "e2e"}
	var out []condition
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, ":")
		c := condition{name: name}
		var err error
		switch name {
		case "drift":
			number, percent := strings.CutSuffix(value, "%")
			c.share, err = strconv.ParseFloat(number, 64)
			c.share /= 100
			if !percent || err != nil || !(c.share > 0 && c.share <= 10) {
				return nil, fmt.Errorf("--fail-on %q: want a percentage above 0: drift:10%%", part)
			}
		case "ttft", "tpot", "e2e":
			if c.limit, err = time.ParseDuration(value); err != nil || c.limit <= 0 {
				return nil, fmt.Errorf("--fail-on %q: want a duration: %s:500ms", part, name)
			}
		default:
			return nil, fmt.Errorf("--fail-on %q: want some of drift, ttft, tpot and e2e: drift:10%%,ttft:500ms%s", part, meant(name, known))
		}
		out = append(out, c)
	}
	return out, nil
}

// result is a run of --once as it is printed. Times are in seconds; 0 is unknown.
type result struct {
	Probe   string        `json:"probe"`
	Via     probe.Via     `json:"via"`
	Outcome probe.Outcome `json:"outcome"`
	Status  int           `json:"status,omitempty"`
	Input   *int64        `json:"input_tokens,omitempty"`
	Output  *int64        `json:"output_tokens,omitempty"`
	TTFT    float64       `json:"ttft_s,omitempty"`
	TPOT    float64       `json:"tpot_s,omitempty"`
	E2E     float64       `json:"e2e_s,omitempty"`
	Failed  []string      `json:"failed,omitempty"` // a sentence for each condition that does not hold
}

// judgeRuns holds runs against the conditions. Without a load test tested is nil.
func judgeRuns(runs []probe.Run, conditions []condition, tested *baseline.Baseline) []result {
	var out []result
	for i := range runs {
		r := &runs[i]
		u := &r.Record.Usage
		one := result{
			Probe: r.Probe.Name, Via: r.Via, Outcome: r.Outcome, Status: r.Record.Status,
			TTFT: r.Record.TTFT().Seconds(), TPOT: r.Record.TPOT().Seconds(), E2E: r.Record.E2E().Seconds(),
		}
		if u.Input.Known {
			one.Input = &u.Input.N
		}
		if u.Output.Known {
			one.Output = &u.Output.N
		}
		one.judge(r, conditions, tested)
		out = append(out, one)
	}
	return out
}

func (r *result) judge(run *probe.Run, conditions []condition, tested *baseline.Baseline) {
	if r.Outcome != probe.OK {
		r.Failed = append(r.Failed, "outcome "+string(r.Outcome))
		return
	}
	for _, c := range conditions {
		if c.name == "drift" {
			r.drift(run, c, tested)
			continue
		}
		got := map[string]float64{"ttft": r.TTFT, "tpot": r.TPOT, "e2e": r.E2E}[c.name]
		switch {
		case got == 0:
			r.Failed = append(r.Failed, c.name+" is unknown")
		case got > c.limit.Seconds():
			r.Failed = append(r.Failed, fmt.Sprintf("%s %s is above %s", c.name, seconds(got), c.limit))
		}
	}
}

// drift compares with the medians of the probe's cell: the times that headway measures as
// the load test did. A gate that had nothing to compare fails.
func (r *result) drift(run *probe.Run, c condition, tested *baseline.Baseline) {
	cell := cellOf(run, tested)
	if cell == nil {
		r.Failed = append(r.Failed, "drift: the probe names no cell of the baseline, so there is nothing to compare with")
		return
	}
	times, compared := production.TimesOf(&run.Record), 0
	for _, name := range []baseline.Name{baseline.TTFT, baseline.TPOT, baseline.E2E} {
		in, has := cell.Indicators[name]
		read, why := production.Measure(name, in.Definition)
		median, known := in.Quantiles.At(0.5)
		if !has || !known || why != "" || read(&times) == 0 {
			continue
		}
		compared++
		if got := float64(read(&times)); got > median*(1+c.share) {
			r.Failed = append(r.Failed, fmt.Sprintf("%s %s is %.2f × the load test's median %s", name, seconds(got), got/median, seconds(median)))
		}
	}
	if compared == 0 {
		r.Failed = append(r.Failed, "drift: no indicator of cell "+cell.ID+" can be compared")
	}
}

// cellOf returns the cell that a probe names, nil without one.
func cellOf(run *probe.Run, tested *baseline.Baseline) *baseline.Cell {
	if tested == nil {
		return nil
	}
	for i := range tested.Cells {
		if tested.Cells[i].ID == run.Probe.Baseline {
			return &tested.Cells[i]
		}
	}
	return nil
}

func seconds(s float64) string {
	if s == 0 {
		return "–"
	}
	return time.Duration(s * float64(time.Second)).Round(10 * time.Microsecond).String()
}

// writeResults prints a table, or JSON.
func writeResults(out io.Writer, results []result, form string) error {
	if form == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Runs []result `json:"runs"`
		}{results})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "probe\tvia\toutcome\tin\tout\tTTFT\tTPOT\tE2E\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.Probe, r.Via, r.Outcome, tokenCount(r.Input), tokenCount(r.Output), seconds(r.TTFT), seconds(r.TPOT), seconds(r.E2E))
	}
	return w.Flush()
}

func tokenCount(n *int64) string {
	if n == nil {
		return "–"
	}
	return strconv.FormatInt(*n, 10)
}

// failures returns an error with a line for each result that failed.
func failures(results []result) error {
	var failed []error
	for _, r := range results {
		if len(r.Failed) > 0 {
			failed = append(failed, fmt.Errorf("%s (%s): %s", r.Probe, r.Via, strings.Join(r.Failed, "; ")))
		}
	}
	return errors.Join(failed...)
}

// writeProbeJUnit writes a test case for each result.
func writeProbeJUnit(w io.Writer, results []result) error {
	suite := junit.Suite{Name: "headway probe"}
	for _, r := range results {
		one := junit.Case{Name: r.Probe, Class: "headway probe " + string(r.Via), Time: r.E2E}
		if len(r.Failed) > 0 {
			one.Failure = &junit.Message{Text: strings.Join(r.Failed, "; "), Type: string(r.Outcome)}
		}
		suite.Add(one)
	}
	return suite.Write(w)
}
