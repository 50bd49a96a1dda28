//go:build !race

// The race detector makes pools forget on purpose.

package slo_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/slo"
)

func TestJudgingAllocatesNothing(t *testing.T) {
	for name, r := range map[string]exchange.Record{
		"a good stream":      stream(128, 0, 0),
		"one that stalled":   stream(128, 64, 3000*ms),
		"one that was late":  stream(128, 0, 3000*ms),
		"one that was cut":   with(func(r *exchange.Record) { r.Outcome = exchange.UpstreamCut }),
		"one that was whole": with(func(r *exchange.Record) { r.Stream = false }),
	} {
		j := slo.New(slo.Config{Set: twenty(true), Next: exchangetest.Nowhere{}})
		j.Observe(r)
		if n := testing.AllocsPerRun(100, func() { j.Observe(r) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
