package prometheus

import (
	"fmt"
	"sync"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/headway-sidecar/headway/exporter"
)

// sink is one series that takes samples.
type sink interface {
	observe(samples exporter.Samples, m mark)
}

// family holds all series of one instrument.
type family interface {
	client.Collector
	// with returns the series of these label values, and makes it at first sight. It
	// panics on values that do not fit the labels, which only a faulty table has.
	with(values []string) sink
	// end removes the series of these label values, if there is one.
	end(values []string)
}

func newFamily(in *exporter.Instrument, form Histograms) family {
	name, labels := Name(in), Labels(in)
	switch in.Kind {
	case exporter.Counter:
		return counters{client.NewCounterVec(client.CounterOpts{Name: name, Help: in.Help}, labels)}
	case exporter.Gauge:
		return gauges{client.NewGaugeVec(client.GaugeOpts{Name: name, Help: in.Help}, labels)}
	case exporter.Histogram:
		return newHistograms(client.NewDesc(name, in.Help, labels, nil), in, form)
	}
	panic(fmt.Sprintf("instrument %s has no kind", in.Name))
}

type counters struct{ *client.CounterVec }

func (c counters) with(values []string) sink { return counter{c.WithLabelValues(values...)} }

func (c counters) end(values []string) { c.DeleteLabelValues(values...) }

type counter struct{ client.Counter }

func (c counter) observe(samples exporter.Samples, _ mark) {
	for i := range samples {
		c.Add(samples[i].Value * float64(samples[i].Count))
	}
}

type gauges struct{ *client.GaugeVec }

func (g gauges) with(values []string) sink { return gauge{g.WithLabelValues(values...)} }

func (g gauges) end(values []string) { g.DeleteLabelValues(values...) }

type gauge struct{ client.Gauge }

func (g gauge) observe(samples exporter.Samples, _ mark) {
	g.Set(samples[len(samples)-1].Value)
}

// series holds the series of one Set, so that an exchange finds them by index and not by
// hashing all its labels for each instrument.
type series struct {
	*exporter.Set
	of *Exporter

	mu   sync.RWMutex
	made map[seriesKey]sink
}

type seriesKey struct {
	instrument int
	extra      exporter.Extra
}

// observe hands samples of the i-th instrument to their series.
func (s *series) observe(i int, samples exporter.Samples, m mark) {
	if len(s.of.drawn[i].Labels) == 0 { // all are of one series, and there may be thousands
		s.sink(seriesKey{instrument: i}).observe(samples, m)
		return
	}
	samples.EachSeries(func(labels exporter.Extra, of exporter.Samples) {
		s.sink(seriesKey{i, labels}).observe(of, m)
	})
}

func (s *series) sink(key seriesKey) sink {
	s.mu.RLock()
	found := s.made[key]
	s.mu.RUnlock()
	if found != nil {
		return found
	}
	if together := s.of.drawn[key.instrument].Together; together != nil {
		for _, extra := range together(&s.of.live, key.extra) {
			s.make(seriesKey{key.instrument, extra})
		}
	}
	return s.make(key)
}

// make returns the series of key. It makes the series unless it is there. Without a place
// it returns the series beyond the bound and does not remember key: there may be any number
// of keys without a place.
func (s *series) make(key seriesKey) sink {
	in := &s.of.drawn[key.instrument]
	if !s.Room(in, key.extra) {
		id, extra := s.Fold(in, key.extra)
		return s.of.seriesOf(id).make(seriesKey{key.instrument, extra})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.made[key]; found != nil {
		return found
	}
	made := s.of.families[key.instrument].with(values(in, s.Identity, key.extra))
	s.made[key] = made
	return made
}

// values lists the values of all labels of in, in order.
func values(in *exporter.Instrument, id exporter.Identity, extra exporter.Extra) []string {
	return append(id.Values(in.Family), extra[:len(in.Labels)]...)
}
