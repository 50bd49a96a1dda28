package drift_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/baseline"
	"github.com/headway-sidecar/headway/probe/drift"
)

func TestReferenceRefusesWhatNoPromiseCanRestOn(t *testing.T) {
	window := indicator(.95, 1)
	window.Definition.Over = baseline.WindowAvg
	for _, test := range []struct {
		name     string
		of       baseline.Indicator
		requests int
		want     string
	}{
		{"values that stand for several requests", window, 1000, "one value a window; want one a request"},
		{"a percentile of 0", indicator(.5, 0, .9, 1), 1000, "percentile 0.5 is 0 s; want a time above 0"},
		{"an infinite percentile", indicator(.5, 1, .9, math.Inf(1)), 1000, "percentile 0.9 is +Inf s"},
		{"a percentile that is no number", indicator(.5, math.NaN()), 1000, "percentile 0.5 is NaN s"},
		{"percentiles that fall", indicator(.5, 2, .9, 1), 1000, "percentile 0.9 is lower than percentile 0.5"},
		{"no percentile", indicator(), 1000, "too few requests"},
		{"percentiles of four requests", indicator(.5, 1, .99, 2), 4, "4 requests: too few requests"},
	} {
		_, err := drift.NewReference(test.of, baseline.Requests{OK: test.requests})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if _, err := drift.NewReference(indicator(.99, 1), baseline.Requests{OK: 200}); !errors.Is(err, drift.ErrTooFew) {
		t.Errorf("the p99 of 200 requests alone: %v, want %v", err, drift.ErrTooFew)
	}
}

// slowest returns the evidence of one canary that is slower than every percentile.
func slowest(t *testing.T, of baseline.Indicator, requests baseline.Requests) float64 {
	t.Helper()
	r, err := drift.NewReference(of, requests)
	if err != nil {
		t.Fatal(err)
	}
	d := detector(t, r, noMargin)
	d.Observe(noon, 1000)
	return float64(d.Verdict().ReturnPeriod) / float64(every)
}

// The p99 of few requests may stand anywhere in the tail, so a canary beyond it must not
// weigh as much as one beyond the p99 of many.
func TestPercentilesOfFewRequestsCountForNothing(t *testing.T) {
	full, middle := indicator(.5, .35, .9, .514, .95, .573, .99, .703), indicator(.5, .35, .9, .514)
	for _, test := range []struct {
		name     string
		requests int
		of, same baseline.Indicator
	}{
		{"299 requests have no p99", 299, full, indicator(.5, .35, .9, .514, .95, .573)},
		{"99 requests have no p95", 99, full, middle},
		{"29 requests have no p90", 29, full, indicator(.5, .35)},
	} {
		few := baseline.Requests{OK: test.requests}
		if got, want := slowest(t, test.of, few), slowest(t, test.same, baseline.Requests{OK: 100_000}); got != want {
			t.Errorf("%s: evidence %v, without them %v", test.name, got, want)
		}
	}
	if got, less := slowest(t, full, baseline.Requests{OK: 300}), slowest(t, full, baseline.Requests{OK: 299}); got <= less {
		t.Errorf("the p99 of 300 requests: evidence %v, of 299 %v; want more", got, less)
	}
}

func TestCountOfTheIndicatorStandsBeforeThatOfTheCell(t *testing.T) {
	of := indicator(.5, .35, .99, .703)
	of.Count = new(int)
	*of.Count = 100
	if got, want := slowest(t, of, baseline.Requests{OK: 5000}), slowest(t, indicator(.5, .35), baseline.Requests{OK: 5000}); got != want {
		t.Errorf("p99 of 100 values: evidence %v, want %v as without it", got, want)
	}
}

// A tool with coarse clocks gives several percentiles one value.
func TestEqualPercentilesAreOneEdge(t *testing.T) {
	got := slowest(t, indicator(.5, 1, .75, 1, .9, 2, .95, 2), baseline.Requests{OK: 1000})
	if want := slowest(t, indicator(.75, 1, .95, 2), baseline.Requests{OK: 1000}); got != want {
		t.Errorf("evidence %v, want %v", got, want)
	}
}

func TestFailuresCountIfTheLoadTestHasTheirNumber(t *testing.T) {
	d := detector(t, tested(t), noMargin)
	if d.Fail(noon) {
		t.Error("a failure counted, and the load test does not say how many failed")
	}
	if got := d.Verdict(); got.Ratio.Of != 0 || got.ReturnPeriod != 0 {
		t.Errorf("after that: %+v, want nothing seen", got)
	}
	none := 0
	r, err := drift.NewReference(indicator(.5, .35, .99, .703), baseline.Requests{OK: 1000, Failed: &none})
	if err != nil {
		t.Fatal(err)
	}
	d = detector(t, r, noMargin)
	failed := 0
	for ; !d.Alarm() && failed < 100; failed++ {
		if !d.Fail(noon.Add(time.Duration(failed) * every)) {
			t.Fatal("a failure did not count, and the load test had none of 1,000")
		}
	}
	if failed < 3 || failed > 6 {
		t.Errorf("alarm after %d failures in a row, want 3 to 6", failed)
	}
	if ratio := d.Verdict().Ratio; !math.IsInf(ratio.Value, 1) {
		t.Errorf("ratio of failures alone: %+v, want +Inf", ratio)
	}
}
