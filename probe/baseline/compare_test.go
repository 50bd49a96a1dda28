package baseline_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// measured is a cell of n requests at a load, whose TTFT is lognormal about a median.
func measured(median, concurrency float64, n int, seed uint64) baseline.Cell {
	random := rand.New(rand.NewPCG(seed, 7))
	return drawn(concurrency, n, func() float64 { return median * math.Exp(.3*random.NormFloat64()) })
}

// drawn is a cell of n requests at a load, whose TTFT draw gives.
func drawn(concurrency float64, n int, draw func() float64) baseline.Cell {
	var s baseline.Sample
	for range n {
		s.Add(draw())
	}
	c := cell()
	c.Requests.OK = n
	c.Load.Value = concurrency
	c.Indicators = map[baseline.Name]baseline.Indicator{baseline.TTFT: s.Indicator(baseline.Definition{
		Start: baseline.Sending, Stop: baseline.FirstContent, Over: baseline.Request, Connect: baseline.ConnectSome, Percentiles: baseline.Linear,
	})}
	c.ID = c.Name()
	return c
}

func file(cells ...baseline.Cell) baseline.Baseline {
	b := baseline.Baseline{Schema: baseline.Schema, Cells: cells}
	b.Identify()
	return b
}

func TestCompareFindsWhatChanged(t *testing.T) {
	before := measured(.2, 16, 2000, 1)
	for _, tt := range []struct {
		name  string
		after baseline.Cell
		want  baseline.Verdict // of the whole
	}{
		{"half as slow again", measured(.3, 16, 2000, 2), baseline.Slower},
		{"a third faster", measured(.13, 16, 2000, 3), baseline.Faster},
		{"the same service again", measured(.2, 16, 2000, 4), baseline.Same},
		{"5 % slower in 20 requests is chance", measured(.21, 16, 20, 6), baseline.Same},
		{"3 requests", measured(.4, 16, 3, 5), baseline.Slower},
		{"1 request", measured(.4, 16, 1, 5), baseline.Unsure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := baseline.Compare(file(before), file(tt.after))
			whole := c.Changes[0]
			if len(c.Changes) != 2 || whole.Method != baseline.HodgesLehmann || whole.Verdict != tt.want {
				t.Fatalf("%+v, want %s", c.Changes, tt.want)
			}
			if whole.Verdict == baseline.Unsure {
				if whole.Low != nil || whole.Why != "too few requests" {
					t.Errorf("%+v", whole)
				}
			} else if *whole.Low > whole.Ratio || *whole.High < whole.Ratio {
				t.Errorf("%v is not within %v and %v", whole.Ratio, *whole.Low, *whole.High)
			}
		})
	}
}

func TestHodgesLehmannIsTheMedianOfAllRatios(t *testing.T) {
	for _, sizes := range [][2]int{{1, 1}, {2, 3}, {7, 4}, {40, 40}, {128, 127}} {
		random := rand.New(rand.NewPCG(uint64(sizes[0]), uint64(sizes[1])))
		var all []float64
		var x, y []float64
		draw := func(of *[]float64) func() float64 {
			return func() float64 {
				v := math.Round(1e3*math.Exp(random.NormFloat64())) / 1e4 // some are equal
				*of = append(*of, max(v, 1e-4))
				return max(v, 1e-4)
			}
		}
		before, after := drawn(16, sizes[0], draw(&x)), drawn(16, sizes[1], draw(&y))
		for _, a := range x {
			for _, b := range y {
				all = append(all, math.Log(b)-math.Log(a))
			}
		}
		slices.Sort(all)
		want := math.Exp((all[(len(all)-1)/2] + all[len(all)/2]) / 2)
		if got := baseline.Compare(file(before), file(after)).Changes[0].Ratio; math.Abs(got/want-1) > 1e-9 {
			t.Errorf("%v: %v, want %v", sizes, got, want)
		}
	}
}

