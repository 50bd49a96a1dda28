package prometheus_test

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/prometheus"
	"github.com/headway-sidecar/headway/proxy/exchange"
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

// stream is a chat exchange of n content chunks, one token each, 18 ms apart.
func stream(n int) exchange.Record {
	r := plain()
	r.Stream = true
	r.Timing.FirstEvent, r.Timing.FirstToken = 182*time.Millisecond, 214*time.Millisecond
	at := r.Timing.FirstToken
	for i := range n {
		if i > 0 {
			at += 18*time.Millisecond + time.Duration(i%7)*500*time.Microsecond
		}
		r.Chunks.Add(exchange.Chunk{At: at, Tokens: 1, Bytes: 5})
	}
	r.Timing.LastToken = at
	r.Timing.End = at + 3*time.Millisecond
	r.Usage.Output, r.Usage.Streamed = exchange.Known(int64(n)), exchange.Known(int64(n))
	r.Clocks = exchange.Clocks{
		Upstream: exchange.Clock{Sum: r.Timing.End, Longest: 21 * time.Millisecond},
		Proxy:    exchange.Clock{Sum: time.Millisecond, Longest: 20 * time.Microsecond},
		Client:   exchange.Clock{Sum: 2 * time.Millisecond, Longest: 40 * time.Microsecond},
	}
	return r
}

// plain is a chat exchange whose response came in one piece.
func plain() exchange.Record {
	return exchange.Record{
		Start:  time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.UTC),
		Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit,
		Dialect: "openai-chat", Operation: exchange.Chat, Provider: "openai",
		Model:    exchange.Model{Request: "gpt-4o-mini", Response: "gpt-4o-mini-2024-07-18"},
		Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443},
		Status:   200, Outcome: exchange.OK, FinishReasons: []string{"stop"},
		Timing: exchange.Timing{
			RequestRead: time.Millisecond, RequestWritten: 2 * time.Millisecond, ResponseHead: 180 * time.Millisecond,
			FirstChunk: 181 * time.Millisecond, End: 700 * time.Millisecond,
		},
		Usage: exchange.Usage{
			Input: exchange.Known(212), Output: exchange.Known(128), CacheRead: exchange.Known(0), Source: exchange.Reported,
		},
		Overhead: exchange.Overhead{
			Request: 80 * time.Microsecond, FirstChunk: 30 * time.Microsecond, Chunk: 20 * time.Microsecond,
		},
	}
}

func BenchmarkObserve(b *testing.B) {
	for name, r := range map[string]exchange.Record{"stream128": stream(128), "plain": plain(), "traced128": traced(stream(128))} {
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

func traced(r exchange.Record) exchange.Record {
	r.Trace = exchange.Trace{TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7", Sampled: true}
	return r
}
