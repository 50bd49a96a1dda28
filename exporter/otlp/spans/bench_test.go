package spans_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// The limits for the cost of an exchange.
const (
	maxBytesKept = 2 << 10
	benchVersion = "v0.6.0"
)

func benchBuilder(tb testing.TB) *spans.Builder { return benchBuilderTo(tb, func([]byte, int) {}) }

func benchBuilderTo(tb testing.TB, send func([]byte, int)) *spans.Builder {
	tb.Helper()
	b := spans.New(spans.Config{
		Version: benchVersion, Linger: time.Hour, Send: send,
		Resource: map[string]string{
			"service.name": "checkout", "k8s.namespace.name": "shop", "k8s.pod.name": "checkout-5d9c7b6f4-x2x7p", "k8s.node.name": "node-7",
		},
	})
	tb.Cleanup(b.Close)
	return b
}

// varied lists exchanges that all have different ids, times and counts.
func varied(chunks int) []exchange.Record {
	all := make([]exchange.Record, 64)
	for i := range all {
		r := stream(chunks, i)
		r.Start = r.Start.Add(time.Duration(i) * time.Millisecond)
		r.Span = exchange.Span{Trace: exchange.TraceID{1, 15: byte(i + 1)}, ID: exchange.SpanID{2, 7: byte(i + 1)}}
		r.Usage.Input = exchange.Known(int64(200 + 37*i))
		r.Clocks.Upstream.Sum += time.Duration(i) * time.Millisecond
		all[i] = r
	}
	return all
}

func BenchmarkKept128(b *testing.B) {
	builder, records := benchBuilder(b), varied(128)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		builder.Observe(records[i%len(records)])
		if i++; i%spans.DefaultMaxBatch == 0 {
			builder.Flush() // or the Builder would drop spans, at less cost
		}
	}
}

func BenchmarkNotKept(b *testing.B) {
	builder, r := benchBuilder(b), stream(128, 0)
	r.Sampling = exchange.Sampling{}
	b.ReportAllocs()
	for b.Loop() {
		builder.Observe(r)
	}
}

func TestNotKeptAllocatesNothing(t *testing.T) {
	builder, r := benchBuilder(t), stream(128, 0)
	r.Sampling = exchange.Sampling{}
	if n := testing.AllocsPerRun(100, func() { builder.Observe(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestKeptAllocatesLittle(t *testing.T) {
	sent := 0
	builder, records := benchBuilderTo(t, func(payload []byte, _ int) { sent += len(payload) }), varied(128)
	const rounds = 200
	observe := func() {
		for range rounds {
			for i := range records {
				builder.Observe(records[i])
			}
			builder.Flush()
		}
	}
	observe() // makes the batches for reuse
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	observe()
	runtime.ReadMemStats(&after)
	each := (after.TotalAlloc - before.TotalAlloc) / uint64(rounds*len(records))
	t.Logf("%d bytes allocated, %d of them sent, %.1f allocations an exchange", each, sent/(2*rounds*len(records)), float64(after.Mallocs-before.Mallocs)/float64(rounds*len(records)))
	if n := builder.Dropped(); n > 0 {
		t.Errorf("%d dropped", n)
	}
	if each > maxBytesKept {
		t.Errorf("%d bytes allocated for a kept exchange of 128 chunks, more than %d", each, maxBytesKept)
	}
}
