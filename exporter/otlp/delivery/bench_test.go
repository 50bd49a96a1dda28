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

// BenchmarkSend measures the time that Send takes from its caller. The bound has room for a
// few hundred payloads, so that the queue drops its oldest all the time, as it does while a
// collector is away for long.
func BenchmarkSend(b *testing.B) {
	for _, kind := range []string{"memory", "spool"} {
		b.Run(kind, func(b *testing.B) {
			cfg := quick(delivery.HTTPProtobuf, "http://127.0.0.1/v1/traces")
			cfg.Dial, cfg.MaxBytes = nowhere, 32<<20
			if kind == "spool" {
				cfg.SpoolDir = b.TempDir()
			}
			q := open(b, cfg)
			payload := make([]byte, benchPayload) // the queue only reads it, so that one slice serves all sends
			b.ReportAllocs()
			for b.Loop() {
				q.Send(payload, 100)
			}
			b.StopTimer()
			_ = abandon(q)
		})
	}
}

// BenchmarkDelivery measures the way from Send to the answer of a gRPC server on loopback
// that decodes its requests. A payload has 100 spans.
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
				for q.Bytes() > 2<<20 { // no faster than the disk writes the backlog
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
