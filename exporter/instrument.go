// Package exporter holds the table of instruments: each thing that headway measures,
// with its name, unit, help, buckets, labels and the function that draws its samples
// from an exchange.Record.
//
// The table knows no output format. Every backend reads the same table, so that two
// backends cannot tell different stories.
package exporter

import "slices"

// Kind is how the samples of an instrument add up.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"   // the value of a sample is added
	Histogram Kind = "histogram" // a sample is Count observations of its value
	Gauge     Kind = "gauge"     // the value of a sample replaces the last one
)

// Instrument is one row of the table.
type Instrument struct {
	Name   string // in the spelling of OpenTelemetry: gen_ai.client.operation.duration
	Kind   Kind
	Unit   string // UCUM: s, {token}; empty for a flag
	Help   string
	Family Family
	Labels []string // beyond those of the family; at most three where samples are drawn
	// PerTenant says that the labels of Names.Label stand between those of the family and Labels.
	PerTenant bool
	tenant    []string
	Buckets

	// Draw adds the samples of one exchange, DrawChain those of one chain, DrawTurn those of
	// one turn, and DrawInterim those of what happened to an exchange while it was open. None
	// may keep its arguments. An instrument has some of them, or has Read instead.
	Draw        func(*Reading, *Samples)
	DrawChain   func(*ChainReading, *Samples)
	DrawTurn    func(*TurnReading, *Samples)
	DrawInterim func(*InterimReading, *Samples)
	// Together lists label values whose series begin at 0 when the series of the given
	// ones begins: a server that first sees a counter at 1 cannot tell that it rose. Nil
	// lists none.
	Together func(*Live, Extra) []Extra
	// Read tells the present levels of the running program.
	Read func(*Live, *Names, Level)
}

// Level takes one present value and the values of all labels, in order. No two
// calls of one Read have the same labels.
type Level func(value float64, labels ...string)

// AllLabels lists the labels of the family, those of tenants and those beyond, in order.
func (in *Instrument) AllLabels() []string {
	return slices.Concat(in.Family.labels(), in.tenant, in.Labels)
}

// WithEdges returns a copy of in whose bounds include the limits of its own indicators
// among edges.
func (in Instrument) WithEdges(edges Edges) Instrument {
	if len(in.Bounds) == 0 {
		return in
	}
	in.Bounds = slices.Clone(in.Bounds)
	for _, e := range edges {
		if slices.Contains(in.Edges, e.Indicator) {
			in.Bounds = append(in.Bounds, seconds(e.Limit))
		}
	}
	slices.Sort(in.Bounds)
	in.Bounds = slices.Compact(in.Bounds)
	return in
}
