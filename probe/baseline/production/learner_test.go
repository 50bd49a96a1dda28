package production_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/baseline/production"
)

// learnedFrom is the lesson of the lines, from the last so many hours.
func learnedFrom(hours float64, lines ...[]capture.Line) production.Lesson {
	l := production.NewLearner()
	for _, line := range slices.Concat(lines...) {
		l.Add(line)
	}
	return l.Learn(time.Duration(hours*float64(time.Hour)), "capture.jsonl")
}

func TestProductionBecomesCellsOfLikeLengthsAndLoad(t *testing.T) {
	got := learnedFrom(24, load(1, 400, 500, 100, 1), shifted(12*time.Hour, load(1, 20, 8000, 100, 1)))
	if len(got.Baseline.Cells) != 1 || got.Requests != 400 || got.Few != 20 {
		t.Fatalf("%+v", got)
	}
	c := got.Baseline.Cells[0]
	if c.ID != "m/in500/out100/c1" || c.Requests.OK != 400 || c.Requests.Failed != nil || !slices.Equal(c.Flags, []baseline.Flag{baseline.Learned, baseline.MixedWorkloads, baseline.NoErrors}) {
		t.Errorf("%+v", c)
	}
	for name, want := range map[baseline.Name]float64{baseline.TTFT: .2, baseline.TPOT: .02, baseline.E2E: 3} {
		if median, has := c.Indicators[name].Quantiles.At(.5); !has || math.Abs(median/want-1) > .02 {
			t.Errorf("median %s %v; want %v", name, median, want)
		}
	}
	var text strings.Builder
	if err := baseline.Write(&text, got.Baseline); err != nil {
		t.Fatal(err)
	}
	if _, err := baseline.Read(strings.NewReader(text.String())); err != nil {
		t.Error(err)
	}
}

func TestALoadIsACellOfItsOwn(t *testing.T) {
	got := learnedFrom(48, load(1, 100, 500, 100, 1), shifted(12*time.Hour, load(8, 60, 500, 100, 2)))
	ids := []string{}
	for _, c := range got.Baseline.Cells {
		ids = append(ids, c.ID)
		if !slices.Contains(c.Flags, baseline.FewSamples) != (c.Requests.OK >= baseline.Needed) {
			t.Errorf("%s of %d requests has %v", c.ID, c.Requests.OK, c.Flags)
		}
	}
	if !slices.Equal(ids, []string{"m/in500/out100/c1", "m/in500/out100/c8"}) {
		t.Errorf("%q", ids)
	}
}

// Canaries have a cell of their own, whatever the lengths that the model gave them.
func TestCanariesAreLearntByProbe(t *testing.T) {
	canaries := load(1, 60, 500, 100, 1)
	for i := range canaries {
		canaries[i].Origin, canaries[i].Probe = "canary", "chat"
		canaries[i].Tokens.Output = new(int64(60 + i))
	}
	got := learnedFrom(24, canaries, shifted(2*time.Hour, load(1, 40, 500, 100, 3)))
	if len(got.Baseline.Cells) != 2 {
		t.Fatalf("%+v", got.Baseline.Cells)
	}
	for _, c := range got.Baseline.Cells {
		if canary := c.Requests.OK == 60; canary == slices.Contains(c.Flags, baseline.MixedWorkloads) {
			t.Errorf("%+v", c)
		}
	}
}

func TestOnlyTheLastHoursAreLearnt(t *testing.T) {
	if got := learnedFrom(1, load(1, 200, 500, 100, 1)); got.Requests > 62 || got.Last.Sub(got.First) > time.Hour {
		t.Errorf("%d requests from %s to %s", got.Requests, got.First, got.Last)
	}
}

func TestRequestsThatSayNothingAreNotLearnt(t *testing.T) {
	change := func(f func(*capture.Line)) []capture.Line {
		lines := load(1, 50, 500, 100, 1)
		for i := range lines {
			f(&lines[i])
		}
		return lines
	}
	for _, test := range []struct {
		name  string
		lines []capture.Line
	}{
		{"failed", change(func(l *capture.Line) { l.Outcome = "http_error" })},
		{"not counted", change(func(l *capture.Line) { l.Tokens.Output = nil })},
		{"estimated", change(func(l *capture.Line) { l.Tokens.Source = "estimated" })},
		{"of no model", change(func(l *capture.Line) { l.Model.Request = "" })},
		{"no generation", change(func(l *capture.Line) { l.Operation = "embeddings" })},
		{"calls", change(func(l *capture.Line) { l.Kind = "chain" })},
		{"sealed", change(func(l *capture.Line) { l.Mode = "sealed" })},
		{"nothing", nil},
	} {
		if got := learnedFrom(24, test.lines); len(got.Baseline.Cells) > 0 {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func shifted(by time.Duration, lines []capture.Line) []capture.Line {
	for i := range lines {
		lines[i].Start = lines[i].Start.Add(by)
	}
	return lines
}
