package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/headway-sidecar/headway/exporter"
)

// recorder draws the samples of exchanges and chains and records them. One goroutine
// records, another one collects.
type recorder struct {
	config Config                // all but Edges, which change
	table  []exporter.Instrument // those that exchanges and chains feed

	mu    sync.Mutex     // held while something is recorded, and while it is collected
	edges exporter.Edges // of the next era
	*era
	ended atomic.Bool // the era ends with the next collection

	drawing exporter.Drawing
}

// era holds what was recorded since the era began. The SDK keeps a series for ever: one ends
// only with all others. And it fixes the bounds of an instrument when it makes it.
type era struct {
	drawn    []exporter.Instrument // table, with the edges of the era among the bounds
	provider *sdk.MeterProvider
	reader   *sdk.ManualReader
	sinks    []newSink // of drawn, by index
	series   map[exporter.Identity]*series
	zeros    zeroBuckets // nil unless histograms are exponential
}

// newSink makes the series of an instrument that has these attributes.
type newSink func(attribute.Set) sink

// series holds the series of one Set, so that their attributes are put together and
// sorted once and not for every sample.
type series struct {
	*exporter.Set
	made map[seriesKey]sink
}

type seriesKey struct {
	instrument int
	extra      exporter.Extra
}

// newRecorder makes the instruments of table that draw.
func newRecorder(c *Config, table []exporter.Instrument) (*recorder, error) {
	r := &recorder{config: *c, edges: c.Edges}
	for _, in := range table {
		if in.Read == nil {
			r.table = append(r.table, in)
		}
	}
	var err error
	if r.era, err = r.begin(); err != nil {
		return nil, err
	}
	c.Names.OnRelease(func(exporter.Identity, []exporter.Series) { r.ended.Store(true) })
	return r, nil
}

// begin begins an era, with nothing recorded.
func (r *recorder) begin() (*era, error) {
	s := &era{
		drawn:  withEdges(r.table, r.edges),
		reader: sdk.NewManualReader(sdk.WithTemporalitySelector(r.config.Temporality.of), sdk.WithAggregationSelector(r.config.Aggregation.of)),
		series: map[exporter.Identity]*series{},
	}
	if r.config.Aggregation == Exponential {
		s.zeros = zeroBuckets{}
	}
	s.provider = r.config.provider(s.reader)
	meter := r.config.meter(s.provider)
	for i := range s.drawn {
		made, err := sinkOf(meter, &s.drawn[i], s.zeros)
		if err != nil {
			return nil, errors.Join(err, s.provider.Shutdown(context.Background()))
		}
		s.sinks = append(s.sinks, made)
	}
	return s, nil
}

func withEdges(table []exporter.Instrument, edges exporter.Edges) []exporter.Instrument {
	out := make([]exporter.Instrument, len(table))
	for i, in := range table {
		out[i] = in.WithEdges(edges)
	}
	return out
}

// setEdges ends the era if its histograms have not exactly the bounds that edges give.
func (r *recorder) setEdges(edges exporter.Edges) {
	if r.config.Aggregation == Exponential {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.edges = edges
	same := func(a, b exporter.Instrument) bool { return slices.Equal(a.Bounds, b.Bounds) }
	if !slices.EqualFunc(r.drawn, withEdges(r.table, edges), same) {
		r.ended.Store(true)
	}
}

// Produce implements the SDK's Producer: it tells what was recorded. When series have
// ended, or bounds have changed, it then begins anew, as a restarted process would. Nothing
// is lost by that: every sample is in the era before or in the one after.
func (r *recorder) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, err := r.collect(ctx)
	if err != nil || !r.ended.Load() {
		return out, err
	}
	next, err := r.begin()
	if err != nil {
		return out, fmt.Errorf("beginning anew: %w", err)
	}
	err = r.provider.Shutdown(ctx)
	r.era = next
	r.ended.Store(false)
	return out, err
}

func (r *recorder) collect(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	var out metricdata.ResourceMetrics
	if err := r.reader.Collect(ctx, &out); err != nil {
		return nil, fmt.Errorf("collecting: %w", err)
	}
	r.zeros.complete(out.ScopeMetrics)
	return out.ScopeMetrics, nil
}

// record records t and says whether it did so whole, and without a panic: when a row of
// the table or the running program panics on odd traffic, that costs one exchange, not
// the process.
func (r *recorder) record(t *item) (whole bool) {
	defer func() {
		if recover() != nil {
			whole = false
		}
		r.drawing.Clear()
		r.mu.Unlock()
	}()
	r.mu.Lock()
	var id exporter.Identity
	last := &t.record
	if t.isChain {
		id, last = r.drawing.Chain(&t.chain, r.config.Names), &t.chain.Last
	} else {
		id = r.drawing.Exchange(&t.record, r.config.Names)
	}
	span := spanOf(last)
	whole = true
	of := r.seriesOf(id)
	if of.Identity != id {
		of.Folded()
	}
	r.drawing.Each(r.drawn, func(i int, samples exporter.Samples) {
		if r.drawn[i].Kind == exporter.Histogram && limit(samples) {
			whole = false
		}
		samples.EachSeries(func(labels exporter.Extra, samples exporter.Samples) {
			r.sink(of, seriesKey{i, labels}).record(span, samples)
		})
	})
	return whole
}

// maxRepeats is how many observations one exchange may add to one histogram, beside one
// for each of its samples, whose number the kept chunks bound. The SDK takes observations
// one by one: these are some 10 ms of its time. An answer of so many tokens that comes in
// one piece, from a proxy that buffers say, loses none.
const maxRepeats = 1 << 14

// limit cuts the counts of samples to maxRepeats together, and says whether it did.
func limit(samples exporter.Samples) (cut bool) {
	left := uint64(maxRepeats)
	for i := range samples {
		if samples[i].Count == 0 {
			continue
		}
		repeats := min(samples[i].Count-1, left)
		cut = cut || repeats < samples[i].Count-1
		left -= repeats
		samples[i].Count = 1 + repeats
	}
	return cut
}

// seriesOf returns the series of an identity, or those beyond the bound.
func (r *recorder) seriesOf(id exporter.Identity) *series {
	if found := r.series[id]; found != nil && found.Use(time.Now()) {
		return found
	}
	set := r.config.Names.SetOf(id)
	if found := r.series[set.Identity]; found != nil && found.Set == set {
		return found
	}
	made := &series{set, map[seriesKey]sink{}}
	r.series[set.Identity] = made
	return made
}

// sink returns a series. At first sight it makes the series, and those that begin
// together with it.
func (r *recorder) sink(of *series, key seriesKey) sink {
	if found := of.made[key]; found != nil {
		return found
	}
	if together := r.drawn[key.instrument].Together; together != nil {
		for _, extra := range together(&r.config.Live, key.extra) {
			r.make(of, seriesKey{key.instrument, extra}).start()
		}
	}
	return r.make(of, key)
}

// make returns the series of key. It makes the series unless it is there. Without a place
// it returns the series beyond the bound and does not remember key: there may be any number
// of keys without a place.
func (r *recorder) make(of *series, key seriesKey) sink {
	if found := of.made[key]; found != nil {
		return found
	}
	in := &r.drawn[key.instrument]
	if !of.Room(in, key.extra) {
		id, extra := of.Fold(in, key.extra)
		return r.make(r.seriesOf(id), seriesKey{key.instrument, extra})
	}
	values := append(of.Identity.Values(in.Family), key.extra[:len(in.Labels)]...)
	made := r.sinks[key.instrument](attributes(in.AllLabels(), values))
	of.made[key] = made
	return made
}
