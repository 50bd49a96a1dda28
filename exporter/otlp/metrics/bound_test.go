package metrics_test

import (
	"fmt"
	"maps"
	"sync"
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

// A series ends with its name, and the others go on. The last request of an ended series
// has all its exchanges: none is counted twice, or not at all.
func TestASeriesEndsWithItsName(t *testing.T) {
	for _, tt := range []struct {
		temporality metrics.Temporality
		want        []string
	}{
		{metrics.Cumulative, []string{"map[a:2]", "map[a:2]", "map[a:2 b:1]", "map[b:2]", "map[b:3]"}},
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

// A series that comes back begins at 0, and after everything that it told before: a backend
// takes it for that of a restarted process.
func TestASeriesThatComesBackBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := func(model string) func(*metrics.Exporter) {
			return func(e *metrics.Exporter) { e.Observe(asking(model)) }
		}
		hour := func(*metrics.Exporter) { time.Sleep(time.Hour) }
		c := metrics.Config{Names: exporter.NewNames(1, 1), Live: live()}
		_, got := minutes(t, c, of("a"), of("a"), hour, of("b"), hour, of("a"))
		last := byName(t, got[len(got)-1])
		if n := requests(t, got[len(got)-1]); n["a"] != 1 {
			t.Errorf("%v exchanges, want one of a", n)
		}
		before := time.Time{}
		for _, m := range got[:len(got)-1] {
			if requests(t, m)["a"] > 0 {
				before = points(byName(t, m)["headway.requests"])[0].until.AsTime()
			}
		}
		for name, m := range last {
			for _, p := range points(m) {
				if model, ok := p.attributes.Get("model"); ok && model.AsString() == "a" && !p.from.AsTime().After(before) {
					t.Errorf("%s counts from %v, and told of itself at %v", name, p.from.AsTime(), before)
				}
			}
		}
	})
}

// While an exchange is recorded, the series that it had found end, and a request tells them a last time.
// Its samples are in those that come after.
func TestAnExchangeUnderWayLosesNothingWhenItsSeriesEnd(t *testing.T) {
	var e *metrics.Exporter
	var end func()
	l := live()
	l.SLOs = func() []exporter.SLO { // asked when an exchange meets an SLO for the first time
		if end != nil {
			end()
		}
		return nil
	}
	e, to := newExporter(t, metrics.Config{Temporality: metrics.Delta, Names: exporter.NewNames(1, 1), Live: l})
	judged := func(slos ...string) {
		r := asking("nobody-has")
		r.Status, r.Outcome, r.ErrorType, r.Chunks = 404, exchange.HTTPError, "404", exchange.Chunks{}
		for _, slo := range slos {
			r.Verdicts = append(r.Verdicts, exchange.Verdict{SLO: slo, Missed: exchange.Misses(0).With(exchange.TTFT)})
		}
		e.Observe(r)
	}
	judged("x")
	end = func() {
		end = nil
		e.Observe(asking("answers")) // it takes the place of the other model
		flush(t, e)
	}
	judged("y", "x")
	shutdown(t, e)
	told := map[string]int64{}
	for _, m := range to.all() {
		for _, p := range byName(t, m)["headway.slo.requests"].Sum().DataPoints().All() {
			slo, _ := p.Attributes().Get("slo")
			told[slo.AsString()] += p.IntValue()
		}
	}
	if want := map[string]int64{"x": 2, "y": 1}; !maps.Equal(told, want) || e.Dropped() != 0 {
		t.Errorf("judged %v, %d dropped; want %v", told, e.Dropped(), want)
	}
}

// A series that comes back before a request has told its end goes on: no request has it twice.
func TestASeriesThatComesBackAtOnceGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, to := newExporter(t, metrics.Config{Interval: 5 * time.Hour, Names: exporter.NewNames(1, 1)})
		for _, model := range []string{"a", "b", "a"} {
			e.Observe(asking(model))
			time.Sleep(time.Hour)
		}
		shutdown(t, e)
		for name, m := range to.last() {
			seen := map[string]bool{}
			for _, p := range points(m) {
				if series := fmt.Sprint(p.attributes.AsRaw()); seen[series] {
					t.Errorf("%s has %s twice", name, series)
				} else {
					seen[series] = true
				}
			}
		}
		if got := fmt.Sprint(requests(t, to.all()[0])); got != "map[a:2 b:1]" {
			t.Errorf("exchanges %s, want both of a", got)
		}
	})
}

// Every exchange of a model that answers takes the place of a model that nobody has, whose
// series end while other goroutines count for them.
func TestNothingIsLostWhileSeriesEnd(t *testing.T) {
	const models, rounds = 40, 120
	e, to := newExporter(t, metrics.Config{Temporality: metrics.Delta, Names: exporter.NewNames(models, 1)})
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			for j := range rounds {
				r := asking(fmt.Sprintf("nobody-has-%d", (i*13+j)%models))
				r.Status, r.Outcome, r.ErrorType, r.Chunks = 404, exchange.HTTPError, "404", exchange.Chunks{}
				e.Observe(r)
			}
		})
		all.Go(func() {
			for j := range rounds / 3 {
				e.Observe(asking(fmt.Sprintf("answers-%d-%d", i, j)))
				if err := e.ForceFlush(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	shutdown(t, e)
	counted := int64(0)
	for _, m := range to.all() {
		for _, n := range requests(t, m) {
			counted += n
		}
	}
	if want := int64(3*rounds + 3*(rounds/3)); counted != want || e.Dropped() != 0 {
		t.Errorf("%d exchanges counted, %d dropped; want %d and none", counted, e.Dropped(), want)
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
