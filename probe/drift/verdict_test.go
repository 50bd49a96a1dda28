package drift_test

import (
	"math"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/drift"
)

func TestSentence(t *testing.T) {
	const days = 24 * time.Hour
	ratio := drift.Ratio{Value: 1.312, Low: 1.18, High: 1.46, Of: 60}
	since := time.Date(2026, 3, 1, 14, 5, 0, 0, time.UTC)
	paris := time.FixedZone("CET", 3600)
	for _, test := range []struct {
		name    string
		verdict drift.Verdict
		now     time.Time
		want    string
	}{
		{
			"a change today", drift.Verdict{Ratio: ratio, Since: since, Margin: .1, ReturnPeriod: 41*days + time.Hour}, since.Add(time.Hour),
			"TTFT is 1.31 × the load test (1.18–1.46) since 14:05. A service as fast as the load test + 10 % would look this bad less than once in 41 days.",
		},
		{
			"yesterday, in another zone, without a margin", drift.Verdict{Ratio: ratio, Since: since, ReturnPeriod: 25 * time.Hour}, since.Add(days).In(paris),
			"TTFT is 1.31 × the load test (1.18–1.46) since 2026-03-01 15:05. A service as fast as the load test would look this bad less than once in 1 day.",
		},
		{"no change", drift.Verdict{Ratio: ratio, Margin: .1}, since, "TTFT is 1.31 × the load test (1.18–1.46)."},
		{"few canaries", drift.Verdict{Ratio: drift.Ratio{Value: 1, High: math.Inf(1), Of: 3}}, since, "TTFT is 1.00 × the load test (too few to bound)."},
		{"a bound on one side", drift.Verdict{Ratio: drift.Ratio{Value: 2, Low: 1.5, High: math.Inf(1), Of: 30}}, since, "TTFT is 2.00 × the load test (at least 1.50)."},
		{"a bound on the other", drift.Verdict{Ratio: drift.Ratio{Value: .5, High: .75, Of: 30}}, since, "TTFT is 0.50 × the load test (at most 0.75)."},
		{"nothing yet", drift.Verdict{}, since, "TTFT: nothing to compare yet."},
	} {
		if got := test.verdict.Sentence("TTFT", test.now); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}
