package baseline_test

import (
	"encoding/xml"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// measured is a cell of n requests at a load, whose TTFT is lognormal about a median.
func measured(median, concurrency float64, n int, seed uint64) baseline.Cell {
	var s baseline.Sample
	random := rand.New(rand.NewPCG(seed, 7))
	for range n {
		s.Add(median * math.Exp(.3*random.NormFloat64()))
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
		want  baseline.Verdict // of the median
	}{
		{"half as slow again", measured(.3, 16, 2000, 2), baseline.Slower},
		{"a third faster", measured(.13, 16, 2000, 3), baseline.Faster},
		{"the same service again", measured(.2, 16, 2000, 4), baseline.Same},
		{"10 % slower in 50 requests is chance", measured(.22, 16, 50, 5), baseline.Same},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := baseline.Compare(file(before), file(tt.after))
			if len(c.Changes) != 2 || c.Changes[0].Verdict != tt.want || *c.Changes[0].Low > c.Changes[0].Ratio || *c.Changes[0].High < c.Changes[0].Ratio {
				t.Errorf("%+v, want %s", c.Changes, tt.want)
			}
			failed := len(c.Beyond(baseline.Slower, .1)) > 0
			if failed != (tt.want == baseline.Slower) {
				t.Errorf("fails at 10 %% slower: %v", failed)
			}
		})
	}
}

func TestTheIntervalHoldsTheTruth(t *testing.T) {
	missed := 0
	const runs = 200
	for i := range uint64(runs) {
		c := baseline.Compare(file(measured(.2, 16, 300, 1000+i)), file(measured(.25, 16, 300, 5000+i)))
		if m := c.Changes[0]; *m.Low > 1.25 || *m.High < 1.25 {
			missed++
		}
	}
	if missed > runs/20 {
		t.Errorf("%d of %d intervals miss the true ratio", missed, runs)
	}
}

func TestASampleTooSmallForAQuantileGivesNoVerdict(t *testing.T) {
	c := baseline.Compare(file(measured(.2, 16, 100, 1)), file(measured(.4, 16, 100, 2)))
	if p99 := c.Changes[1]; p99.Verdict != baseline.Unsure || p99.Low != nil {
		t.Errorf("%+v", p99)
	}
}

func TestDifferentDefinitionsAreNotCompared(t *testing.T) {
	a, b := measured(.2, 16, 1000, 1), measured(.001, 16, 1000, 2)
	in := b.Indicators[baseline.TTFT]
	in.Definition.Stop = baseline.FirstEvent
	b.Indicators[baseline.TTFT] = in
	c := baseline.Compare(file(a), file(b))
	if len(c.Changes) != 1 || c.Changes[0].Verdict != baseline.Incomparable || c.Changes[0].Why != "stop is first_content, and then first_event" {
		t.Errorf("%+v", c.Changes)
	}
}

func TestCellsWithoutAPartnerAreNamed(t *testing.T) {
	longer := measured(.2, 16, 1000, 2)
	longer.InputTokens.Mean = 2048
	near := measured(.2, 16, 1000, 2)
	near.InputTokens.Mean = 1000
	c := baseline.Compare(file(measured(.2, 16, 1000, 1), measured(.2, 32, 1000, 1)), file(near, longer))
	if len(c.Changes) != 2 || len(c.OnlyBefore) != 1 || c.OnlyBefore[0] != "small/in1024/out128/c32" || len(c.OnlyAfter) != 1 {
		t.Errorf("%+v", c)
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
	c := baseline.Compare(b, slower)
	out.Reset()
	bad := c.Beyond(baseline.Slower, .1)
	for _, write := range []func() error{
		func() error { return c.WriteTable(&out) }, func() error { return c.WriteMarkdown(&out) }, func() error { return c.WriteJUnit(&out, bad) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	golden.Check(t, "testdata/compare.golden", out.String())
	var junit struct {
		Failures int `xml:"failures,attr"`
	}
	_, text, _ := strings.Cut(out.String(), "<?xml")
	if err := xml.Unmarshal([]byte("<?xml"+text), &junit); err != nil || junit.Failures != len(bad) || len(bad) == 0 {
		t.Errorf("%v: %d failures of %d", err, junit.Failures, len(bad))
	}
}
