package metrics

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/headway-sidecar/headway/exporter"
)

// newFamily makes the instrument of a row that draws.
func newFamily(in *exporter.Instrument, c *Config) family {
	switch {
	case in.Kind == exporter.Histogram:
		return newHistograms(in, c)
	case in.Kind == exporter.Counter && fractional(in):
		return newCounters[float64](in, c)
	case in.Kind == exporter.Counter:
		return newCounters[int64](in, c)
	case fractional(in):
		return newGauges[float64](in)
	}
	return newGauges[int64](in)
}

// fractional says whether an instrument's numbers have fractions; others are exported
// as integers.
func fractional(in *exporter.Instrument) bool {
	return slices.Contains([]string{"s", "1", "{share}", "{currency}"}, in.Unit)
}

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
		read(func(v float64, values ...string) { o.Observe(as[int64](v), at(values)) })
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
