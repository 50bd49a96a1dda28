package delivery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/delivery"
)

const benchPayload = 64 << 10

// BenchmarkSend is what Send costs its caller. The bound holds a few hundred payloads,
// so the oldest are dropped all along: a dead collector's steady state.
func BenchmarkSend(b *testing.B) {
	for _, kind := range []string{"memory", "spool"} {
		b.Run(kind, func(b *testing.B) {
			cfg := quick(delivery.HTTPProtobuf, "http://127.0.0.1/v1/traces")
			cfg.Dial, cfg.MaxBytes = nowhere, 32<<20
			if kind == "spool" {
				cfg.SpoolDir = b.TempDir()
			}
			q := open(b, cfg)
			payload := make([]byte, benchPayload) // never written to, so it can be sent again and again
			b.ReportAllocs()
			for b.Loop() {
				q.Send(payload, 100)
			}
			b.StopTimer()
			_ = abandon(q)
		})
	}
}

// BenchmarkDelivery is the way from Send to the answer of a gRPC server on loopback
// that decodes what it gets: 100 spans a payload.
func BenchmarkDelivery(b *testing.B) {
	for _, kind := range []string{"memory", "spool", "gzip"} {
		b.Run(kind, func(b *testing.B) {
			to := &collector{}
			cfg := quick(delivery.GRPC, startGRPC(b, to))
			cfg.MaxBytes, cfg.Gzip = 1<<30, kind == "gzip"
			if kind == "spool" {
				cfg.SpoolDir = b.TempDir()
			}
			q := open(b, cfg)
			var names []string
			for i := range 100 {
				names = append(names, fmt.Sprintf("%03d%s", i, strings.Repeat("chat model ", 55)))
			}
			payload := spans(b, names...)
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				q.Send(payload, 100)
				for q.Bytes() > 2<<20 { // no faster than the backlog is written
					time.Sleep(100 * time.Microsecond)
				}
			}
			if err := q.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N*100)/b.Elapsed().Seconds(), "items/s")
			if q.Dropped() > 0 {
				b.Errorf("dropped %d", q.Dropped())
			}
		})
	}
}
