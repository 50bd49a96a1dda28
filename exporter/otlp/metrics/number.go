package metrics

import (
	"math"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/headway-sidecar/headway/exporter"
)

// as is v as a number. A float holds a whole number up to 2^53 exactly.
func as[N number](v float64) N {
	var n N
	if _, whole := any(n).(int64); whole {
		v = math.Round(v)
	}
	return N(v)
}

// counter is one series of a counter.
type counter[N number] struct {
	life
	value N
}

func (c *counter[N]) observe(samples exporter.Samples, _ mark) bool {
	more := 0.0
	for i := range samples {
		more += samples[i].Value * float64(samples[i].Count)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	c.value += as[N](more)
	return true
}

// counters holds the series of a counter.
type counters[N number] struct {
	members[*counter[N]]
	temporality metricdata.Temporality
}

func newCounters[N number](in *exporter.Instrument, c *Config) *counters[N] {
	return &counters[N]{
		members:     newMembers(in, func() *counter[N] { return new(counter[N]) }),
		temporality: c.Temporality.of(sdk.InstrumentKindCounter),
	}
}

func (f *counters[N]) collect() metricdata.Aggregation {
	out := metricdata.Sum[N]{Temporality: f.temporality, IsMonotonic: true}
	f.each(func() {}, func(one *counter[N], now time.Time) {
		out.DataPoints = append(out.DataPoints, metricdata.DataPoint[N]{Attributes: one.attributes, StartTime: one.from, Time: now, Value: one.value})
		if f.temporality == metricdata.DeltaTemporality {
			one.value, one.from = 0, now
		}
	})
	if out.DataPoints == nil {
		return nil
	}
	return out
}

// gauge is one series whose last value counts.
type gauge[N number] struct {
	life
	value N
	known bool
}

func (g *gauge[N]) observe(samples exporter.Samples, _ mark) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return false
	}
	g.value, g.known = as[N](samples[len(samples)-1].Value), true
	return true
}

// gauges holds the series of a gauge.
type gauges[N number] struct{ members[*gauge[N]] }

func newGauges[N number](in *exporter.Instrument) *gauges[N] {
	return &gauges[N]{newMembers(in, func() *gauge[N] { return new(gauge[N]) })}
}

func (f *gauges[N]) collect() metricdata.Aggregation {
	var out metricdata.Gauge[N]
	f.each(func() {}, func(g *gauge[N], now time.Time) {
		if g.known {
			out.DataPoints = append(out.DataPoints, metricdata.DataPoint[N]{Attributes: g.attributes, StartTime: g.from, Time: now, Value: g.value})
		}
	})
	if out.DataPoints == nil {
		return nil
	}
	return out
}
