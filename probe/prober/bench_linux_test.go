package prober_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe"
)

// BenchmarkTwoHundredProbes sends the canaries of 200 probes, each every 5 s, for 20 s, to
// a model in memory that answers in one piece. It says how much of a core that takes, the
// model's share included. Run it with -benchtime 1x.
func BenchmarkTwoHundredProbes(b *testing.B) {
	const running = 20 * time.Second
	var probes []probe.Probe
	for i := range 200 {
		p := one(fmt.Sprint("p", i))
		p.Every = 5 * time.Second
		probes = append(probes, p)
	}
	for b.Loop() {
		before := processorTime(b)
		s := newStage(b, nil, probes...)
		time.Sleep(running)
		taken := processorTime(b) - before
		s.stop()
		b.ReportMetric(100*taken.Seconds()/running.Seconds(), "%core")
		b.ReportMetric(float64(s.book.outcomes()[probe.OK])/running.Seconds(), "canaries/s")
	}
}

// processorTime is the time that the process has computed.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
