package report_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
)

// TestGoodputByTheRequestsOwnLimits: of four requests with limits, one is good, one missed its
// TTFT, one failed, and nobody could judge the last.
func TestGoodputByTheRequestsOwnLimits(t *testing.T) {
	limits := func(at time.Duration, verdicts ...string) capture.Line {
		l := firstTry(at)
		for i, verdict := range verdicts {
			if l.Limits == nil {
				l.Limits = map[string]capture.RequestLimit{}
			}
			l.Limits[[]string{"ttft", "tpot"}[i]] = capture.RequestLimit{Limit: .2, Verdict: verdict}
		}
		return l
	}
	s := summarize(report.ByNothing, nil, []capture.Line{
		limits(0, "kept", "kept"), limits(time.Second, "missed", "kept"), limits(2*time.Second, "failed"), limits(3*time.Second, "unjudged"), limits(4 * time.Second),
	})
	var out strings.Builder
	if err := s.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Limits that requests set themselves", "Requests with limits:                    4", "Counted:                                 3", "Good:                                    1",
		"Good, of those counted (%):              33.33", "Limits of ttft:                          1 kept, 1 missed, 1 failed, 1 unjudged", "Limits of tpot:                          2 kept\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	text, err := json.Marshal(s.All.Limits)
	if want := `"verdicts":{"tpot":{"kept":2},"ttft":{"failed":1,"kept":1,"missed":1,"unjudged":1}}`; err != nil || !strings.Contains(string(text), want) || s.All.Limits.Good != 1 || s.All.Limits.Counted != 3 {
		t.Errorf("%s, %v", text, err)
	}
}

func TestWithoutLimitsTheReportSaysNothingOfThem(t *testing.T) {
	s := summarize(report.ByNothing, nil, []capture.Line{firstTry(0)})
	var out strings.Builder
	if err := s.WriteTable(&out); err != nil || s.All.Limits != nil || strings.Contains(out.String(), "requests set themselves") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
