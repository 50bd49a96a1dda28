package baseline_test

import (
	"io"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// BenchmarkFiveHundredCells reads 25 workloads of 20 loads each, with four indicators of nine
// quantiles, from text as headway baseline does, and then shows or compares them.
func BenchmarkFiveHundredCells(b *testing.B) {
	var cells []baseline.Cell
	for i := range 500 {
		c := measured(.2, float64(1+i%20), 300, uint64(i))
		c.InputTokens.Mean = float64(100 * (1 + i/20))
		for _, name := range []baseline.Name{baseline.TPOT, baseline.ITL, baseline.E2E} {
			c.Indicators[name] = c.Indicators[baseline.TTFT]
		}
		c.Throughput.OutputTokens = new(float64(100 * (1 + i%20)))
		cells = append(cells, c)
	}
	var text strings.Builder
	if err := baseline.Write(&text, file(cells...)); err != nil {
		b.Fatal(err)
	}
	read := func() baseline.Baseline {
		one, err := baseline.Read(strings.NewReader(text.String()))
		if err != nil {
			b.Fatal(err)
		}
		return one
	}
	b.Run("show", func(b *testing.B) {
		for b.Loop() {
			one := read()
			if err := baseline.WriteTable(io.Discard, one); err != nil {
				b.Fatal(err)
			}
			for _, w := range baseline.Workloads(one) {
				c, drawn := w.Curve()
				if !drawn {
					b.Fatal("a workload without a curve")
				}
				if err := c.WritePlot(io.Discard); err != nil {
					b.Fatal(err)
				}
				c.Knee()
				w.Reach(baseline.Limits{At: .99, Bounds: map[baseline.Name]float64{baseline.TTFT: 1}})
			}
		}
	})
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			before := make(chan baseline.Baseline)
			go func() { before <- read() }()
			after := read()
			c := baseline.Compare(<-before, after)
			if err := c.WriteTable(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}
