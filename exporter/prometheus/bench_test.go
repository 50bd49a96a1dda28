package prometheus_test

import (
	"testing"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

func newExporter(t testing.TB, c prometheus.Config) *prometheus.Exporter {
	t.Helper()
	if c.Names == nil {
		c.Names = exporter.NewNames(64, 64)
	}
	e, err := prometheus.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func BenchmarkObserve(b *testing.B) {
	for name, r := range map[string]exchange.Record{"stream128": exchangetest.Stream(128), "plain": exchangetest.Plain(), "traced128": traced(exchangetest.Stream(128))} {
		for _, form := range []prometheus.Histograms{prometheus.Classic, prometheus.Native, prometheus.Both} {
			b.Run(name+"/"+string(form), func(b *testing.B) {
				e := newExporter(b, prometheus.Config{Histograms: form})
				e.Observe(r)
				b.ReportAllocs()
				for b.Loop() {
					e.Observe(r)
				}
			})
		}
	}
}

func BenchmarkObserveOfATenant(b *testing.B) {
	for name, labels := range map[string][]string{"no labels": nil, "two labels": {"tenant", "team"}} {
		b.Run(name, func(b *testing.B) {
			names := exporter.NewNames(64, 64)
			names.Label(labels, 200)
			e, r := newExporter(b, prometheus.Config{Names: names}), exchangetest.Stream(128)
			r.Labels = []string{"acme", "search"}
			e.Observe(r)
			b.ReportAllocs()
			for b.Loop() {
				e.Observe(r)
			}
		})
	}
}

func traced(r exchange.Record) exchange.Record {
	r.Trace = exchange.Trace{TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7", Sampled: true}
	return r
}
