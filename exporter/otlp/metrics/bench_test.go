package metrics_test

import (
	"context"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/metrics"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// stream is a chat exchange of n content chunks, one token each, 18 to 21 ms apart.
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
		Overhead: exchange.Overhead{Request: 80 * time.Microsecond, FirstChunk: 30 * time.Microsecond, Chunk: 20 * time.Microsecond},
	}
}

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

// BenchmarkObserve is what an exchange costs the goroutine that relayed it. The other
// one's queue is full for the most of it, which is as much work.
func BenchmarkObserve(b *testing.B) {
	e, r := benched(b, metrics.Config{}), stream(128)
	b.ReportAllocs()
	for b.Loop() {
		e.Observe(r)
	}
}

// BenchmarkRecording is what an exchange costs in all.
func BenchmarkRecording(b *testing.B) {
	for name, r := range map[string]exchange.Record{"stream128": stream(128), "plain": plain(), "kept128": kept(stream(128))} {
		for _, aggregation := range []metrics.Aggregation{metrics.Explicit, metrics.Exponential} {
			b.Run(name+"/"+string(aggregation), func(b *testing.B) {
				e := benched(b, metrics.Config{Aggregation: aggregation, Queue: b.N + 100})
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					e.Observe(r)
					if n++; n%64 == 0 {
						if err := e.ForceFlush(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
				}
				if e.Dropped() > 0 {
					b.Errorf("%d dropped", e.Dropped())
				}
			})
		}
	}
}
