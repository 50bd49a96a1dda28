package metrics_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

const ttft = "gen_ai.client.operation.time_to_first_chunk"

// within limits TTFT.
func within(d time.Duration) exporter.Edges {
	return exporter.Edges{{Indicator: exchange.TTFT, Limit: d}}
}

// One exchange a minute, with new limits in the second: it is in one request, with the
// bounds of before, and the third minute's in the next, with the new ones. Nothing is
// counted twice or lost, and no start is before the end of what was counted from another.
func TestNewLimitsAreBoundsFromTheNextRequest(t *testing.T) {
	for _, tt := range []struct {
		temporality metrics.Temporality
		counts      []uint64
		from        []int // the minute of each start, since the first exchange
	}{
		{metrics.Cumulative, []uint64{1, 2, 1, 2}, []int{0, 0, 2, 2}},
		{metrics.Delta, []uint64{1, 1, 1, 1}, []int{0, 1, 2, 3}},
	} {
		t.Run(string(tt.temporality), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one := func(e *metrics.Exporter) { e.Observe(exchangetest.Stream(4)) }
				renew := func(e *metrics.Exporter) { one(e); e.SetEdges(within(400 * time.Millisecond)) }
				c := metrics.Config{Names: exporter.NewNames(64, 64), Live: live(), Temporality: tt.temporality, Edges: within(300 * time.Millisecond)}
				began, got := minutes(t, c, one, renew, one, one)
				for i := range tt.counts {
					p := byName(t, got[i])[ttft].Histogram().DataPoints().At(0)
					if from := began.Add(time.Duration(tt.from[i]) * time.Minute); p.Count() != tt.counts[i] || !p.StartTimestamp().AsTime().Equal(from) {
						t.Errorf("request %d: %d from %v, want %d from %v", i, p.Count(), p.StartTimestamp().AsTime(), tt.counts[i], from)
					}
					bounds := p.ExplicitBounds().AsRaw()
					if slices.Contains(bounds, .3) != (i < 2) || slices.Contains(bounds, .4) != (i >= 2) {
						t.Errorf("request %d has the bounds %v", i, bounds)
					}
				}
				checkOldNumbersGoOn(t, got, tt.temporality)
				checkTheRestGoesOn(t, began, got, tt.temporality)
			})
		})
	}
}

// checkTheRestGoesOn fails the test unless counters, and histograms that have nothing to do
// with the limit, go on as if no limit had changed.
func checkTheRestGoesOn(t *testing.T, began time.Time, got []pmetric.Metrics, temporality metrics.Temporality) {
	t.Helper()
	for i, m := range got {
		want, from := uint64(i+1), began
		if temporality == metrics.Delta {
			want, from = 1, began.Add(time.Duration(i)*time.Minute)
		}
		p := byName(t, m)[e2e].Histogram().DataPoints().At(0)
		if p.Count() != want || !p.StartTimestamp().AsTime().Equal(from) {
			t.Errorf("request %d: %d exchanges by E2E from %v, want %d from %v", i, p.Count(), p.StartTimestamp().AsTime(), want, from)
		}
		if n := requests(t, m)[exchangetest.Stream(4).Model.Request]; uint64(n) != want {
			t.Errorf("request %d: %d exchanges, want %d", i, n, want)
		}
	}
}

func TestTheSameBoundsBeginNothingAnew(t *testing.T) {
	first := within(300 * time.Millisecond)
	for _, tt := range []struct {
		name  string
		later exporter.Edges
		of    metrics.Aggregation
	}{
		{"the same limit twice", append(first, first...), metrics.Explicit},
		{"the same, and one that is a bound of the table", append(within(500*time.Millisecond), first...), metrics.Explicit},
		{"exponential histograms have no bounds", within(400 * time.Millisecond), metrics.Exponential},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one := func(e *metrics.Exporter) { e.Observe(exchangetest.Stream(4)); e.SetEdges(tt.later) }
				c := metrics.Config{Names: exporter.NewNames(64, 64), Live: live(), Aggregation: tt.of, Edges: first}
				_, got := minutes(t, c, one, one)
				if n := requests(t, got[1]); n[exchangetest.Stream(4).Model.Request] != 2 {
					t.Errorf("%v exchanges in the second request, want both", n)
				}
			})
		})
	}
}

// Limits that change while exchanges are recorded and requests made lose none.
func TestLimitsMayChangeAtAnyTime(t *testing.T) {
	e, to := newExporter(t, metrics.Config{Temporality: metrics.Delta})
	const rounds = 50
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range rounds {
			e.SetEdges(within(time.Duration(300+i) * time.Millisecond))
			if err := e.ForceFlush(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}()
	for range rounds {
		e.Observe(exchangetest.Stream(4))
	}
	<-done
	shutdown(t, e)
	counted, sampled := int64(0), uint64(0)
	for _, m := range to.all() {
		for _, n := range requests(t, m) {
			counted += n
		}
		sampled += samples(byName(t, m)[ttft])
	}
	if counted != rounds || sampled != rounds {
		t.Errorf("%d exchanges and %d samples of TTFT arrived, want %d of both", counted, sampled, rounds)
	}
}

// samples are those of all series of a histogram, which may be none.
func samples(m pmetric.Metric) (n uint64) {
	if m == (pmetric.Metric{}) {
		return 0
	}
	for _, p := range m.Histogram().DataPoints().All() {
		n += p.Count()
	}
	return n
}
