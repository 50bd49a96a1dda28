package metrics

import (
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"

	"github.com/headway-sidecar/headway/exporter"
)

// recorder draws the samples of exchanges and chains and records them. It is for one
// goroutine.
type recorder struct {
	names  *exporter.Names
	live   *exporter.Live
	made   atomic.Bool           // all instruments are made: those that read the running program may do so
	drawn  []exporter.Instrument // those that exchanges and chains feed
	sinks  []newSink             // of drawn, by index
	series map[exporter.Identity]series

	drawing exporter.Drawing
}

// newSink makes the series of an instrument that has these attributes.
type newSink func(metric.MeasurementOption) sink

// series holds the series of one identity, so that their attributes are put together and
// sorted once and not for every sample.
type series map[seriesKey]sink

type seriesKey struct {
	instrument int
	extra      exporter.Extra
}

// newRecorder makes the instruments of table. No instrument reads the running program
// until all are made: the program may exist only after newRecorder has returned, and the
// SDK makes no instrument while it collects.
func newRecorder(meter metric.Meter, c *Config, table []exporter.Instrument) (*recorder, error) {
	r := &recorder{names: c.Names, live: &c.Live, series: map[exporter.Identity]series{}}
	for _, in := range table {
		if in.Read != nil {
			if err := r.observable(meter, in); err != nil {
				return nil, err
			}
			continue
		}
		in = in.WithEdges(c.Edges)
		made, err := sinkOf(meter, &in)
		if err != nil {
			return nil, err
		}
		r.drawn, r.sinks = append(r.drawn, in), append(r.sinks, made)
	}
	r.made.Store(true)
	return r, nil
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
	}()
	id, last := exporter.Identity{}, &t.record
	if t.isChain {
		id, last = r.drawing.Chain(&t.chain, r.names), &t.chain.Last
	} else {
		id = r.drawing.Exchange(&t.record, r.names)
	}
	span := spanOf(last)
	whole = true
	r.drawing.Each(r.drawn, func(i int, samples exporter.Samples) {
		if r.drawn[i].Kind == exporter.Histogram && limit(samples) {
			whole = false
		}
		samples.EachSeries(func(labels exporter.Extra, of exporter.Samples) {
			r.seriesOf(id, seriesKey{i, labels}).record(span, of)
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

// seriesOf returns a series. At first sight it makes the series, and those that begin
// together with it.
func (r *recorder) seriesOf(id exporter.Identity, key seriesKey) sink {
	all := r.series[id]
	if all == nil {
		all = series{}
		r.series[id] = all
	}
	if found := all[key]; found != nil {
		return found
	}
	in := &r.drawn[key.instrument]
	if in.Together != nil {
		for _, extra := range in.Together(r.live, key.extra) {
			r.make(all, id, seriesKey{key.instrument, extra}).start()
		}
	}
	return r.make(all, id, key)
}

// make returns the series of key among all of one identity. It makes the series unless
// it is there.
func (r *recorder) make(all series, id exporter.Identity, key seriesKey) sink {
	if found := all[key]; found != nil {
		return found
	}
	in := &r.drawn[key.instrument]
	values := append(id.Values(in.Family), key.extra[:len(in.Labels)]...)
	made := r.sinks[key.instrument](metric.WithAttributeSet(attributes(in.AllLabels(), values)))
	all[key] = made
	return made
}
