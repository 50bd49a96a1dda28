//go:build !race

// The race detector makes pools forget on purpose.

package metrics_test

import (
	"testing"

	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

func TestKnownSeriesAllocateNothing(t *testing.T) {
	for _, aggregation := range []metrics.Aggregation{metrics.Explicit, metrics.Exponential} {
		e, _ := newExporter(t, metrics.Config{Aggregation: aggregation, Live: live()})
		for name, r := range map[string]exchange.Record{"stream": exchangetest.Stream(128), "plain": exchangetest.Plain(), "kept": kept(exchangetest.Stream(128)), "full": full(exchange.Client)} {
			e.Observe(r)
			if n := testing.AllocsPerRun(100, func() { e.Observe(r) }); n != 0 {
				t.Errorf("%s, %s: %v allocations an exchange", aggregation, name, n)
			}
		}
		c := exchangetest.Recovered(kept(exchangetest.Stream(4)))
		e.ObserveChain(c)
		if n := testing.AllocsPerRun(100, func() { e.ObserveChain(c) }); n != 0 {
			t.Errorf("%s: %v allocations a chain", aggregation, n)
		}
		shutdown(t, e)
	}
}
