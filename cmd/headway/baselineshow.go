package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/pictures"
	"github.com/headway-sidecar/headway/probe/baseline"
)

const showUsage = `usage: headway baseline show [flags] BASELINE

Prints the cells of a baseline as a table, says how each number was measured, and draws
latency over throughput for each workload that was tested under several loads. With
--meets it says which load still keeps limits, and with --users whether that load is
enough for so many people. BASELINE - is standard input. See headway baseline
import, headway baseline compare and headway baseline learn.`

// showOptions are the parsed arguments of baseline show.
type showOptions struct {
	file, output, out string
	limits            baseline.Limits
	demand            *baseline.Demand // nil without --users
}

// showOutputs are the forms of a baseline.
func showOutputs() []string { return []string{"table", "json", "svg"} }

// runShow is `headway baseline show`.
func runShow(args []string, out io.Writer) error {
	o, err := parseShow(args, out)
	if err != nil {
		return err
	}
	b, err := readBaseline(o.file)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := o.write(&text, b); err != nil {
		return err
	}
	if o.out == "" || o.out == "-" {
		_, err = out.Write(text.Bytes())
		return err
	}
	return replaceFile(o.out, text.Bytes())
}

// parseShow reads the command line and returns every problem of it.
func parseShow(args []string, out io.Writer) (showOptions, error) {
	var o showOptions
	f := newFlags("baseline show")
	f.StringVar(&o.output, "output", "table", "`form` of the output: table, json or svg (the curves as a picture)")
	f.StringVar(&o.out, "out", "", "`file` to write; without it, standard output")
	meets := f.String("meets", "", "`limits`, ttft=500ms,tpot=50ms for example: the highest load of each workload that keeps them")
	at := f.Float64("at", .99, "`share` of the requests that must keep the limits")
	users := f.String("users", "", "`people` and what they do in the busiest hours, "+usersExample+" for example: is what was tested enough for them?")
	files, err := parseArguments(f, args, showUsage, out)
	if err != nil {
		return o, err
	}
	var wrong []error
	refuse := func(err error) { wrong = append(wrong, err) }
	o.limits, err = parseLimits(*meets, *at)
	refuse(err)
	o.demand, err = parseUsers(*users)
	refuse(err)
	if len(files) != 1 {
		refuse(fmt.Errorf("which baseline? want one file, not %d", len(files)))
	} else {
		o.file = files[0]
	}
	switch {
	case !slices.Contains(showOutputs(), o.output):
		refuse(fmt.Errorf("--output %q: want table, json or svg%s", o.output, meant(o.output, showOutputs())))
	case o.output == "json" && *meets != "":
		refuse(fmt.Errorf("--meets %q: --output json is the baseline itself; want --output table or svg", *meets))
	case o.output != "table" && *users != "":
		refuse(fmt.Errorf("--users %q: --output %s has no place for the answer; want --output table", *users, o.output))
	}
	if err := errors.Join(wrong...); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// write writes the form that was asked for.
func (o *showOptions) write(out io.Writer, b baseline.Baseline) error {
	switch o.output {
	case "json":
		return baseline.Write(out, b)
	case "svg":
		var curves []baseline.Curve
		for _, w := range baseline.Workloads(b) {
			if c, drawn := w.Curve(); drawn {
				curves = append(curves, c)
			}
		}
		if len(curves) == 0 {
			return fmt.Errorf("%s has no curve to draw: no workload has two loads with a latency and a throughput", o.file)
		}
		_, err := io.WriteString(out, pictures.Curves(curves, o.limits))
		return err
	}
	return o.print(out, b)
}

// print prints the table, and for each workload the curve and the answers.
func (o *showOptions) print(out io.Writer, b baseline.Baseline) error {
	if err := baseline.WriteTable(out, b); err != nil {
		return err
	}
	for _, w := range baseline.Workloads(b) {
		c, drawn := w.Curve()
		switch {
		case drawn:
			if err := c.WritePlot(out); err != nil {
				return err
			}
			printKnee(out, &c)
		case w.Swept():
			fmt.Fprintf(out, "\n%s: no curve, because there is no latency or no throughput that all its cells have\n", w.Title())
		case len(o.limits.Bounds) > 0 || o.demand != nil:
			fmt.Fprintf(out, "\n%s\n", w.Title())
		}
		o.answer(out, w)
	}
	return nil
}

// printKnee names the knee, if there is one.
func printKnee(out io.Writer, c *baseline.Curve) {
	knee, bends := c.Knee()
	switch {
	case bends && knee.ID == c.Cells[0].ID:
		fmt.Fprintf(out, "  knee: %s, or below: no lower load was tested\n", knee.Load.Words())
	case bends:
		fmt.Fprintf(out, "  knee: %s\n", knee.Load.Words())
	}
}

// answer says which load keeps the limits, and whether it is enough.
func (o *showOptions) answer(out io.Writer, w baseline.Workload) {
	if len(o.limits.Bounds) == 0 && o.demand == nil {
		return
	}
	reach := w.Reach(o.limits)
	if len(o.limits.Bounds) > 0 {
		fmt.Fprintf(out, "  limits: %s%s\n", reached(reach), doubt(reach.Highest, o.limits.At))
	}
	if o.demand != nil {
		fmt.Fprintf(out, "  users: %s\n", enough(o.demand, reach.Highest))
	}
}

// reached is a Reach in words.
func reached(r baseline.Reach) string {
	stopped := ""
	if r.Stopped != nil {
		stopped = fmt.Sprintf("%s does not: %s", r.Stopped.Load.Words(), r.Why)
		if !r.Known {
			stopped = fmt.Sprintf("nobody knows of %s: %s", r.Stopped.Load.Words(), r.Why)
		}
	}
	switch {
	case r.Stopped == nil:
		return r.Highest.Load.Words() + " keeps them, the highest load that was tested"
	case r.Highest == nil && r.Known:
		return "not even the lowest load keeps them; " + stopped
	case r.Highest == nil:
		return stopped
	}
	return fmt.Sprintf("%s keeps them; %s", r.Highest.Load.Words(), stopped)
}

// doubt says if a load had so few requests that none of them can lie beyond the quantile.
func doubt(load *baseline.Cell, at float64) string {
	if load == nil || float64(load.Requests.OK)*(1-at) >= 1-1e-9 {
		return ""
	}
	return fmt.Sprintf(" (of %d requests, too few for p%s)", load.Requests.OK, baseline.Share(at*100))
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
		word, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		limit, err := time.ParseDuration(value)
		name := baseline.Name(word)
		if err != nil || limit <= 0 || !slices.Contains(baseline.Names(), name) {
			return out, fmt.Errorf("--meets %q: want one of %v and a duration: ttft=500ms", pair, baseline.Names())
		}
		if _, twice := out.Bounds[name]; twice {
			return out, fmt.Errorf("--meets %q: %s has a limit already; want one for each indicator", pair, name)
		}
		out.Bounds[name] = limit.Seconds()
	}
	return out, nil
}
