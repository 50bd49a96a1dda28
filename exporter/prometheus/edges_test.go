package prometheus_test

import (
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

const ttftMetric = "gen_ai_client_operation_time_to_first_chunk_seconds"

// within limits TTFT.
func within(d time.Duration) exporter.Edges {
	return exporter.Edges{{Indicator: exchange.TTFT, Limit: d}}
}

func histogramOf(t *testing.T, e *prometheus.Exporter, name string) *dto.Histogram {
	t.Helper()
	m := families(t, e)[name].GetMetric()
	if len(m) != 1 {
		t.Fatalf("%s has %d series, want 1", name, len(m))
	}
	return m[0].GetHistogram()
}

// at is the cumulative count at a bound, false when it is none.
func at(h *dto.Histogram, bound float64) (uint64, bool) {
	for _, b := range h.GetBucket() {
		if b.GetUpperBound() == bound {
			return b.GetCumulativeCount(), true
		}
	}
	return 0, false
}

func TestLimitsAreBounds(t *testing.T) {
	e := newExporter(t, prometheus.Config{Edges: within(214 * time.Millisecond)})
	e.Observe(exchangetest.Stream(4)) // whose TTFT is 214 ms
	if n, ok := at(histogramOf(t, e, ttftMetric), .214); !ok || n != 1 {
		t.Errorf("%d within .214, a bound: %v; want 1, true", n, ok)
	}
}

func TestOtherLimitsBeginOnlyTheirHistogramsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, prometheus.Config{Edges: within(300 * time.Millisecond)})
		e.Observe(exchangetest.Stream(4))
		before := histogramOf(t, e, ttftMetric).GetCreatedTimestamp().AsTime()
		time.Sleep(time.Minute)
		e.SetEdges(within(400 * time.Millisecond))
		e.Observe(exchangetest.Stream(4))

		ttft := histogramOf(t, e, ttftMetric)
		if _, ok := at(ttft, .3); ok {
			t.Error("the limit of before is still a bound")
		}
		if n, ok := at(ttft, .4); !ok || n != 1 {
			t.Errorf("%d within .4, a bound: %v; want 1, true", n, ok)
		}
		if n := ttft.GetSampleCount(); n != 1 {
			t.Errorf("%d samples in a histogram that began anew, want 1", n)
		}
		if begun := ttft.GetCreatedTimestamp().AsTime(); begun.Sub(before) != time.Minute {
			t.Errorf("created %v after the first, want a minute", begun.Sub(before))
		}
		if n := histogramOf(t, e, e2eMetric).GetSampleCount(); n != 2 {
			t.Errorf("%d samples in a histogram with no new bounds, want 2", n)
		}
	})
}

func TestTheSameLimitsChangeNothing(t *testing.T) {
	e := newExporter(t, prometheus.Config{Edges: within(300 * time.Millisecond)})
	e.Observe(exchangetest.Stream(4))
	e.SetEdges(append(within(300*time.Millisecond), within(300*time.Millisecond)...))
	if n := histogramOf(t, e, ttftMetric).GetSampleCount(); n != 1 {
		t.Errorf("%d samples, want 1", n)
	}
}

func TestNativeHistogramsHaveNoUseForLimits(t *testing.T) {
	e := newExporter(t, prometheus.Config{Histograms: prometheus.Native})
	e.Observe(exchangetest.Stream(4))
	e.SetEdges(within(300 * time.Millisecond))
	h := histogramOf(t, e, ttftMetric)
	if h.GetSampleCount() != 1 || len(h.GetBucket()) != 0 {
		t.Errorf("%d samples in %d classic buckets, want 1 in none", h.GetSampleCount(), len(h.GetBucket()))
	}
}
