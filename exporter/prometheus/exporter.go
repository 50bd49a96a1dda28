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
	live     exporter.Live
	drawn    []exporter.Instrument // those that exchanges and chains feed
	families []family              // of drawn, by index
	index    map[string]int        // of drawn, by name
	sorted   []drawnFamily         // families, by their names in Prometheus' spelling

	mu     sync.RWMutex
	series map[exporter.Identity]*series

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
		live:     c.Live,
		series:   map[exporter.Identity]*series{},
		index:    map[string]int{},
		drawings: sync.Pool{New: func() any { return new(exporter.Drawing) }},
		zips:     sync.Pool{New: newZip},
	}
	all := []client.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	e.names.OnRelease(e.end)
	live := &levels{live: c.Live, names: c.Names, started: time.Now()}
	for _, in := range exporter.Table(c.SemConv) {
		if in.Read != nil {
			live.add(in)
			continue
		}
		edged := in.WithEdges(c.Edges)
		f := newFamily(&edged, histograms)
		e.index[in.Name] = len(e.drawn)
		e.drawn, e.families = append(e.drawn, in), append(e.families, f)
		e.sorted = append(e.sorted, drawnFamily{f, headOf(&in)})
	}
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
	e.mu.Lock()
	defer e.mu.Unlock()
	changed := false
	for i := range e.drawn {
		if h, ok := e.families[i].(*histograms); ok && h.rebound(e.drawn[i].WithEdges(edges).Bounds) {
			changed = true
		}
	}
	if changed {
		clear(e.series)
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

// add adds the samples of d to the series of id and gives d back.
func (e *Exporter) add(d *exporter.Drawing, id exporter.Identity, m mark) {
	of := e.seriesOf(id)
	if !of.Use(m.at) {
		of = e.seriesOf(id)
	}
	if of.Identity != id {
		of.Folded()
	}
	d.Each(e.drawn, func(i int, samples exporter.Samples) { of.observe(i, samples, m) })
	d.Clear()
	e.drawings.Put(d)
}

// seriesOf returns the series of an identity, and makes them at first sight. Without a
// place for them it returns those beyond the bound.
func (e *Exporter) seriesOf(id exporter.Identity) *series {
	e.mu.RLock()
	s := e.series[id]
	e.mu.RUnlock()
	if s != nil {
		return s
	}
	set := e.names.SetOf(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.series[set.Identity]; s != nil && s.Set == set {
		return s
	}
	s = &series{Set: set, of: e, made: map[seriesKey]sink{}}
	e.series[set.Identity] = s
	return s
}

// end ends the series of a Set that gave its places away.
func (e *Exporter) end(id exporter.Identity, gone []exporter.Series) {
	e.mu.Lock()
	delete(e.series, id)
	e.mu.Unlock()
	for _, one := range gone {
		i := e.index[one.Instrument]
		e.families[i].end(values(&e.drawn[i], one.Identity, one.Extra))
	}
}
