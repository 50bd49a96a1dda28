package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/headway-sidecar/headway/probe/baseline"
)

const compareUsage = `usage: headway baseline compare [flags] BEFORE AFTER

Holds the cells of one baseline against those of another: the ratio of each indicator as
a whole and of its tail, with an interval from the requests. Indicators that the tools
measured differently are not compared. With --fail-on the command ends with 1 when a cell
got worse by so much, beyond what chance explains. See headway baseline
import, headway baseline show and headway baseline learn.`

// compareOutputs are the forms of a comparison.
func compareOutputs() []string { return []string{"table", "json", "markdown", "junit"} }

// runCompare is `headway baseline compare`.
func runCompare(args []string, out io.Writer) error {
	f := newFlags("baseline compare")
	output := f.String("output", "table", "`form` of the output: table, json, markdown or junit")
	var conditions []baseline.Condition
	f.Func("fail-on", "`condition` that fails: slower:10%, ttft.slower:10%, faster:10%, missing, incomparable or unsure; may stand more than once", func(text string) error {
		c, err := baseline.ParseCondition(text)
		conditions = append(conditions, c)
		return err
	})
	files, err := parseArguments(f, args, compareUsage, out)
	if err != nil {
		return err
	}
	var wrong []error
	if len(files) != 2 {
		wrong = append(wrong, fmt.Errorf("which baselines? want two files, not %d", len(files)))
	} else if isStandardInput(files[0]) && isStandardInput(files[1]) {
		wrong = append(wrong, twice(files, "cells")...)
	}
	if !slices.Contains(compareOutputs(), *output) {
		wrong = append(wrong, fmt.Errorf("--output %q: want %s%s", *output, strings.Join(compareOutputs(), ", "), meant(*output, compareOutputs())))
	}
	if err := errors.Join(wrong...); err != nil {
		return usageError{err}
	}
	before, after, err := readBoth(files[0], files[1])
	if err != nil {
		return err
	}
	c := baseline.Compare(before, after)
	j := c.Judge(conditions...)
	if err := writeComparison(out, &c, j, *output); err != nil {
		return err
	}
	if len(c.Changes) == 0 {
		return errors.New("no cell of one baseline has a partner in the other: the same model and load, and lengths within 5 %")
	}
	return j.Err(&c)
}

// readBoth reads two baselines at the same time.
func readBoth(first, second string) (before, after baseline.Baseline, err error) {
	var ofFirst, ofSecond error
	var reading sync.WaitGroup
	reading.Go(func() { before, ofFirst = readBaseline(first) })
	after, ofSecond = readBaseline(second)
	reading.Wait()
	return before, after, cmp.Or(ofFirst, ofSecond)
}

// writeComparison prints c in a form.
func writeComparison(out io.Writer, c *baseline.Comparison, j baseline.Judgement, form string) error {
	switch form {
	case "json":
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(c)
	case "markdown":
		return c.WriteMarkdown(out, j)
	case "junit":
		return c.WriteJUnit(out, j)
	}
	return c.WriteTable(out)
}
