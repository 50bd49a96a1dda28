package slo

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// judgeLimits returns the limits that the request of r set itself, with the verdicts on r by
// itself: another attempt brings limits of its own. The slice of r is shared, so this is another.
func judgeLimits(r *exchange.Record) []exchange.RequestLimit {
	if len(r.Limits) == 0 {
		return nil
	}
	q, out := briefly(r), slices.Clone(r.Limits)
	if slices.ContainsFunc(out, func(l exchange.RequestLimit) bool { return percentile(l.Indicator) > 0 }) {
		q = RequestOf(r)
	}
	for i := range out {
		out[i].Verdict = q.verdict(&Objective{Indicator: out[i].Indicator, Limit: out[i].Limit})
	}
	return out
}

// verdict judges q by one limit, with the rules of Objectives. It tells apart a limit that was
// passed from a failure, and from an indicator that q does not have.
func (q *Request) verdict(o *Objective) exchange.LimitVerdict {
	switch {
	case q.Unread && o.Indicator != exchange.E2E:
		return exchange.LimitUnjudged
	case o.missed(q, 0):
		return exchange.LimitMissed
	case q.failed():
		return exchange.LimitFailed
	case q.gone() || !q.has(o.Indicator):
		return exchange.LimitUnjudged
	}
	return exchange.LimitKept
}

// has says whether q has a value of an indicator.
func (q *Request) has(i exchange.Indicator) bool {
	known := func(d time.Duration) bool { return d > 0 }
	switch i {
	case exchange.TTFT:
		return known(q.TTFT)
	case exchange.TTFTPerInputToken:
		return known(q.TTFT) && q.Input.Known && q.Input.N > 0
	case exchange.TTFA:
		return known(q.TTFA)
	case exchange.TPOT:
		return known(q.TPOT)
	case exchange.ITLP50, exchange.ITLP90, exchange.ITLP99:
		return known(q.ITL.Max)
	case exchange.Stall, exchange.Silence:
		return q.Stream
	case exchange.E2E:
		return known(q.E2E)
	case exchange.E2EPerOutputToken:
		return known(q.E2E) && q.Output.Known && q.Output.N > 0
	}
	return false
}
