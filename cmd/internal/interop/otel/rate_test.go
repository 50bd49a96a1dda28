//go:build interop

package otel_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// TestInteropFiveThousandExchangesASecondArrive sends 5,000 Records a second from a
// generator, without a proxy, to a real collector. Every one must arrive exactly once.
func TestInteropFiveThousandExchangesASecondArrive(t *testing.T) {
	const rate, seconds, tick = 5000, 10, 10 * time.Millisecond
	c := newCollector(t)
	c.start(t, "file/traces")
	queue, err := delivery.New(delivery.Config{Signal: delivery.Traces, Protocol: delivery.GRPC, Endpoint: c.grpc, Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	builder := spans.New(spans.Config{Resource: map[string]string{"service.name": "generator"}, Send: queue.Send})
	sampler := sampling.New(sampling.Config{Ratio: 1, Next: builder})

	sent := map[exchange.SpanID]bool{}
	var mu sync.Mutex
	began, behind := time.Now(), time.Duration(0)
	for i := range rate * seconds {
		if i%(rate*int(tick)/int(time.Second)) == 0 {
			due := began.Add(time.Duration(i) * time.Second / rate)
			behind = max(behind, time.Since(due))
			time.Sleep(time.Until(due))
		}
		r := generated()
		mu.Lock()
		sent[r.Span.ID] = true
		mu.Unlock()
		sampler.Observe(r)
	}
	took := time.Since(began)
	builder.Close()
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := queue.Close(patience); err != nil {
		t.Error(err)
	}
	c.stop(t)

	arrived := map[exchange.SpanID]int{}
	for _, s := range c.spans(t) {
		arrived[exchange.SpanID(s.SpanID())]++
	}
	missing, twice := 0, 0
	for id := range sent {
		switch arrived[id] {
		case 0:
			missing++
		case 1:
		default:
			twice++
		}
	}
	t.Logf("%d exchanges in %s, up to %s behind; arrived %d, missing %d, more than once %d, dropped %d",
		len(sent), took.Round(time.Millisecond), behind.Round(time.Millisecond), len(arrived), missing, twice, queue.Dropped())
	if missing > 0 || twice > 0 || len(arrived) != len(sent) || queue.Dropped() > 0 {
		t.Error("not every span arrived once")
	}
}

// generated returns an exchange as the tap reports it: a stream of 64 chunks.
func generated() exchange.Record {
	r := exchange.Record{
		Start: time.Now(), Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit,
		Dialect: "openai-chat", Operation: "chat", Provider: "openai", Model: exchange.Model{Request: "m", Response: "m-1"},
		Upstream: exchange.Upstream{Host: "model", Port: 443}, Stream: true, Status: 200, Outcome: exchange.OK,
		FinishReasons: []string{"stop"}, Timing: exchange.Timing{RequestRead: 1, RequestWritten: 2},
	}
	for i := range 64 {
		r.Chunks.Add(exchange.Chunk{At: time.Duration(200+10*i+rand.IntN(8)) * time.Millisecond, Tokens: 1, Bytes: 4})
	}
	r.Timing.FirstToken, r.Timing.LastToken, r.Timing.End = 200*time.Millisecond, 840*time.Millisecond, 841*time.Millisecond
	r.Usage = exchange.Usage{Input: exchange.Known(12), Output: exchange.Known(64), Streamed: exchange.Known(64), Source: exchange.Reported}
	for i := range r.Span.ID {
		r.Span.ID[i] = byte(1 + rand.IntN(255))
	}
	for i := range r.Span.Trace {
		r.Span.Trace[i] = byte(1 + rand.IntN(255))
	}
	return r
}
