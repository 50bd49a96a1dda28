//go:build unix

package spans_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
)

// BenchmarkKeptCPU is BenchmarkKept128 in CPU time, of the goroutine that encodes
// and of the garbage collector too.
func BenchmarkKeptCPU(b *testing.B) {
	builder, records := benchBuilder(b), varied(128)
	b.ReportAllocs()
	before := cpu(b)
	for i := range b.N {
		builder.Observe(records[i%len(records)])
		if i%spans.DefaultMaxBatch == spans.DefaultMaxBatch-1 {
			builder.Flush() // or the Builder would drop spans, at less cost
		}
	}
	builder.Flush()
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var of syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &of); err != nil {
		b.Fatal(err)
	}
	return time.Duration(of.Utime.Nano() + of.Stime.Nano())
}
