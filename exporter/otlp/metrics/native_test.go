package metrics_test

import (
	"maps"
	"math"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
)

// exponential is one series as a backend tells it. Bucket k ends at 2^(k/2^scale).
type exponential struct {
	zeros     uint64
	threshold float64
	sum       float64
	scale     int32
	buckets   map[int32]uint64 // those that hold something
}

// at is x with buckets of a scale that is no finer than its own.
func (x exponential) at(scale int32) map[int32]uint64 {
	out := map[int32]uint64{}
	for k, n := range x.buckets {
		steps := x.scale - scale
		out[(k+1<<steps-1)>>steps] += n
	}
	return out
}

func compareExponentials(t *testing.T, want, got map[string]exponential) {
	t.Helper()
	filled := 0
	for series, w := range want {
		g := got[series]
		if g.zeros != w.zeros || g.threshold != w.threshold || math.Abs(g.sum-w.sum) > 1e-9*w.sum {
			t.Errorf("%s: OTLP says %+v, Prometheus %+v", series, g, w)
		}
		if scale := min(g.scale, w.scale); !maps.Equal(g.at(scale), w.at(scale)) {
			t.Errorf("%s at scale %d: OTLP says %v, Prometheus %v", series, scale, g.at(scale), w.at(scale))
		}
		if w.zeros > 0 {
			filled++
		}
	}
	if len(got) != len(want) || filled < 10 {
		t.Errorf("%d series in OTLP, %d in Prometheus, %d of them with anything in the zero bucket; want equally many, and 10", len(got), len(want), filled)
	}
}

func exponentialsInOTLP(out map[string]exponential, m pmetric.Metric) {
	for _, in := range exporter.Table("") {
		if in.Name != m.Name() {
			continue
		}
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			x := exponential{p.ZeroCount(), p.ZeroThreshold(), p.Sum(), p.Scale(), map[int32]uint64{}}
			for i, n := range p.Positive().BucketCounts().All() {
				if n > 0 {
					x.buckets[p.Positive().Offset()+int32(i)+1] = n
				}
			}
			out[key(prometheus.Name(&in), labelsOf(p.Attributes()))] = x
		}
	}
}

func exponentialsInPrometheus(t *testing.T, e *prometheus.Exporter) map[string]exponential {
	t.Helper()
	out := map[string]exponential{}
	scrape(t, e, func(series string, m *dto.Metric) {
		h := m.GetHistogram()
		if h == nil {
			return
		}
		x := exponential{h.GetZeroCount(), h.GetZeroThreshold(), h.GetSampleSum(), h.GetSchema(), map[int32]uint64{}}
		k, i, n := int32(0), 0, int64(0)
		for _, span := range h.GetPositiveSpan() {
			k += span.GetOffset()
			for range span.GetLength() {
				if n += h.GetPositiveDelta()[i]; n > 0 {
					x.buckets[k] = uint64(n)
				}
				k, i = k+1, i+1
			}
		}
		out[series] = x
	})
	return out
}
