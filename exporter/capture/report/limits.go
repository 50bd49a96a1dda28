package report

import (
	"fmt"
	"strings"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// RequestLimits is the goodput by the limits that requests set themselves, as headway judged it
// when they ended.
type RequestLimits struct {
	Requests int      `json:"requests"` // that set limits
	Counted  int      `json:"counted"`  // of them, those with a limit that could be judged
	Good     int      `json:"good"`     // of Counted, those that kept all and did not fail
	Rate     *float64 `json:"per_second"`
	Share    *float64 `json:"share"` // of Counted
	// Verdicts counts limits by indicator and verdict.
	Verdicts map[string]map[string]int `json:"verdicts"`
}

// add adds the limits of a line.
func (r *RequestLimits) add(l *capture.Line) {
	if len(l.Limits) == 0 {
		return
	}
	r.Requests++
	limits := make([]exchange.RequestLimit, 0, len(l.Limits))
	for indicator, limit := range l.Limits {
		limits = append(limits, exchange.RequestLimit{Verdict: exchange.LimitVerdict(limit.Verdict)})
		if r.Verdicts == nil {
			r.Verdicts = map[string]map[string]int{}
		}
		if r.Verdicts[indicator] == nil {
			r.Verdicts[indicator] = map[string]int{}
		}
		r.Verdicts[indicator][limit.Verdict]++
	}
	good, counts := exchange.KeptLimits(limits)
	if counts {
		r.Counted++
	}
	if good {
		r.Good++
	}
}

// summary is over so many seconds; nil if no request set a limit.
func (r *RequestLimits) summary(seconds float64) *RequestLimits {
	if r.Requests == 0 {
		return nil
	}
	out := *r
	out.Share, out.Rate = share(float64(r.Good), float64(r.Counted)), rate(float64(r.Good), seconds)
	return &out
}

// requestLimits prints r, unless it is nil.
func (t *table) requestLimits(r *RequestLimits) {
	if r == nil {
		return
	}
	t.title("Limits that requests set themselves", "-")
	t.count("Requests with limits", r.Requests)
	t.count("Counted", r.Counted)
	t.count("Good", r.Good)
	t.row("Good, of those counted (%)", number(percent(r.Share)))
	t.number("Goodput by these limits (req/s)", r.Rate)
	for _, i := range exchange.Indicators() {
		of := r.Verdicts[i.String()]
		if of == nil {
			continue
		}
		var counts []string
		for _, verdict := range exchange.LimitVerdicts() {
			if n := of[string(verdict)]; n > 0 {
				counts = append(counts, fmt.Sprintf("%d %s", n, verdict))
			}
		}
		t.row("Limits of "+i.String(), strings.Join(counts, ", "))
	}
}
