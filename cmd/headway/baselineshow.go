package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
)

const showUsage = `usage: headway baseline show [flags] BASELINE

Prints the cells of a baseline as a table, says how each number was measured, and draws
latency over throughput for each workload that was tested under several loads.
BASELINE - is standard input. See headway baseline import and headway baseline compare.`

// runShow is `headway baseline show`.
func runShow(args []string, out io.Writer) error {
	f := newFlags("baseline show")
	output := f.String("output", "table", "`form` of the output: table or json")
	meets := f.String("meets", "", "`limits`, ttft=500ms,tpot=50ms for example: the highest load of each workload that keeps them")
	at := f.Float64("at", .99, "`share` of the requests that must keep the limits")
	files, err := parseArguments(f, args, showUsage, out)
	if err != nil {
		return err
	}
	limits, err := parseLimits(*meets, *at)
	wrong := []error{err}
	if len(files) != 1 {
		wrong = append(wrong, fmt.Errorf("which baseline? want one file, not %d", len(files)))
	}
	if !slices.Contains(reportOutputs(), *output) {
		wrong = append(wrong, fmt.Errorf("--output %q: want table or json%s", *output, meant(*output, reportOutputs())))
	}
	if err := errors.Join(wrong...); err != nil {
		return usageError{err}
	}
	b, err := readBaseline(files[0])
	if err != nil {
		return err
	}
	if *output == "json" {
		return baseline.Write(out, b)
	}
	return printBaseline(out, b, limits)
}

// printBaseline prints table and curves.
func printBaseline(out io.Writer, b baseline.Baseline, limits baseline.Limits) error {
	if err := baseline.WriteTable(out, b); err != nil {
		return err
	}
	for _, c := range baseline.Curves(b) {
		if err := c.Write(out); err != nil {
			return err
		}
		if knee, bends := c.Knee(); bends {
			fmt.Fprintf(out, "  knee: %s\n", knee.ID)
		}
	}
	if len(limits.Bounds) == 0 {
		return nil
	}
	return printHighest(out, b, limits)
}

// printHighest says for each curve which load keeps the limits.
func printHighest(out io.Writer, b baseline.Baseline, limits baseline.Limits) (err error) {
	curves := baseline.Curves(b)
	if len(curves) == 0 {
		_, err = fmt.Fprintln(out, "\nNo workload was tested under several loads, so there is no highest load.")
	}
	for _, c := range curves {
		where := fmt.Sprintf("%s, %.0f tokens in, %.0f out", c.Cells[0].Model, c.Cells[0].InputTokens.Mean, c.Cells[0].OutputTokens.Mean)
		if _, known := c.Cells[0].Meets(limits); !known {
			_, err = fmt.Fprintf(out, "\n%s: the baseline lacks the quantile %s of an indicator that has a limit.\n", where, baseline.Share(limits.At))
			continue
		}
		best, found := c.Highest(limits)
		switch {
		case !found:
			_, err = fmt.Fprintf(out, "\n%s: not even the lowest load keeps the limits.\n", where)
		default:
			_, err = fmt.Fprintf(out, "\n%s: the highest load that keeps the limits is %s.\n", where, best.ID)
		}
	}
	return err
}

// parseLimits reads ttft=500ms,tpot=50ms.
func parseLimits(text string, at float64) (baseline.Limits, error) {
	out := baseline.Limits{At: at, Bounds: map[baseline.Name]float64{}}
	if !(at > 0 && at < 1) {
		return out, fmt.Errorf("--at %v: want a share between 0 and 1, 0.99 for example", at)
	}
	if text == "" {
		return out, nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		limit, err := time.ParseDuration(value)
		if err != nil || limit <= 0 || !slices.Contains(baseline.Names(), baseline.Name(name)) {
			return out, fmt.Errorf("--meets %q: want one of %v and a duration: ttft=500ms", pair, baseline.Names())
		}
		out.Bounds[baseline.Name(name)] = limit.Seconds()
	}
	return out, nil
}
