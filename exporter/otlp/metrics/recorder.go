package metrics

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// recorder draws the samples of exchanges and chains and records them. It is for one
// goroutine.
type recorder struct {
	names  *exporter.Names
	live   *exporter.Live
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

func newRecorder(meter metric.Meter, c *Config) (*recorder, error) {
	r := &recorder{names: c.Names, live: &c.Live, series: map[exporter.Identity]series{}}
	for _, in := range exporter.Table(c.SemConv) {
		if in.Read != nil {
			if err := observable(meter, in, r.live, r.names); err != nil {
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
	return r, nil
}

func (r *recorder) observe(record exchange.Record) {
	r.reading.Fill(record, r.names)
	span := spanOf(&record)
	for i := range r.drawn {
		if r.drawn[i].Takes(&r.reading.Record) {
			r.samples = r.samples[:0]
			r.drawn[i].Draw(&r.reading, &r.samples)
			r.record(span, i, r.reading.Identity)
		}
	}
	r.reading.Clear()
}

func (r *recorder) observeChain(c exchange.Chain) {
	r.chain.Fill(c, r.names)
	span := spanOf(&c.Last)
	for i := range r.drawn {
		if r.drawn[i].TakesChain(&r.chain.Chain) {
			r.samples = r.samples[:0]
			r.drawn[i].DrawChain(&r.chain, &r.samples)
			r.record(span, i, r.chain.Identity)
		}
	}
	r.chain = exporter.ChainReading{}
}

// record hands what the i-th instrument drew to its series, samples of equal labels at
// a time.
func (r *recorder) record(span context.Context, i int, id exporter.Identity) {
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
