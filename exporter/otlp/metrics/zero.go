package metrics

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/headway-sidecar/headway/exporter"
)

// zeroBucket is the zero bucket of one exponential histogram. The SDK has none with a
// width: it counts only values of exactly 0 there. A gap of 1 µs would have a bucket of its
// own, and all buckets would become wider to make room for it. So the SDK gets 0 for every
// value up to the threshold, and the zeroBucket keeps the sum and the range of the true
// values.
type zeroBucket struct {
	threshold float64
	taken     int
	sum       float64
	min, max  float64
}

// take returns the number that the SDK records for v. A nil zeroBucket takes nothing.
func (z *zeroBucket) take(v float64) float64 {
	if z == nil || v > z.threshold {
		return v
	}
	if z.taken == 0 {
		z.min, z.max = v, v
	}
	z.taken++
	z.sum, z.min, z.max = z.sum+v, min(z.min, v), max(z.max, v)
	return 0
}

// complete gives p the width of its zero bucket, and what the true values in it add.
func (z *zeroBucket) complete(p *metricdata.ExponentialHistogramDataPoint[float64]) {
	p.ZeroThreshold = z.threshold
	if z.taken == 0 {
		return
	}
	p.Sum += z.sum
	p.Min = metricdata.NewExtrema(z.min)
	if p.Count == p.ZeroCount {
		p.Max = metricdata.NewExtrema(z.max)
	}
}

// zeroBuckets holds the zero buckets of all exponential histograms of an era.
type zeroBuckets map[zeroKey]*zeroBucket

type zeroKey struct {
	instrument string
	attributes attribute.Distinct
}

// of returns the zero bucket of the series of in that has these attributes.
func (all zeroBuckets) of(in *exporter.Instrument, attributes attribute.Set) *zeroBucket {
	key := zeroKey{in.Name, attributes.Equivalent()}
	if all[key] == nil {
		all[key] = &zeroBucket{threshold: in.Zero}
	}
	return all[key]
}

// complete completes the exponential histograms of a collection. After one with delta
// temporality it empties their zero buckets.
func (all zeroBuckets) complete(scopes []metricdata.ScopeMetrics) {
	for _, scope := range scopes {
		for _, m := range scope.Metrics {
			histogram, ok := m.Data.(metricdata.ExponentialHistogram[float64])
			if !ok {
				continue
			}
			for i := range histogram.DataPoints {
				p := &histogram.DataPoints[i]
				z := all[zeroKey{m.Name, p.Attributes.Equivalent()}]
				z.complete(p)
				if histogram.Temporality == metricdata.DeltaTemporality {
					*z = zeroBucket{threshold: z.threshold}
				}
			}
		}
	}
}

// trueValue is the key of a context's value that an exemplar has in place of the one that
// the SDK recorded.
type trueValue struct{}

// exemplify returns span with the true value of a sample, if recorded is not it.
func exemplify(span context.Context, value, recorded float64) context.Context {
	if value == recorded {
		return span
	}
	return context.WithValue(span, trueValue{}, value)
}
