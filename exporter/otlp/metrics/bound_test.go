package metrics_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// requests adds up the exchanges of each model in one request to the collector.
func requests(t *testing.T, m pmetric.Metrics) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	found, ok := byName(t, m)["headway.requests"]
	if !ok {
		return out
	}
	for _, p := range found.Sum().DataPoints().All() {
		model, _ := p.Attributes().Get("model")
		out[model.AsString()] += p.IntValue()
	}
	return out
}

// asking is a stream of a model.
func asking(model string) exchange.Record {
	r := exchangetest.Stream(3)
	r.Model = exchange.Model{Request: model}
	return r
}

// The SDK never ends a series, so that all begin anew when one has to end. No exchange is
// counted twice by that, or not at all.
func TestASeriesEndsWithItsName(t *testing.T) {
	for _, tt := range []struct {
		temporality metrics.Temporality
		want        []string
	}{
		{metrics.Cumulative, []string{"map[a:2]", "map[a:2]", "map[a:2 b:1]", "map[b:1]", "map[b:2]"}},
		{metrics.Delta, []string{"map[a:2]", "map[]", "map[b:1]", "map[b:1]", "map[b:1]"}},
	} {
		t.Run(string(tt.temporality), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one := func(models ...string) func(*metrics.Exporter) {
					return func(e *metrics.Exporter) {
						for _, m := range models {
							e.Observe(asking(m))
						}
					}
				}
				hour := func(*metrics.Exporter) { time.Sleep(time.Hour - time.Minute) }
				c := metrics.Config{Names: exporter.NewNames(1, 1), Live: live(), Temporality: tt.temporality}
				_, got := minutes(t, c, one("a", "a"), hour, one("b"), one("b"), one("b"))
				got = append(got[:1], got[len(got)-4:]...) // without those of the hour
				for i, want := range tt.want {
					if sums := fmt.Sprint(requests(t, got[i])); sums != want {
						t.Errorf("request %d: %s, want %s", i, sums, want)
					}
				}
				checkOldNumbersGoOn(t, got, tt.temporality)
			})
		})
	}
}

// checkOldNumbersGoOn fails the test unless the counts of the running program go on as if
// nothing had begun anew.
func checkOldNumbersGoOn(t *testing.T, got []pmetric.Metrics, temporality metrics.Temporality) {
	t.Helper()
	from := byName(t, got[0])["headway.connections"].Sum().DataPoints().At(0).StartTimestamp()
	for i, m := range got[1:] {
		connections, ok := byName(t, m)["headway.connections"]
		if temporality == metrics.Delta {
			if ok {
				t.Errorf("request %d has connections that the first one had", i+1)
			}
			continue
		}
		if p := connections.Sum().DataPoints().At(0); p.IntValue() != 3 || p.StartTimestamp() != from {
			t.Errorf("request %d: %d connections from %v, want 3 from %v", i+1, p.IntValue(), p.StartTimestamp(), from)
		}
	}
}

func TestSeriesStayBounded(t *testing.T) {
	names := exporter.NewNames(64, 64)
	names.LimitSeries(500)
	e, to := newExporter(t, metrics.Config{Names: names})
	for i := range 2048 {
		r := asking(fmt.Sprintf("m%d", i%32))
		r.Model.Response = fmt.Sprintf("r%d", i/32%32)
		e.Observe(r)
	}
	shutdown(t, e)
	series := 0
	counted := int64(0)
	for _, m := range to.all() {
		for _, metric := range byName(t, m) {
			series += len(points(metric))
		}
		for _, n := range requests(t, m) {
			counted += n
		}
	}
	if beyond := 40; series > 500+beyond || counted != 2048 {
		t.Errorf("%d series and %d exchanges, want some 500 and all 2048", series, counted)
	}
}
