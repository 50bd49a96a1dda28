package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/slo"
)

const reportUsage = `usage: headway report [flags] CAPTURE…

Prints production traffic as the table that a load-test tool prints. CAPTURE is a
file that HEADWAY_CAPTURE_FILE named, rotated ones (.1, .2) too; - is standard
input.`

// reportOptions are the parsed arguments of report.
type reportOptions struct {
	files      []string
	output     string
	by         report.By
	objectives slo.Objectives
	// limits, timeouts and a baseline ask for these tables in place of the summary.
	limits, timeouts bool
	baseline         string
	// tested is the model of the baseline by the name that production has for it.
	tested map[string]string
}

// runReport is `headway report`.
func runReport(_ context.Context, args []string, out, errs io.Writer) error {
	options, err := parseReport(args, out)
	if err != nil {
		return err
	}
	return printReport(options, out, errs)
}

// parseReport reads the command line.
func parseReport(args []string, out io.Writer) (reportOptions, error) {
	var o reportOptions
	flags := newFlags("report")
	flags.StringVar(&o.output, "output", "table", "`form` of the output: table or json")
	by := flags.String("by", "", "one table each `what`: model, upstream or operation")
	goodput := flags.String("goodput", "", "`objectives` that a good request meets: ttft=500ms,ttfa=5s,tpot=50ms,itl_p99=200ms,e2e=20s")
	flags.BoolVar(&o.limits, "limits", false, "print the goodput over each limit that an SLO could have, in place of the summary")
	flags.BoolVar(&o.timeouts, "timeouts", false, "print how each timeout of the clients would have gone, in place of the summary")
	flags.StringVar(&o.baseline, "baseline", "", "print the requests beside the cells of a baseline that they belong to, in place of the summary; `file` of headway baseline import")
	flags.Func("model", "`PRODUCTION=TESTED`: the name of a model in the capture, and the one that it has in the baseline; may stand more than once", o.rename)
	var err error
	if o.files, err = parseArguments(flags, args, reportUsage, out); err != nil {
		return o, err
	}
	o.by = report.By(*by)
	if err := o.check(*goodput); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// check returns every problem of the options and of goodput, the value of --goodput,
// which check reads into o.objectives.
func (o *reportOptions) check(goodput string) error {
	wrong := checkCaptures(o.files)
	if !slices.Contains(reportOutputs(), o.output) {
		wrong = append(wrong, fmt.Errorf("--output %q: want table or json%s", o.output, meant(o.output, reportOutputs())))
	}
	if o.by != report.ByNothing && !slices.Contains(reportDivisions(), string(o.by)) {
		wrong = append(wrong, fmt.Errorf("--by %q: want model, upstream or operation%s", o.by, meant(string(o.by), reportDivisions())))
	}
	if goodput != "" && (o.limits || o.timeouts) {
		wrong = append(wrong, errors.New("--goodput has no place beside --limits and --timeouts, which try every limit; leave it out"))
	} else if goodput != "" {
		objectives, err := report.ParseObjectives(goodput)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("--goodput: %w", err))
		}
		o.objectives = objectives
	}
	return errors.Join(append(wrong, o.checkBaseline(goodput)...)...)
}

// checkBaseline returns every problem of what stands beside --baseline.
func (o *reportOptions) checkBaseline(goodput string) (wrong []error) {
	if o.baseline == "" {
		if len(o.tested) > 0 {
			wrong = append(wrong, errors.New("--model says which model of a baseline is meant, so it needs --baseline: --baseline tested.json"))
		}
		return wrong
	}
	for _, one := range []struct {
		flag  string
		there bool
		why   string
	}{
		{"--by", o.by != report.ByNothing, "the cells divide the requests"},
		{"--goodput", goodput != "", "a cell has no objectives"},
		{"--limits", o.limits, "print one after the other"},
		{"--timeouts", o.timeouts, "print one after the other"},
	} {
		if one.there {
			wrong = append(wrong, fmt.Errorf("%s has no place beside --baseline: %s; leave it out", one.flag, one.why))
		}
	}
	if slices.ContainsFunc(o.files, func(name string) bool { return sameFile(name, o.baseline) }) {
		wrong = append(wrong, fmt.Errorf("%q is capture and baseline at once; --baseline wants what headway baseline import wrote", o.baseline))
	}
	return wrong
}

func reportOutputs() []string { return []string{"table", "json"} }

func reportDivisions() []string {
	return []string{string(report.ByModel), string(report.ByUpstream), string(report.ByOperation)}
}

func printReport(o reportOptions, stdout, stderr io.Writer) error {
	switch {
	case o.limits || o.timeouts:
		return o.printHindsight(stdout, stderr)
	case o.baseline != "":
		return o.printProduction(stdout, stderr)
	}
	defer littleMemory()()
	s := report.NewSummarizer(o.by, o.objectives)
	if err := readCaptures("report", o.files, stderr, s.Add); err != nil {
		return err
	}
	summary := s.Summary()
	if summary.All.Exchanges+summary.Canaries+summary.Tunnels+summary.Others == 0 {
		return errEmptyCapture
	}
	if o.output == "json" {
		return printJSON(stdout, summary)
	}
	return summary.WriteTable(stdout)
}

func printJSON(stdout io.Writer, value any) error {
	out := json.NewEncoder(stdout)
	out.SetIndent("", "  ")
	return out.Encode(value)
}
