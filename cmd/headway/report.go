package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/headway-sidecar/headway/exporter/capture"
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
	var wrong []error
	if len(o.files) == 0 {
		wrong = append(wrong, errors.New("which capture? name a file, or - for standard input"))
	}
	for i, name := range o.files {
		if at := slices.IndexFunc(o.files[:i], func(other string) bool { return sameFile(other, name) }); at >= 0 {
			wrong = append(wrong, fmt.Errorf("%q and %q are one file, whose exchanges would count twice", o.files[at], name))
		}
	}
	if !slices.Contains(reportOutputs(), o.output) {
		wrong = append(wrong, fmt.Errorf("--output %q: want table or json%s", o.output, meant(o.output, reportOutputs())))
	}
	if o.by != report.ByNothing && !slices.Contains(reportDivisions(), string(o.by)) {
		wrong = append(wrong, fmt.Errorf("--by %q: want model, upstream or operation%s", o.by, meant(string(o.by), reportDivisions())))
	}
	if goodput != "" {
		objectives, err := report.ParseObjectives(goodput)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("--goodput: %w", err))
		}
		o.objectives = objectives
	}
	return errors.Join(wrong...)
}

func reportOutputs() []string { return []string{"table", "json"} }

func reportDivisions() []string {
	return []string{string(report.ByModel), string(report.ByUpstream), string(report.ByOperation)}
}

// sameFile says whether two names lead to one file. Standard input is one too.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	one, err := os.Stat(a)
	other, failed := os.Stat(b)
	return err == nil && failed == nil && os.SameFile(one, other)
}

func printReport(o reportOptions, stdout, stderr io.Writer) error {
	s := report.NewSummarizer(o.by, o.objectives)
	for _, name := range o.files {
		if err := addCapture(s, name, stderr); err != nil {
			return err
		}
	}
	summary := s.Summary()
	if summary.All.Exchanges+summary.Canaries+summary.Tunnels+summary.Others == 0 {
		return errors.New("there is no exchange in the capture; headway writes an exchange up to a second after its end")
	}
	if o.output == "json" {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		return out.Encode(summary)
	}
	return summary.WriteTable(stdout)
}

// addCapture adds the lines of one file. It passes over lines that it cannot read, and
// prints their number and the first error to stderr.
func addCapture(s *report.Summarizer, name string, stderr io.Writer) error {
	in := os.Stdin
	if name != "-" {
		opened, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = opened.Close() }()
		in = opened
	}
	broken, first := 0, error(nil)
	for line, err := range capture.Read(in) {
		var bad *capture.LineError
		switch {
		case errors.As(err, &bad):
			if broken++; broken == 1 {
				first = bad
			}
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		default:
			s.Add(line)
		}
	}
	if broken > 0 {
		fmt.Fprintf(stderr, "headway report: %s: lines passed over: %d, the first: %v\n", name, broken, first)
	}
	return nil
}
