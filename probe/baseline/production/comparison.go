package production

import (
	"maps"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/probe/baseline"
)

// Comparison is production beside a load test.
type Comparison struct {
	Start time.Time `json:"start,omitzero"` // of the first request of the models of the baseline
	End   time.Time `json:"end,omitzero"`   // of the last one
	report.LeftOut
	Requests  Requests `json:"requests"`
	Cells     []Cell   `json:"cells"`               // with a request, in the order of the baseline
	Untouched []string `json:"untouched,omitempty"` // cells without a request
	// NoLoad names cells with every request at once: production has no such load.
	NoLoad []string `json:"no_load,omitempty"`
	// OtherModels counts the requests of models that the baseline has not.
	OtherModels map[string]int `json:"other_models,omitempty"`
}

// Requests counts those of the models of the baseline: Compared and Outside are the answered
// ones whose lengths are known.
type Requests struct {
	Compared  int     `json:"compared"` // that belong to a cell or to several, of different tools
	Outside   Outside `json:"outside_the_tested_range"`
	Failed    int     `json:"not_answered"`
	Uncounted int     `json:"tokens_not_counted"`
}

// Outside counts requests that belong to no cell, by the reason.
type Outside struct {
	Lengths int `json:"lengths"`         // no cell has such a prompt and such an answer
	Below   int `json:"below_the_loads"` // fewer in flight than was tested
	Above   int `json:"above_the_loads"` // more in flight
	Between int `json:"between_the_loads"`
}

// All is their sum.
func (o Outside) All() int { return o.Lengths + o.Below + o.Above + o.Between }

// Cell is a cell with the requests that belong to it.
type Cell struct {
	ID       string `json:"cell"`
	Requests int    `json:"requests"`
	// The means of the requests beside what was tested. Input is without cached tokens.
	InputTokens  Beside `json:"input_tokens"`
	OutputTokens Beside `json:"output_tokens"`
	InFlight     Beside `json:"in_flight"`
	// Changes hold production against the load test: Before is the load test.
	Changes []baseline.Change `json:"changes"`
	// Reserves say, by indicator, what the load test's time has in it and production's not.
	Reserves map[baseline.Name]string `json:"reserves,omitempty"`
	Flags    []baseline.Flag          `json:"flags,omitempty"` // of the load test
}

// Beside is a number of the load test, and the mean of production.
type Beside struct {
	Tested     float64 `json:"tested"`
	Production float64 `json:"production"`
}

// Comparison compares all lines so far.
func (g *Gatherer) Comparison() Comparison {
	out := Comparison{LeftOut: g.leftOut, OtherModels: g.foreign, Cells: []Cell{}}
	found := make([]belonging, len(g.against.Cells))
	for _, model := range slices.Sorted(maps.Keys(g.models)) {
		of := g.models[model]
		of.sortTimes()
		out.span(of)
		out.Requests.Failed += of.failed
		out.Requests.Uncounted += of.uncounted
		g.place(of, allSeries(&g.against, model), found, &out.Requests)
	}
	for i := range g.against.Cells {
		c := &g.against.Cells[i]
		_, loaded := level(c)
		switch {
		case !loaded:
			out.NoLoad = append(out.NoLoad, c.ID)
		case len(found[i].requests) == 0:
			out.Untouched = append(out.Untouched, c.ID)
		default:
			out.Cells = append(out.Cells, found[i].beside(c))
		}
	}
	return out
}

// span widens the time of the comparison.
func (o *Comparison) span(t *traffic) {
	if len(t.starts) == 0 {
		return
	}
	if first := time.Unix(0, t.starts[0]).UTC(); o.Start.IsZero() || first.Before(o.Start) {
		o.Start = first
	}
	if last := time.Unix(0, t.ends[len(t.ends)-1]).UTC(); last.After(o.End) {
		o.End = last
	}
}

// belonging is the requests of one cell, and how many were in flight for them.
type belonging struct {
	requests []*request
	inFlight float64 // sum
}

// place finds the cells of all answered requests of a model.
func (g *Gatherer) place(t *traffic, all []series, found []belonging, count *Requests) {
	for r := range t.all() {
		inFlight := t.inFlight(r.start)
		best := otherLength
		for n := range all {
			cell, p := all[n].find(&g.against, r, inFlight)
			if p == inCell {
				found[cell].requests = append(found[cell].requests, r)
				found[cell].inFlight += inFlight
			}
			if p == inCell || best == otherLength {
				best = p
			}
		}
		switch best {
		case inCell:
			count.Compared++
		case otherLength:
			count.Outside.Lengths++
		case lessLoad:
			count.Outside.Below++
		case moreLoad:
			count.Outside.Above++
		case betweenLoads:
			count.Outside.Between++
		}
	}
}

// beside holds the requests against c, each indicator by the definition of c.
func (b *belonging) beside(c *baseline.Cell) Cell {
	tested, _ := level(c)
	out := Cell{
		ID: c.ID, Requests: len(b.requests), Flags: c.Flags, Reserves: map[baseline.Name]string{},
		InputTokens:  Beside{c.InputTokens.Mean, b.mean(func(r *request) float32 { return r.input })},
		OutputTokens: Beside{c.OutputTokens.Mean, b.mean(func(r *request) float32 { return r.Output })},
		InFlight:     Beside{tested, b.inFlight / float64(len(b.requests))},
	}
	before, after := *c, *c
	before.Indicators, after.Indicators = map[baseline.Name]baseline.Indicator{}, map[baseline.Name]baseline.Indicator{}
	after.Source, after.Requests, after.Flags = baseline.Source{Tool: "headway", File: "capture"}, baseline.Requests{OK: len(b.requests)}, nil
	var apart []baseline.Change
	for _, name := range baseline.Names() {
		one, there := c.Indicators[name]
		if !there {
			continue
		}
		values, why := b.sample(name, one.Definition, c.Stream)
		if why != "" {
			apart = append(apart, baseline.Change{Cell: c.ID, Indicator: name, Verdict: baseline.Incomparable, Why: why})
			continue
		}
		before.Indicators[name], after.Indicators[name] = one, values.Indicator(one.Definition)
		if text := reserve(name, one.Definition); text != "" {
			out.Reserves[name] = text
		}
	}
	against := baseline.Compare(baseline.Baseline{Cells: []baseline.Cell{before}}, baseline.Baseline{Cells: []baseline.Cell{after}})
	out.Changes = slices.Concat(against.Changes, apart)
	return out
}

func (b *belonging) mean(of func(*request) float32) float64 {
	sum := 0.0
	for _, r := range b.requests {
		sum += float64(of(r))
	}
	return sum / float64(len(b.requests))
}

// sample reads the values of an indicator by d. Where the cell knows whether it streamed, it
// reads only requests of that kind.
func (b *belonging) sample(name baseline.Name, d baseline.Definition, stream *bool) (values baseline.Sample, why string) {
	read, why := Measure(name, d)
	if why != "" {
		return values, why
	}
	for _, r := range b.requests {
		if v := read(&r.Times); v > 0 && (stream == nil || *stream == r.Stream) {
			values.Add(float64(v))
		}
	}
	if values.Count() == 0 {
		return values, "no request of the capture has it"
	}
	return values, ""
}
