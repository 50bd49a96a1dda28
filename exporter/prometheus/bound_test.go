package prometheus_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// present counts the series of traffic that have a place.
func present(t *testing.T, e *prometheus.Exporter) (n int) {
	t.Helper()
	for name, f := range families(t, e) {
		if !strings.HasPrefix(name, "headway_") && !strings.HasPrefix(name, "gen_ai_") || name == "headway_build_info" {
			continue
		}
		for _, m := range f.GetMetric() {
			if label(m, "upstream") != exporter.Other && label(m, "server_address") != exporter.Other {
				n++
			}
		}
	}
	return n
}

func requestsOf(t *testing.T, e *prometheus.Exporter) map[string]float64 {
	t.Helper()
	counts := map[string]float64{}
	for _, m := range families(t, e)["headway_requests_total"].GetMetric() {
		counts[label(m, "model")] += m.GetCounter().GetValue()
	}
	return counts
}

func TestSeriesStayBoundedWhateverAnUpstreamTells(t *testing.T) {
	names := exporter.NewNames(64, 64)
	names.LimitSeries(500)
	e := newExporter(t, prometheus.Config{Names: names})
	const exchanges = 4096
	for i := range exchanges {
		r := exchangetest.Stream(2)
		r.Model = exchange.Model{Request: fmt.Sprintf("m%d", i%32), Response: fmt.Sprintf("r%d", i/32%32)}
		if i%2 == 1 {
			status := 400 + i%600
			r.Status, r.Outcome, r.ErrorType = status, exchange.HTTPError, exchange.ErrorType(strconv.Itoa(status))
		}
		e.Observe(r)
		e.ObserveChain(exchangetest.Recovered(r))
	}
	if n := present(t, e); n > 500 || n < 370 || names.SeriesUse().Present > 500 {
		t.Errorf("%d series with names of %+v, want at most 500", n, names.SeriesUse())
	}
	sum, counts := 0.0, requestsOf(t, e)
	for _, n := range counts {
		sum += n
	}
	if sum != exchanges || counts[exporter.Other] == 0 {
		t.Errorf("%v of %d exchanges are counted, %v of them beyond the bound", sum, exchanges, counts[exporter.Other])
	}
	if names.SeriesUse().Folded == 0 {
		t.Error("nothing tells that series are folded")
	}
}

func TestJunkModelsDoNotPoisonTheNames(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	for i := range 64 {
		r := exchangetest.Plain()
		r.Model = exchange.Model{Request: fmt.Sprintf("junk-%d", i)}
		r.Status, r.Outcome, r.ErrorType = 404, exchange.HTTPError, "404"
		e.Observe(r)
	}
	e.Observe(exchangetest.Plain())
	got := requestsOf(t, e) // the model asked for and the one that answered have two places of junk
	if got["gpt-4o-mini"] != 1 || len(got) != 63 {
		t.Errorf("requests by model %v", got)
	}
}

// A series that comes back begins at what came since, as that of a restarted process: a
// server sees a reset, and no count twice.
func TestASeriesEndsWithItsNameAndBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, prometheus.Config{Names: exporter.NewNames(1, 1)})
		of := func(model string) {
			r := exchangetest.Stream(2)
			r.Model = exchange.Model{Request: model}
			e.Observe(r)
			e.ObserveChain(exchangetest.Recovered(r))
		}
		of("a")
		of("a")
		of("b")
		time.Sleep(time.Hour)
		of("b")
		if got, want := requestsOf(t, e), map[string]float64{"b": 1, exporter.Other: 1}; !maps.Equal(got, want) {
			t.Errorf("requests by model %v, want %v", got, want)
		}
		for name, f := range families(t, e) {
			for _, m := range f.GetMetric() {
				if label(m, "model") == "a" || label(m, "gen_ai_request_model") == "a" {
					t.Errorf("%s still has a", name)
				}
			}
		}
		time.Sleep(time.Hour)
		of("a")
		got, want := requestsOf(t, e), map[string]float64{"a": 1, exporter.Other: 1}
		if !maps.Equal(got, want) {
			t.Errorf("requests by model %v, want %v", got, want)
		}
		for _, m := range families(t, e)["headway_requests_total"].GetMetric() {
			if created := m.GetCounter().GetCreatedTimestamp().AsTime(); label(m, "model") == "a" && !created.Equal(time.Now()) {
				t.Errorf("what begins anew was created at %v", created)
			}
		}
	})
}

// Two answering models share the series of the model that was asked for.
func TestAnEndedSetLeavesOthersTheirSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExporter(t, prometheus.Config{Names: exporter.NewNames(3, 1)})
		of := func(answering string) {
			r := exchangetest.Plain()
			r.Model = exchange.Model{Request: "a", Response: answering}
			e.Observe(r)
		}
		of("x")
		time.Sleep(time.Hour)
		of("y")
		of("z") // in the place of x
		if got, want := requestsOf(t, e), map[string]float64{"a": 3}; !maps.Equal(got, want) {
			t.Errorf("requests by model %v, want %v", got, want)
		}
	})
}

// TestSeriesStayBoundedWhateverTenantsThereAre sends requests of 100,000 tenants, each with an
// answer, and reads /metrics.
func TestSeriesStayBoundedWhateverTenantsThereAre(t *testing.T) {
	const tenants, limit = 100_000, 200
	for _, form := range []prometheus.Histograms{prometheus.Classic, prometheus.Native} {
		t.Run(string(form), func(t *testing.T) {
			names := exporter.NewNames(64, 64)
			names.Label([]string{"tenant", "team"}, limit)
			e := newExporter(t, prometheus.Config{Names: names, Histograms: form})
			for i := range tenants {
				r := exchangetest.Stream(2)
				r.Labels = []string{fmt.Sprint("t", i), "search"}
				e.Observe(r)
			}
			seen, sum := map[string]bool{}, 0.0
			for _, m := range families(t, e)["headway_requests_total"].GetMetric() {
				seen[label(m, "tenant")+" "+label(m, "team")] = true
				sum += m.GetCounter().GetValue()
			}
			if len(seen) != limit+1 || !seen["t0 search"] || !seen["_other _other"] || sum != tenants {
				t.Errorf("%d tenants have %v requests", len(seen), sum)
			}
			if n := len(families(t, e)["headway_stall_seconds"].GetMetric()); n != 3 {
				t.Errorf("%d series of an instrument that does not tell tenants apart", n)
			}
			if got := strings.Count(own(scrape(t, e, text)), "\n"); got > 40*(limit+1)+600 {
				t.Errorf("%d lines of /metrics", got)
			}
		})
	}
}

// The bound on series counts those of tenants.
func TestTheBoundOnSeriesHoldsForTenants(t *testing.T) {
	names := exporter.NewNames(64, 64)
	names.Label([]string{"tenant"}, 10_000)
	names.LimitSeries(1000)
	e := newExporter(t, prometheus.Config{Names: names})
	const tenants = 5000
	for i := range tenants {
		r := exchangetest.Stream(2)
		r.Labels = []string{fmt.Sprint("t", i)}
		e.Observe(r)
	}
	sum := 0.0
	for _, n := range requestsOf(t, e) {
		sum += n
	}
	if use := names.SeriesUse(); use.Present > 1000 || use.Folded == 0 || sum != tenants {
		t.Errorf("%+v, and %v requests", use, sum)
	}
}
