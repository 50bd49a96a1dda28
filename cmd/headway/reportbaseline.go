package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/production"
)

// rename reads a value of --model.
func (o *reportOptions) rename(value string) error {
	captured, tested, ok := strings.Cut(value, "=")
	if !ok || captured == "" || tested == "" {
		return errors.New("want the name in the capture, = and the name in the baseline: gpt-4o=llama-3.1-8b")
	}
	if other, twice := o.tested[captured]; twice && other != tested {
		return fmt.Errorf("%q is %q already; want one name in the baseline", captured, other)
	}
	if o.tested == nil {
		o.tested = map[string]string{}
	}
	o.tested[captured] = tested
	return nil
}

// checkTested returns the problems of the values of --model that a baseline shows.
func (o *reportOptions) checkTested(b baseline.Baseline) error {
	var wrong []error
	for _, captured := range slices.Sorted(maps.Keys(o.tested)) {
		if tested := o.tested[captured]; !slices.ContainsFunc(b.Cells, func(c baseline.Cell) bool { return c.Model == tested }) {
			wrong = append(wrong, fmt.Errorf("--model \"%s=%s\": the baseline has no model %q; it has %s", captured, tested, tested, models(modelsOf(b))))
		}
	}
	if len(wrong) > 0 {
		return usageError{errors.Join(wrong...)}
	}
	return nil
}

// printProduction prints the captured requests beside the cells that they belong to.
func (o reportOptions) printProduction(stdout, stderr io.Writer) error {
	defer littleMemory()()
	against, err := readBaseline(o.baseline)
	if err != nil {
		return err
	}
	if err := o.checkTested(against); err != nil {
		return err
	}
	g := production.NewGatherer(against, o.tested)
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
	if unseen := g.Unseen(); len(unseen) > 0 {
		return fmt.Errorf("--model \"%s=%s\": no captured request is of the model %q", unseen[0], o.tested[unseen[0]], unseen[0])
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
	return fmt.Errorf("no captured request is of a model of the baseline: the capture has %s, the baseline has %s; --model PRODUCTION=TESTED says that two names are one model", models(captured), models(modelsOf(b)))
}

// modelsOf counts the cells of each model.
func modelsOf(b baseline.Baseline) map[string]int {
	out := map[string]int{}
	for _, c := range b.Cells {
		out[c.Model]++
	}
	return out
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
