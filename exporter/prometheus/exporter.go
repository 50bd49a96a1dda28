//go:generate go test -run Golden -update .

// Package prometheus serves the table of instruments to a Prometheus server:
// classic histograms, native ones or both, with exemplars, as text, OpenMetrics
// or protobuf.
package prometheus

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/series"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Histograms is the form in which histograms are exposed.
type Histograms string

// The forms.
const (
	Classic Histograms = "classic" // fixed buckets, one series each
	Native  Histograms = "native"  // one series, for scrapers that read protobuf
	Both    Histograms = "both"    // the scraper chooses
)

// Config is what an Exporter is made of.
type Config struct {
	Histograms Histograms       // empty is Both
	SemConv    exporter.SemConv // empty is V141
	Names      *exporter.Names
	Live       exporter.Live
	Edges      exporter.Edges // more bounds of classic histograms
}

// Exporter is an exchange.ChainObserver that serves all exchanges and chains as metrics.
// It is safe for concurrent use, and neither waits for a scrape nor makes one wait for
// long.
type Exporter struct {
	registry *client.Registry // of everything but families
	names    *exporter.Names
	drawn    []exporter.Instrument // those that exchanges and chains feed
	families []family              // of drawn, by index
	sorted   []drawnFamily         // families, by their names in Prometheus' spelling
	book     *series.Book[sink]

	drawings sync.Pool // of *exporter.Drawing
	zips     sync.Pool // of *gzip.Writer
}

// New registers every instrument of the table, and those of the Go runtime and
// the process.
func New(c Config) (*Exporter, error) {
	histograms := c.Histograms
	if histograms == "" {
		histograms = Both
	}
	e := &Exporter{
		registry: client.NewRegistry(),
		names:    c.Names,
		drawings: sync.Pool{New: func() any { return new(exporter.Drawing) }},
		zips:     sync.Pool{New: newZip},
	}
	all := []client.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	live := &levels{live: c.Live, names: c.Names, started: time.Now()}
	for _, in := range e.names.Table(c.SemConv) {
		if in.Read != nil {
			live.add(in)
			continue
		}
		edged := in.WithEdges(c.Edges)
		f := newFamily(&edged, histograms)
		e.drawn, e.families = append(e.drawn, in), append(e.families, f)
		e.sorted = append(e.sorted, drawnFamily{f, headOf(&in)})
	}
	e.book = series.NewBook(series.Config[sink]{
		Table: e.drawn, Names: c.Names, Live: &live.live,
		Make: func(i int, values []string) sink { return e.families[i].with(values) },
		End:  func(i int, values []string) { e.families[i].end(values) },
	})
	slices.SortFunc(e.sorted, func(a, b drawnFamily) int { return strings.Compare(a.head.GetName(), b.head.GetName()) })
	for _, collector := range append(all, live) {
		if err := e.registry.Register(collector); err != nil {
			return nil, fmt.Errorf("registering instruments: %w", err)
		}
	}
	return e, nil
}

// SetEdges gives classic histograms other bounds beside those of the table. A histogram
// whose bounds change begins anew, as in a restarted process. It may lose samples that
// another goroutine adds at that moment.
func (e *Exporter) SetEdges(edges exporter.Edges) {
	changed := false
	for i := range e.drawn {
		if h, ok := e.families[i].(*histograms); ok && h.rebound(e.drawn[i].WithEdges(edges).Bounds) {
			changed = true
		}
	}
	if changed {
		e.book.Forget()
	}
}

// Observe adds one exchange to every instrument that takes it.
func (e *Exporter) Observe(r exchange.Record) {
	d := e.drawings.Get().(*exporter.Drawing)
	e.add(d, d.Exchange(&r, e.names), markOf(&r))
}

// ObserveChain adds one chain to every instrument that takes it, under the labels of its
// last attempt.
func (e *Exporter) ObserveChain(c exchange.Chain) {
	d := e.drawings.Get().(*exporter.Drawing)
	e.add(d, d.Chain(&c, e.names), markOf(&c.Last))
}

// ObserveTurn adds one turn to every instrument that takes it, under the labels of its last
// exchange.
func (e *Exporter) ObserveTurn(t exchange.WholeTurn) {
	d := e.drawings.Get().(*exporter.Drawing)
	e.add(d, d.Turn(&t, e.names), markOf(&t.Last))
}

// ObserveInterim adds what happened to an open exchange to every instrument that takes it.
func (e *Exporter) ObserveInterim(i exchange.Interim) {
	d := e.drawings.Get().(*exporter.Drawing)
	e.add(d, d.Interim(&i, e.names), markOf(&i.Of))
}

// add adds the samples of d to the series of id and gives d back.
func (e *Exporter) add(d *exporter.Drawing, id exporter.Identity, m mark) {
	of := e.book.Of(id, m.at)
	observe := func(one sink, samples exporter.Samples) bool {
		one.observe(samples, m)
		return true
	}
	d.Each(e.drawn, func(i int, samples exporter.Samples) { of.Each(i, samples, observe) })
	d.Clear()
	e.drawings.Put(d)
}
