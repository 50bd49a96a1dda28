// Package exporter is what headway measures of an exchange: the table of
// instruments, each with its name, unit, help, buckets, labels and the function
// that draws its samples from an exchange.Record.
//
// It knows no output format. Every backend reads the same table, so that two
// backends cannot tell different stories.
package exporter

import (
	"slices"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Kind is how the samples of an instrument add up.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"   // a sample's value is added
	Histogram Kind = "histogram" // a sample is Count observations of its value
	Gauge     Kind = "gauge"     // a sample's value replaces the last one
)

// Family says which labels an instrument shares with others.
type Family string

// The families.
const (
	// GenAI instruments are those of the OpenTelemetry semantic conventions. They
	// describe production exchanges of a known dialect only.
	GenAI Family = "gen_ai"
	// Traffic instruments are headway's own about exchanges.
	Traffic Family = "traffic"
	// Process instruments are about the running program; they share no labels.
	Process Family = "process"
)

// Instrument is one row of the table.
type Instrument struct {
	Name   string // in the spelling of OpenTelemetry: gen_ai.client.operation.duration
	Kind   Kind
	Unit   string // UCUM: s, {token}; empty for a flag
	Help   string
	Bounds []float64 // inclusive upper bounds of a histogram's buckets, ascending
	// Edges are the indicators whose limits are bounds, too, so that what a histogram
	// says of a limit is exact.
	Edges  []exchange.Indicator
	Zero   float64 // up to here a value falls into the zero bucket of an exponential histogram
	Family Family
	Labels []string // beyond those of the family; at most three
	Role   exchange.Role
	// SemConv lists the settings that have it; empty is all of them.
	SemConv []SemConv
	// Sealed says that exchanges inside TLS are drawn from, and only those: what can be
	// told of them is near the truth and not exact, and mixes with nothing.
	Sealed bool
	// Canaries says that canaries are drawn from as well as production traffic.
	Canaries bool

	// Draw adds the samples of one exchange, DrawChain those of one chain. They must
	// not keep their arguments. An instrument has one of them, or both, or reads Live
	// instead.
	Draw      func(*Reading, *Samples)
	DrawChain func(*ChainReading, *Samples)
	// Together lists label values whose series begin at 0 when that of the given ones
	// does. A server that first sees a counter at 1 cannot tell that it rose. Nil is
	// none.
	Together func(*Live, Extra) []Extra
	// Read tells the present levels from the running program.
	Read func(*Live, *Names, Level)
}

// Level takes one present value and the values of all labels, in order. No two
// calls of one Read have the same labels.
type Level func(value float64, labels ...string)

// AllLabels lists the labels of the family and those beyond, in order.
func (in *Instrument) AllLabels() []string {
	return slices.Concat(in.Family.labels(), in.Labels)
}

// WithEdges is in with the limits of edges among its bounds, as far as they are its.
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

// Takes says whether the instrument draws from r at all.
func (in *Instrument) Takes(r *exchange.Record) bool { return in.Draw != nil && in.concerns(r) }

// TakesChain says whether the instrument draws from c at all.
func (in *Instrument) TakesChain(c *exchange.Chain) bool {
	return in.DrawChain != nil && in.concerns(&c.Last)
}

func (in *Instrument) concerns(r *exchange.Record) bool {
	switch {
	case r.Origin == exchange.Canary && !in.Canaries,
		(r.Mode == exchange.Sealed) != in.Sealed,
		r.Operation == "" && in.Family == GenAI,
		r.Role != in.Role && in.Role != "":
		return false
	}
	return true
}

func (f Family) labels() []string {
	switch f {
	case GenAI:
		return []string{
			"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model",
			"gen_ai.response.model", "server.address", "server.port",
		}
	case Traffic:
		return []string{"operation", "model", "upstream"}
	}
	return nil
}
