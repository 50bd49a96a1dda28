package metrics

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/headway-sidecar/headway/exporter"
)

// sink is one series that takes samples, all of one exchange.
type sink interface {
	record(span context.Context, samples exporter.Samples)
	// start makes the series visible before it has a sample.
	start()
}

// fractional says whether an instrument's numbers have fractions; others are exported
// as integers.
func fractional(in *exporter.Instrument) bool {
	return slices.Contains([]string{"s", "1", "{share}", "{currency}"}, in.Unit)
}

// sinkOf makes the SDK's instrument of a row that draws, and returns the function that
// makes the instrument's series. zeros is nil unless histograms are exponential.
func sinkOf(meter metric.Meter, in *exporter.Instrument, zeros zeroBuckets) (newSink, error) {
	unit, help := metric.WithUnit(in.Unit), metric.WithDescription(in.Help)
	switch {
	case in.Kind == exporter.Histogram:
		made, err := meter.Float64Histogram(in.Name, unit, help, metric.WithExplicitBucketBoundaries(in.Bounds...))
		return func(of attribute.Set) sink {
			h := histogram{Float64Histogram: made, attributes: []metric.RecordOption{metric.WithAttributeSet(of)}}
			if zeros != nil {
				h.zero = zeros.of(in, of)
			}
			return h
		}, err
	case in.Kind == exporter.Counter && fractional(in):
		made, err := meter.Float64Counter(in.Name, unit, help)
		return func(of attribute.Set) sink { return counter{made, []metric.AddOption{metric.WithAttributeSet(of)}} }, err
	case in.Kind == exporter.Counter:
		made, err := meter.Int64Counter(in.Name, unit, help)
		return func(of attribute.Set) sink { return intCounter{made, []metric.AddOption{metric.WithAttributeSet(of)}} }, err
	case fractional(in):
		made, err := meter.Float64Gauge(in.Name, unit, help)
		return func(of attribute.Set) sink { return gauge{made, []metric.RecordOption{metric.WithAttributeSet(of)}} }, err
	}
	made, err := meter.Int64Gauge(in.Name, unit, help)
	return func(of attribute.Set) sink { return intGauge{made, []metric.RecordOption{metric.WithAttributeSet(of)}} }, err
}

type histogram struct {
	metric.Float64Histogram
	attributes []metric.RecordOption
	zero       *zeroBucket // nil unless the histogram is exponential
}

// record offers the largest sample as an exemplar, because people will ask about that one.
func (h histogram) record(span context.Context, samples exporter.Samples) {
	top := 0
	for i := range samples {
		if samples[i].Value > samples[top].Value {
			top = i
		}
	}
	for i := range samples {
		n, value := samples[i].Count, samples[i].Value
		if i == top && n > 0 {
			recorded := h.zero.take(value)
			h.Record(exemplify(span, value, recorded), recorded, h.attributes...)
			n--
		}
		for range n {
			h.Record(context.Background(), h.zero.take(value), h.attributes...)
		}
	}
}

func (histogram) start() {}

type counter struct {
	metric.Float64Counter
	attributes []metric.AddOption
}

func (c counter) record(_ context.Context, samples exporter.Samples) {
	c.Add(context.Background(), sum(samples), c.attributes...)
}

func (c counter) start() { c.Add(context.Background(), 0, c.attributes...) }

type intCounter struct {
	metric.Int64Counter
	attributes []metric.AddOption
}

func (c intCounter) record(_ context.Context, samples exporter.Samples) {
	c.Add(context.Background(), integer(sum(samples)), c.attributes...)
}

func (c intCounter) start() { c.Add(context.Background(), 0, c.attributes...) }

type gauge struct {
	metric.Float64Gauge
	attributes []metric.RecordOption
}

func (g gauge) record(_ context.Context, samples exporter.Samples) {
	g.Record(context.Background(), samples[len(samples)-1].Value, g.attributes...)
}

func (gauge) start() {}

type intGauge struct {
	metric.Int64Gauge
	attributes []metric.RecordOption
}

func (g intGauge) record(_ context.Context, samples exporter.Samples) {
	g.Record(context.Background(), integer(samples[len(samples)-1].Value), g.attributes...)
}

func (intGauge) start() {}

func sum(samples exporter.Samples) float64 {
	total := 0.0
	for i := range samples {
		total += samples[i].Value * float64(samples[i].Count)
	}
	return total
}

// integer is v as a whole number, which a float holds exactly up to 2^53.
func integer(v float64) int64 { return int64(math.Round(v)) }

// observe makes the instruments of table that read the running program. None reads it
// until all are made: the program may exist only after New has returned, and the SDK makes
// no instrument while it collects.
func observe(meter metric.Meter, c *Config, table []exporter.Instrument) error {
	made := new(atomic.Bool)
	for _, in := range table {
		if in.Read == nil {
			continue
		}
		read := func(level exporter.Level) {
			if made.Load() {
				in.Read(&c.Live, c.Names, level)
			}
		}
		if err := observable(meter, in, read); err != nil {
			return err
		}
	}
	made.Store(true)
	return nil
}

// observable makes the SDK's instrument of a row that reads the running program. The SDK
// calls read for every request.
func observable(meter metric.Meter, in exporter.Instrument, read func(exporter.Level)) error {
	labels := in.AllLabels()
	at := func(values []string) metric.ObserveOption { return metric.WithAttributeSet(attributes(labels, values)) }
	floats := metric.Float64Callback(func(_ context.Context, o metric.Float64Observer) error {
		read(func(v float64, values ...string) { o.Observe(v, at(values)) })
		return nil
	})
	ints := metric.Int64Callback(func(_ context.Context, o metric.Int64Observer) error {
		read(func(v float64, values ...string) { o.Observe(integer(v), at(values)) })
		return nil
	})
	unit, help := metric.WithUnit(in.Unit), metric.WithDescription(in.Help)
	var err error
	switch {
	case in.Kind == exporter.Counter && fractional(&in):
		_, err = meter.Float64ObservableCounter(in.Name, unit, help, metric.WithFloat64Callback(floats))
	case in.Kind == exporter.Counter:
		_, err = meter.Int64ObservableCounter(in.Name, unit, help, metric.WithInt64Callback(ints))
	case fractional(&in):
		_, err = meter.Float64ObservableGauge(in.Name, unit, help, metric.WithFloat64Callback(floats))
	default:
		_, err = meter.Int64ObservableGauge(in.Name, unit, help, metric.WithInt64Callback(ints))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	return nil
}

// attributes puts labels and their values together. An unknown value makes no attribute,
// as an empty label is a missing one to Prometheus.
func attributes(labels, values []string) attribute.Set {
	var out []attribute.KeyValue
	for i, value := range values {
		if value == "" {
			continue
		}
		key := attribute.Key(labels[i])
		if port, err := strconv.Atoi(value); key == semconv.ServerPortKey && err == nil {
			out = append(out, key.Int(port))
			continue
		}
		out = append(out, key.String(value))
	}
	return attribute.NewSet(out...)
}
