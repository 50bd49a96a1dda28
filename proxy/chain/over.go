package chain

import (
	"encoding/hex"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// outcome is that of a chain whose last attempt was not answered.
func (c *chain) outcome() exchange.ChainOutcome {
	if c.last.outcome.exchange() == exchange.ClientGone {
		return exchange.Abandoned
	}
	return exchange.Exhausted
}

// summary is c as it is told when it is over. Without the Record that ended it,
// its last is made of what was kept.
func (j *Joiner) summary(c *chain, r *exchange.Record, late bool) exchange.Chain {
	out := exchange.Chain{
		ID: c.id, Attempts: int(max(1, c.ended)), Fallback: c.fallback, Ambiguous: c.ambiguous, Late: late,
		Slept: c.slept, RetryAfterIgnored: int(c.ignored), Start: j.epoch.Add(c.start),
	}
	if r != nil {
		out.Last, out.Outcome = *r, r.Attempt.Outcome
	} else {
		out.Last, out.Outcome = j.record(c), c.outcome()
	}
	elapsed := out.Last.Attempt.Elapsed
	out.E2E = max(elapsed+out.Last.Timing.End, c.end-c.start)
	if out.Last.Stream && out.Last.Timing.FirstToken > 0 {
		out.TTFT = elapsed + out.Last.Timing.FirstToken
	}
	for e := none; e < endEvidence; e++ {
		if c.joined&(1<<e) != 0 {
			out.JoinedBy = append(out.JoinedBy, e.String())
		}
	}
	for _, w := range c.waste {
		if u := &out.Last.Usage; w.untold > 0 && u.Input.Known && u.Source == exchange.Reported && !c.fallback {
			add(&w.input, exchange.Known(int64(w.untold)*u.Input.N))
		}
		out.Waste = append(out.Waste, exchange.Waste{Cause: w.cause, Attempts: int(w.attempts), Time: w.time, Input: w.input, Output: w.output})
	}
	return out
}

// record is the last Record as far as it was kept.
func (j *Joiner) record(c *chain) exchange.Record {
	l := &c.last
	r := c.kind.record()
	r.Start, r.Timing, r.Outcome, r.ErrorType = j.epoch.Add(l.start), l.timing, l.outcome.exchange(), l.error
	r.Status, r.Stream = int(l.status), l.stream
	r.Advice = exchange.Advice{RetryAfter: c.asked, Retry: l.retry}
	r.Trace, r.Span = c.trail.context(), exchange.Span{Trace: c.trail.trace, Told: l.told}
	if l.usage != nil {
		r.Usage = *l.usage
	}
	r.Attempt = exchange.Attempt{
		Chain: c.id, Number: int(l.number), JoinedBy: l.by.String(), Fallback: l.fell, Ambiguous: l.unclear, Elapsed: l.elapsed,
	}
	return r
}

// context is the trace context that the attempt carried.
func (t *trail) context() exchange.Trace {
	if !t.traced {
		return exchange.Trace{}
	}
	return exchange.Trace{TraceID: hex.EncodeToString(t.trace[:]), SpanID: hex.EncodeToString(t.span[:]), Sampled: t.sampled}
}
