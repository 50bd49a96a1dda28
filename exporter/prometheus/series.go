package prometheus

import (
	"fmt"

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
