package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/headway-sidecar/headway/probe/baseline"
)

const compareUsage = `usage: headway baseline compare [flags] BEFORE AFTER

Holds the cells of one baseline against those of another: the ratio of medians and of
99th percentiles, with an interval from the number of requests. Indicators that the
tools measured differently are not compared. With --fail-on the command ends with 1
when a cell got worse by so much, beyond what chance explains. See headway baseline
import and headway baseline show.`

// compareOutputs are the forms of a comparison.
func compareOutputs() []string { return []string{"table", "json", "markdown", "junit"} }

// runCompare is `headway baseline compare`.
func runCompare(args []string, out io.Writer) error {
	f := newFlags("baseline compare")
	output := f.String("output", "table", "`form` of the output: table, json, markdown or junit")
	failOn := f.String("fail-on", "", "`verdict:share` that fails, slower:10% for example")
	files, err := parseArguments(f, args, compareUsage, out)
	if err != nil {
		return err
	}
	verdict, share, err := parseFailOn(*failOn)
	wrong := []error{err}
	if len(files) != 2 {
		wrong = append(wrong, fmt.Errorf("which baselines? want two files, not %d", len(files)))
	}
	if !slices.Contains(compareOutputs(), *output) {
		wrong = append(wrong, fmt.Errorf("--output %q: want %s%s", *output, strings.Join(compareOutputs(), ", "), meant(*output, compareOutputs())))
	}
	if err := errors.Join(wrong...); err != nil {
		return usageError{err}
	}
	before, err := readBaseline(files[0])
	if err != nil {
		return err
	}
	after, err := readBaseline(files[1])
	if err != nil {
		return err
	}
	c := baseline.Compare(before, after)
	if len(c.Changes) == 0 {
		return errors.New("no cell of one baseline has a partner in the other: the same model and load, and lengths within 5 %")
	}
	bad := c.Beyond(verdict, share)
	if err := writeComparison(out, &c, bad, *output); err != nil {
		return err
	}
	if len(bad) > 0 {
		return fmt.Errorf("%d of %d comparisons are %s by %g %% or more, %s of %s first (ratio %.2f)",
			len(bad), len(c.Changes), verdict, share*100, bad[0].Indicator, bad[0].Cell, bad[0].Ratio)
	}
	return nil
}

// writeComparison prints c in a form.
func writeComparison(out io.Writer, c *baseline.Comparison, bad []baseline.Change, form string) error {
	switch form {
	case "json":
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(c)
	case "markdown":
		return c.WriteMarkdown(out)
	case "junit":
		return c.WriteJUnit(out, bad)
	}
	return c.WriteTable(out)
}

// parseFailOn reads slower:10%.
func parseFailOn(text string) (baseline.Verdict, float64, error) {
	if text == "" {
		return "", 0, nil
	}
	verdict, share, _ := strings.Cut(text, ":")
	percent, err := strconv.ParseFloat(strings.TrimSuffix(share, "%"), 64)
	known := verdict == string(baseline.Slower) || verdict == string(baseline.Faster)
	if err != nil || !known || !strings.HasSuffix(share, "%") || !(percent >= 0 && percent < 1e6) {
		return "", 0, fmt.Errorf("--fail-on %q: want slower or faster, a colon and a percentage: slower:10%%", text)
	}
	return baseline.Verdict(verdict), percent / 100, nil
}
