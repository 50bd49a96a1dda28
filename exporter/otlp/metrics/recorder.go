package metrics

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// recorder draws the samples of exchanges and chains and records them. It is for one
// goroutine.
type recorder struct {
	names  *exporter.Names
	live   *exporter.Live
	made   atomic.Bool // what reads the running program may do so
	drawn  []drawn
	series map[exporter.Identity]series

	reading exporter.Reading
	chain   exporter.ChainReading
	samples exporter.Samples
}

// drawn is an instrument that exchanges and chains feed.
type drawn struct {
	exporter.Instrument
	sink func(metric.MeasurementOption) sink
}

// series is the series of one identity, so that their attributes are put together and
// sorted once and not for every sample.
type series map[seriesKey]sink

type seriesKey struct {
	instrument int
	extra      exporter.Extra
}

// newRecorder makes the instruments of table. Nothing of the running program is read
// until all are made: it may be there only when this has returned, and the SDK makes no
// instrument while it collects.
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
		r.drawn = append(r.drawn, drawn{in, made})
	}
	r.made.Store(true)
	return r, nil
}

// take records t and tells whether that was done whole, and without a panic: what a row
// of the table or the running program makes of odd traffic costs one exchange, not the
// process.
func (r *recorder) take(t *told) (whole bool) {
	defer func() {
		if recover() != nil {
			whole = false
		}
		r.forget()
	}()
	if t.isChain {
		return r.observeChain(t.chain)
	}
	return r.observe(t.record)
}

// observe tells whether the exchange was recorded whole.
func (r *recorder) observe(record exchange.Record) (whole bool) {
	whole = true
	r.reading.Fill(record, r.names)
	span := spanOf(&record)
	for i := range r.drawn {
		if r.drawn[i].Takes(&r.reading.Record) {
			r.samples = r.samples[:0]
			r.drawn[i].Draw(&r.reading, &r.samples)
			whole = r.record(span, i, r.reading.Identity) && whole
		}
	}
	return whole
}

// observeChain tells whether the chain was recorded whole.
func (r *recorder) observeChain(c exchange.Chain) (whole bool) {
	whole = true
	r.chain.Fill(c, r.names)
	span := spanOf(&c.Last)
	for i := range r.drawn {
		if r.drawn[i].TakesChain(&r.chain.Chain) {
			r.samples = r.samples[:0]
			r.drawn[i].DrawChain(&r.chain, &r.samples)
			whole = r.record(span, i, r.chain.Identity) && whole
		}
	}
	return whole
}

// forget lets go of what was recorded last.
func (r *recorder) forget() {
	clear(r.samples) // their labels may be pieces of larger strings
	r.samples = r.samples[:0]
	r.reading.Clear()
	r.chain = exporter.ChainReading{}
}

// record hands what the i-th instrument drew to its series, samples of equal labels at
// a time. It tells whether that was all of it.
func (r *recorder) record(span context.Context, i int, id exporter.Identity) (whole bool) {
	whole = r.drawn[i].Kind != exporter.Histogram || !limit(r.samples)
	rest := r.samples
	for len(rest) > 0 {
		n := 1
		for n < len(rest) && rest[n].Extra == rest[0].Extra {
			n++
		}
		r.of(id, seriesKey{i, rest[0].Extra}).record(span, rest[:n])
		rest = rest[n:]
	}
	clear(r.samples) // its labels may be pieces of larger strings
	return whole
}

// maxRepeats is how many observations one exchange may add to one histogram beside one
// for each of its samples, of which the chunks that are kept allow no more. The SDK takes
// them one by one: these are some 10 ms of its time, and an answer of so many tokens
// that comes in one piece, from a proxy that buffers say, loses none.
const maxRepeats = 1 << 14

// limit cuts the counts of samples to what may be recorded, and tells whether it did.
func limit(samples []exporter.Sample) (cut bool) {
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

// of returns a series, which is made on first sight together with those that begin
// with it.
func (r *recorder) of(id exporter.Identity, key seriesKey) sink {
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
			all.make(in, id, seriesKey{key.instrument, extra}).begin()
		}
	}
	return all.make(in, id, key)
}

// make returns the series of key, which it makes unless it is there.
func (s series) make(in *drawn, id exporter.Identity, key seriesKey) sink {
	if found := s[key]; found != nil {
		return found
	}
	values := append(id.Values(in.Family), key.extra[:len(in.Labels)]...)
	made := in.sink(metric.WithAttributeSet(attributes(in.AllLabels(), values)))
	s[key] = made
	return made
}
