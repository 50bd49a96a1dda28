package slo

import (
	"math"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// facts are an exchange, or a chain, as objectives look at it.
type facts struct {
	failed bool // it ended as an error
	gone   bool // the client left
	stream bool
	opened bool // a stream whose body began
	empty  bool // a stream that ended well and is known to have had no token

	ttft, tpot, stall, e2e time.Duration // 0 is unknown
	input, output          exchange.Count

	itl itlFacts
}

// itlFacts are how many tokens a stream's gaps brought, and how many of them took
// longer than each limit of the plan.
type itlFacts struct {
	tokens int64
	over   []int64
}

// gather takes what r says without a look at its chunks. There are so many limits
// of ITL.
func (f *facts) gather(r *exchange.Record, limits int) {
	over := slices.Grow(f.itl.over[:0], limits)[:limits]
	clear(over)
	*f = facts{
		gone:   r.Outcome == exchange.ClientGone,
		stream: r.Stream,
		e2e:    r.E2E(),
		input:  r.Usage.Input,
		output: r.Usage.Output,
		itl:    itlFacts{over: over},
	}
	f.failed = r.Outcome != exchange.OK && !f.gone
	if r.Stream {
		f.ttft, f.tpot, f.stall = r.TTFT(), r.TPOT(), r.Clocks.Upstream.Longest
		f.opened = r.Timing.FirstChunk > 0
		f.empty = r.Outcome == exchange.OK && r.Events > 0 && r.Chunks.Count == 0
	}
}

// missed is which objectives were missed. What an exchange does not have, it cannot
// miss: a response in one piece its TTFT, a single token its TPOT. Times from the
// request's start are longer by elapsed.
func (j *judge) missed(f *facts, elapsed time.Duration) exchange.Misses {
	var m exchange.Misses
	if f.failed {
		m = m.With(exchange.Error)
	}
	for i := range j.objectives {
		if o := &j.objectives[i]; o.missed(f, elapsed) {
			m = m.With(o.Indicator)
		}
	}
	return m
}

// kept says that every objective of every SLO was, as all the strictest were.
func (p *plan) kept(f *facts, elapsed time.Duration) bool {
	for i := range p.strict {
		if p.strict[i].missed(f, elapsed) {
			return false
		}
	}
	return !f.failed
}

func (o *objective) missed(f *facts, elapsed time.Duration) bool {
	switch o.Indicator {
	case exchange.TTFT:
		return f.late(o.Limit, elapsed)
	case exchange.TTFTPerInputToken:
		return f.input.Known && f.input.N > 0 && f.late(times(o.Limit, f.input.N), elapsed)
	case exchange.TPOT:
		return f.tpot > o.Limit
	case exchange.ITLP50, exchange.ITLP90, exchange.ITLP99:
		return f.itl.tokens-f.itl.over[o.itl] < rank(o.percent, f.itl.tokens)
	case exchange.Stall:
		return f.opened && f.stall > o.Limit
	case exchange.E2E:
		return f.e2e+elapsed > o.Limit
	case exchange.E2EPerOutputToken:
		return f.output.Known && f.output.N > 0 && f.e2e+elapsed > times(o.Limit, f.output.N)
	}
	return false
}

// late tells whether the first token of a stream came after limit, or did not come
// although there was so much time for it.
func (f *facts) late(limit, elapsed time.Duration) bool {
	switch {
	case !f.stream:
		return false
	case f.ttft > 0:
		return f.ttft+elapsed > limit
	case f.failed || f.gone:
		return f.e2e+elapsed > limit
	}
	return f.empty
}

// times is d × n, or as long as can be told.
func times(d time.Duration, n int64) time.Duration {
	if n > int64(math.MaxInt64/d) {
		return math.MaxInt64
	}
	return d * time.Duration(n)
}
