package metrics_test

import (
	"context"
	"testing"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// kept is r with a span whose trace is kept.
func kept(r exchange.Record) exchange.Record {
	r.Span = exchange.Span{Trace: exchange.TraceID{1, 2, 3}, ID: exchange.SpanID{4, 5, 6}}
	r.Sampling = exchange.Sampling{Kept: true, Reason: "ratio"}
	return r
}

func benched(b *testing.B, c metrics.Config) *metrics.Exporter {
	b.Helper()
	c.Names, c.Send = exporter.NewNames(64, 64), func([]byte, int) {}
	e, err := metrics.New(c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Shutdown(context.Background()) })
	return e
}

// BenchmarkObserve measures the whole cost of an exchange, for the goroutine that relayed
// it.
func BenchmarkObserve(b *testing.B) {
	for name, r := range map[string]exchange.Record{"stream128": exchangetest.Stream(128), "plain": exchangetest.Plain(), "kept128": kept(exchangetest.Stream(128))} {
		for _, aggregation := range []metrics.Aggregation{metrics.Explicit, metrics.Exponential} {
			b.Run(name+"/"+string(aggregation), func(b *testing.B) {
				e := benched(b, metrics.Config{Aggregation: aggregation})
				e.Observe(r)
				b.ReportAllocs()
				for b.Loop() {
					e.Observe(r)
				}
			})
		}
	}
}
