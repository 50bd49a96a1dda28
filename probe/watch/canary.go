package watch

import (
	"fmt"

	"github.com/headway-sidecar/headway/probe"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/production"
	"github.com/headway-sidecar/headway/probe/drift"
)

// canary is a probe beside its cell.
type canary struct {
	probe    probe.Probe
	book     *book
	yard     *yardstick // nil until the cell is known
	cell     *baseline.Cell
	tracks   []*track
	measures []measure // of tracks, in their order
}

// measure reads the latency that a load test would have.
type measure func(*production.Times) float32

func newCanary(p probe.Probe, k *book) *canary {
	c := &canary{probe: p, book: k}
	if p.Baseline == "" {
		return c
	}
	for _, name := range indicators {
		c.tracks = append(c.tracks, &track{source: Canary, probe: p.Name, model: p.Model, indicator: name, outside: "no canary has come back yet"})
	}
	switch {
	case len(k.cells) == 0:
		c.without("there is no baseline")
	case p.Baseline != probe.Auto:
		c.pin(p.Baseline)
	case len(k.yards[p.Model]) == 0:
		c.without(fmt.Sprintf("%s: the baseline has no cell of the model %q", drift.ErrOutside, p.Model))
	}
	return c
}

// without says why nothing is compared.
func (c *canary) without(why string) {
	for _, t := range c.tracks {
		t.outside = why
	}
}

// pin compares with the cell that the probe file names.
func (c *canary) pin(id string) {
	for _, all := range c.book.yards {
		for _, y := range all {
			for i := range y.cells {
				if y.cells[i].ID == id {
					c.compare(y, &y.cells[i])
					return
				}
			}
		}
	}
	c.without(fmt.Sprintf("the baseline has no cell %q", id))
}

// compare makes the detectors beside a cell.
func (c *canary) compare(y *yardstick, cell *baseline.Cell) {
	c.yard, c.cell = y, cell
	c.measures = make([]measure, len(c.tracks))
	settings := c.book.settings
	settings.Every = c.probe.Every
	for i, t := range c.tracks {
		t.cell = cell.ID
		read, reference, err := referenceOf(cell, t.indicator)
		if err != nil {
			t.outside = outside(err)
			continue
		}
		d, err := drift.NewDetector(reference, settings)
		if err != nil {
			t.outside = outside(err)
			continue
		}
		t.detector, c.measures[i] = d, read
	}
}

// referenceOf reads an indicator of a cell.
func referenceOf(c *baseline.Cell, name baseline.Name) (measure, *drift.Reference, error) {
	of, has := c.Indicators[name]
	if !has {
		return nil, nil, fmt.Errorf("the cell %s has no %s", c.ID, name)
	}
	read, why := production.Measure(name, of.Definition)
	if why != "" {
		return nil, nil, fmt.Errorf("%s: %s", name, why)
	}
	reference, err := drift.NewReference(of, c.Requests)
	return read, reference, err
}

// observe takes a run.
func (c *canary) observe(e *event) {
	switch e.outcome {
	case probe.OK:
		if !e.calibrating {
			c.answered(e)
		}
	case probe.Failed, probe.Unreachable:
		for _, t := range c.tracks {
			if d, ok := t.detector.(*drift.Detector); ok {
				d.Fail(e.start)
			}
		}
	}
}

func (c *canary) answered(e *event) {
	r := drift.Request{Prompt: c.probe.Shape.Input, Output: c.probe.Shape.Output, Load: e.load}
	if e.length.known {
		r.Prompt, r.Cached, r.Output = e.length.prompt, e.length.cached, e.length.output
	}
	if c.cell == nil && c.probe.Baseline == probe.Auto && len(c.book.yards[c.probe.Model]) > 0 {
		c.compare(nearest(c.book.yards[c.probe.Model], r))
	}
	if c.cell == nil {
		return
	}
	if c.probe.Baseline != probe.Auto {
		r.Load = 0 // who names a cell names its load
	}
	for i, t := range c.tracks {
		if t.detector == nil {
			continue
		}
		latency := float64(c.measures[i](&e.times))
		if latency <= 0 {
			t.outside = "the latest canary has no " + string(t.indicator)
			continue
		}
		factor, err := c.yard.scale(t.indicator, c.cell, r)
		t.outside = outside(err)
		if err == nil {
			t.detector.Observe(e.start, latency*factor)
		}
	}
}
