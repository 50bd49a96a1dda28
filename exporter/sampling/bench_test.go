package sampling_test

import (
	"testing"

	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// client is the context of a client that keeps its own.
func client(r *exchange.Record) {
	r.Trace = exchange.Trace{
		TraceID: r.Span.Trace.String(), SpanID: "00f067aa0ba902b7", Sampled: true,
		State: "vendor=t61rcWkgMzE,ot=th:8;rv:cfffffffffffff",
	}
}

var cases = []struct {
	name   string
	change func(*exchange.Record)
}{
	{"not kept", func(*exchange.Record) {}},
	{"an error", func(r *exchange.Record) { r.Outcome = exchange.StreamError }},
	{"the client's", client},
	{"by chance", func(r *exchange.Record) { r.Span.Trace = named(sampling.Never - 1) }},
}

func TestSamplingAllocatesNothing(t *testing.T) {
	for _, c := range cases {
		s := sampling.New(sampling.Config{Ratio: 0.01, Next: exchangetest.Nowhere{}})
		r := with(c.change)
		s.Observe(r)
		if n := testing.AllocsPerRun(1000, func() { s.Observe(r) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func BenchmarkSample(b *testing.B) {
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			s := sampling.New(sampling.Config{Ratio: 0.01, Next: exchangetest.Nowhere{}})
			r := with(c.change)
			b.ReportAllocs()
			for b.Loop() {
				s.Observe(r)
			}
		})
	}
}

func BenchmarkSampleConcurrently(b *testing.B) {
	s := sampling.New(sampling.Config{Ratio: 0.01, Next: exchangetest.Nowhere{}})
	r := plain()
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			s.Observe(r)
		}
	})
}