func TestAnIntervalEndsAtRatiosOfTwoRequests(t *testing.T) {
	for _, tt := range []struct {
		name  string
		times func(r *rand.Rand) float64
	}{
		{"lognormal", func(r *rand.Rand) float64 { return .2 * math.Exp(.3*r.NormFloat64()) }},
		{"two lumps far apart", func(r *rand.Rand) float64 { return 1e-3 + 1e-5*r.Float64() + 10*float64(r.IntN(2)) }},
		{"three values", func(r *rand.Rand) float64 { return .1234 * float64(1+r.IntN(3)) }},
		{"one value, and rarely another", func(r *rand.Rand) float64 { return .2345 + float64(r.IntN(50)/49) }},
		{"a tail over four decades", func(r *rand.Rand) float64 { return 1e-3 * math.Pow(10, 4*math.Pow(r.Float64(), 5)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, 5))
			draw := func() float64 { return tt.times(random) }
			x, y := drawn(16, 100, draw), drawn(16, 128, draw)
			ratios := map[float64]int{}
			for _, a := range x.Indicators[baseline.TTFT].Values {
				for _, b := range y.Indicators[baseline.TTFT].Values {
					ratios[math.Exp(math.Log(b)-math.Log(a))]++
				}
			}
			c := baseline.Compare(file(x), file(y)).Changes[0]
			var below, above int
			for ratio, n := range ratios {
				if ratio < *c.Low {
					below += n
				}
				if ratio > *c.High {
					above += n
				}
			}
			if ratios[*c.Low] == 0 || ratios[*c.High] == 0 || max(below, above) >= 100*128/2 {
				t.Errorf("%v to %v: %d and %d times, with %d below and %d above", *c.Low, *c.High, ratios[*c.Low], ratios[*c.High], below, above)
			}
		})
	}
}

func TestAFileHeldAgainstItselfIsTheSame(t *testing.T) {
	for _, n := range []int{4, 100, 128, 129, 5000} {
		b := file(measured(.2, 16, n, uint64(n)))
		for _, one := range baseline.Compare(b, b).Changes {
			if one.Ratio != 1 || one.Verdict != baseline.Same && one.Verdict != baseline.Unsure {
				t.Errorf("%d requests: %+v", n, one)
			}
		}
	}
}

func TestASampleTooSmallForAQuantileGivesNoVerdict(t *testing.T) {
	c := baseline.Compare(file(measured(.2, 16, 100, 1)), file(measured(.4, 16, 100, 2)))
	if p99 := c.Changes[1]; p99.Quantile != .99 || p99.Verdict != baseline.Unsure || p99.Low != nil || p99.Why == "" {
		t.Errorf("%+v", p99)
	}
}

func TestDifferentDefinitionsAreNotCompared(t *testing.T) {
	a, b := measured(.2, 16, 1000, 1), measured(.001, 16, 1000, 2)
	in := b.Indicators[baseline.TTFT]
	in.Definition.Stop = baseline.FirstEvent
	b.Indicators[baseline.TTFT] = in
	b.Indicators[baseline.E2E] = in
	c := baseline.Compare(file(a), file(b))
	if len(c.Changes) != 2 || c.Changes[0].Verdict != baseline.Incomparable || c.Changes[0].Why != "stop is first_content, and then first_event" {
		t.Errorf("%+v", c.Changes)
	}
	if c.Changes[1].Verdict != baseline.Incomparable || c.Changes[1].Why != "only the later baseline has it" {
		t.Errorf("%+v", c.Changes[1])
	}
}

func TestTableCurveAndComparisonAreTheGoldenOnes(t *testing.T) {
	var out strings.Builder
	b := sweep()
	if err := baseline.WriteTable(&out, b); err != nil {
		t.Fatal(err)
	}
	for _, w := range baseline.Workloads(b) {
		c, _ := w.Curve()
		if err := c.WritePlot(&out); err != nil {
			t.Fatal(err)
		}
	}
	golden.Check(t, "testdata/show.golden", out.String())

	slower := sweep()
	for i := range slower.Cells[:2] {
		slower.Cells[i] = measured(.2, slower.Cells[i].Load.Value, 2000, 9)
	}
	slower.Cells = slower.Cells[:4]
	c := baseline.Compare(b, slower)
	out.Reset()
	j := c.Judge(condition(t, "slower:10%"), condition(t, "missing"))
	for _, write := range []func() error{
		func() error { return c.WriteTable(&out) }, func() error { return c.WriteMarkdown(&out, j) }, func() error { return c.WriteJUnit(&out, j) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	golden.Check(t, "testdata/compare.golden", out.String())
}
