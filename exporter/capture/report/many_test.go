package report_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture/report"
)

// A long capture takes 16 bytes an exchange, and not one for each of its latencies too.
func TestManyExchangesTakeLittleMemory(t *testing.T) {
	const exchanges = 300_000
	random := rand.New(rand.NewPCG(7, 7))
	s := report.NewSummarizer(report.ByNothing, nil)
	var ttft []float64
	before := heap()
	for n := range exchanges {
		l := success(time.Duration(n)*time.Millisecond, math.Exp(.5*random.NormFloat64()), .02, 2.0005)
		l.TTFT = math.Round(l.TTFT*1e6) / 1e6
		ttft = append(ttft, l.TTFT)
		s.Add(l)
	}
	kept := heap() - before - int64(8*cap(ttft))
	if each := float64(kept) / exchanges; each > 100 {
		t.Errorf("%.0f bytes an exchange", each)
	}
	got := s.Summary().All
	slices.Sort(ttft)
	for _, tt := range []struct{ p, got float64 }{{.5, got.TTFT.P50}, {.9, got.TTFT.P90}, {.95, got.TTFT.P95}, {.99, got.TTFT.P99}} {
		if want := ttft[int(tt.p*exchanges)]; math.Abs(tt.got-want) > .0002*want {
			t.Errorf("p%v is %v, want %v within 0.02 %%", tt.p*100, tt.got, want)
		}
	}
	if got.PeakConcurrency != 2001 || got.TTFT.Count != exchanges {
		t.Errorf("peak %d, count %d", got.PeakConcurrency, got.TTFT.Count)
	}
}

// heap is what is alive, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
