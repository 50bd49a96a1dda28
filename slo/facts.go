package slo

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// facts are a Request with its ITL counted and not sorted: how many tokens the gaps of
// the stream brought, and how many of those took longer than each limit of the plan. A
// quantile exceeds a limit when too many tokens do.
type facts struct {
	Request
	tokens int64
	over   []int64 // by limit
}

// gather sets the facts of r that need no look at its chunks, and makes room for so many
// limits of ITL.
func (f *facts) gather(r *exchange.Record, limits int) {
	over := slices.Grow(f.over[:0], limits)[:limits]
	clear(over)
	*f = facts{Request: briefly(r), over: over}
}

// missed returns the indicators that j's objectives find missed. Times from the
// request's start are longer by elapsed.
func (j *judge) missed(f *facts, elapsed time.Duration) exchange.Misses {
	var m exchange.Misses
	if f.failed() {
		m = m.With(exchange.Error)
	}
	for i := range j.objectives {
		if o := &j.objectives[i]; o.missed(f, elapsed) {
			m = m.With(o.Indicator)
		}
	}
	return m
}

// kept says whether every objective of every SLO was kept: all the strictest were.
func (p *plan) kept(f *facts, elapsed time.Duration) bool {
	for i := range p.strict {
		if p.strict[i].missed(f, elapsed) {
			return false
		}
	}
	return !f.failed()
}

func (o *objective) missed(f *facts, elapsed time.Duration) bool {
	if o.percent > 0 {
		return f.tokens-f.over[o.itl] < exchange.Rank(o.percent, f.tokens)
	}
	return o.Objective.missed(&f.Request, elapsed)
}
