package metrics

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/series"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// recorder draws the samples of exchanges and chains and adds them to their series. It is
// the SDK's Producer of these series. It is safe for concurrent use.
type recorder struct {
	names    *exporter.Names
	scope    instrumentation.Scope
	drawn    []exporter.Instrument // those that exchanges and chains feed
	families []family              // of drawn, by index
	book     *series.Book[sink]
	drawings sync.Pool // of *exporter.Drawing
}

// newRecorder makes the instruments of table that draw.
func newRecorder(c *Config, table []exporter.Instrument) *recorder {
	r := &recorder{
		names:    c.Names,
		scope:    instrumentation.Scope{Name: scope, Version: c.Version, SchemaURL: schema(c.SemConv)},
		drawings: sync.Pool{New: func() any { return new(exporter.Drawing) }},
	}
	for _, in := range table {
		if in.Read == nil {
			edged := in.WithEdges(c.Edges)
			r.drawn, r.families = append(r.drawn, in), append(r.families, newFamily(&edged, c))
		}
	}
	r.book = series.NewBook(series.Config[sink]{
		Table: r.drawn, Names: c.Names, Live: &c.Live,
		Make: func(i int, values []string) sink { return r.families[i].with(values) },
		End:  func(i int, values []string) { r.families[i].end(values) },
	})
	return r
}

// setEdges gives histograms the bounds of the table and those of edges.
func (r *recorder) setEdges(edges exporter.Edges) {
	for i := range r.drawn {
		if h, ok := r.families[i].(*histograms); ok {
			h.rebound(r.drawn[i].WithEdges(edges).Bounds)
		}
	}
}

// exchange records one exchange and says whether it did so whole, and without a panic:
// when a row of the table or the running program panics on odd traffic, that costs one
// exchange, not the process.
func (r *recorder) exchange(one *exchange.Record) (whole bool) {
	d := r.drawings.Get().(*exporter.Drawing)
	defer r.finish(d, &whole)
	r.add(d, d.Exchange(one, r.names), markOf(one))
	return true
}

// chain records one chain under the labels of its last attempt, as exchange does.
func (r *recorder) chain(one *exchange.Chain) (whole bool) {
	d := r.drawings.Get().(*exporter.Drawing)
	defer r.finish(d, &whole)
	r.add(d, d.Chain(one, r.names), markOf(&one.Last))
	return true
}

// turn records one turn under the labels of its last exchange, as exchange does.
func (r *recorder) turn(one *exchange.WholeTurn) (whole bool) {
	d := r.drawings.Get().(*exporter.Drawing)
	defer r.finish(d, &whole)
	r.add(d, d.Turn(one, r.names), markOf(&one.Last))
	return true
}

// interim records what happened to an exchange that is open, as exchange does.
func (r *recorder) interim(one *exchange.Interim) (whole bool) {
	d := r.drawings.Get().(*exporter.Drawing)
	defer r.finish(d, &whole)
	r.add(d, d.Interim(one, r.names), markOf(&one.Of))
	return true
}

// add adds the samples of d to the series of id.
func (r *recorder) add(d *exporter.Drawing, id exporter.Identity, m mark) {
	of := r.book.Of(id, m.at)
	observe := func(one sink, samples exporter.Samples) bool { return one.observe(samples, m) }
	d.Each(r.drawn, func(i int, samples exporter.Samples) { of.Each(i, samples, observe) })
}

// finish ends the use of d. It sets whole to false if the use panicked.
func (r *recorder) finish(d *exporter.Drawing, whole *bool) {
	if recover() != nil {
		*whole = false
	}
	d.Clear()
	r.drawings.Put(d)
}

// Produce implements the SDK's Producer.
func (r *recorder) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	out := metricdata.ScopeMetrics{Scope: r.scope}
	for i := range r.families {
		if data := r.families[i].collect(); data != nil {
			in := &r.drawn[i]
			out.Metrics = append(out.Metrics, metricdata.Metrics{Name: in.Name, Description: in.Help, Unit: in.Unit, Data: data})
		}
	}
	return []metricdata.ScopeMetrics{out}, nil
}
