//go:build !race

// The race detector makes pools forget on purpose.

package prometheus_test

import (
	"testing"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

func TestObserveAllocatesNothingForKnownSeries(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	for name, r := range map[string]exchange.Record{"stream": exchangetest.Stream(128), "plain": exchangetest.Plain(), "traced": traced(exchangetest.Stream(128))} {
		e.Observe(r)
		if n := testing.AllocsPerRun(100, func() { e.Observe(r) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestObserveAllocatesNothingForKnownTenants(t *testing.T) {
	names := exporter.NewNames(64, 64)
	names.Label([]string{"tenant", "team"}, 200)
	e := newExporter(t, prometheus.Config{Names: names})
	r := exchangetest.Stream(128)
	r.Labels = []string{"acme", "search"}
	e.Observe(r)
	if n := testing.AllocsPerRun(100, func() { e.Observe(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestObserveChainAllocatesNothingForKnownSeries(t *testing.T) {
	e := newExporter(t, prometheus.Config{})
	c := exchangetest.Recovered(exchangetest.Stream(4))
	e.ObserveChain(c)
	if n := testing.AllocsPerRun(100, func() { e.ObserveChain(c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
