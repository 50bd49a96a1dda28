package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/production"
)

// printProduction prints the captured requests beside the cells that they belong to.
func (o reportOptions) printProduction(stdout, stderr io.Writer) error {
	defer littleMemory()()
	against, err := readBaseline(o.baseline)
	if err != nil {
		return err
	}
	g := production.NewGatherer(against)
	lines := 0
	err = readCaptures("report", o.files, stderr, func(l capture.Line) {
		lines++
		g.Add(l)
	})
	if err != nil {
		return err
	}
	if lines == 0 {
		return errEmptyCapture
	}
	c := g.Comparison()
	switch {
	case c.Start.IsZero():
		return noCommonModel(against, c.OtherModels)
	case o.output == "json":
		return printJSON(stdout, c)
	}
	return c.WriteTable(stdout)
}

// noCommonModel says that production and load test have no model in common.
func noCommonModel(b baseline.Baseline, captured map[string]int) error {
	tested := map[string]int{}
	for _, c := range b.Cells {
		tested[c.Model]++
	}
	return fmt.Errorf("no captured request is of a model of the baseline: the capture has %s, the baseline has %s", models(captured), models(tested))
}

// models lists names of models.
func models(of map[string]int) string {
	if len(of) == 0 {
		return "none"
	}
	names := make([]string, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		names = append(names, fmt.Sprintf("%q", name))
	}
	return strings.Join(names, ", ")
}
