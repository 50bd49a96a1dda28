package chain

import (
	"bytes"
	"encoding/hex"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// failure returns the outcome of a chain whose last attempt was not answered.
func (c *chain) failure() exchange.ChainOutcome {
	if c.last.outcome.exchange() == exchange.ClientGone {
		return exchange.Abandoned
	}
	return exchange.Exhausted
}

// summary returns c for the observers, when it is over. Last is the Record r that ended
// c; without one, summary makes it of the parts that c has kept.
func (j *Joiner) summary(c *chain, r *exchange.Record, late bool) exchange.Chain {
	out := exchange.Chain{
		ID: c.id, Attempts: int(max(1, c.ended)), Fallback: c.fallback, Ambiguous: c.ambiguous, Late: late,
		Slept: c.slept, RetryAfterIgnored: int(c.ignored), Start: j.epoch.Add(c.start),
	}
	if r != nil {
		out.Last, out.Outcome = *r, r.Attempt.Outcome
	} else {
		out.Last, out.Outcome = j.record(c), c.failure()
	}
	elapsed := out.Last.Attempt.Elapsed
	out.E2E = max(elapsed+out.Last.Timing.End, c.end-c.start)
	if out.Last.Stream && out.Last.Timing.FirstToken > 0 {
		out.TTFT = elapsed + out.Last.Timing.FirstToken
	}
	out.JoinedBy, out.Waste = c.joined.names(), c.wasted(&out.Last.Usage)
	return out
}

// wasted returns the waste of c. The attempts that reported no input have read as much
// as the last attempt says, if that asked the same.
func (c *chain) wasted(last *exchange.Usage) (all []exchange.Waste) {
	for _, w := range c.waste {
		if w.unreported > 0 && last.Input.Known && last.Source == exchange.Reported && !c.fallback {
			add(&w.input, exchange.Known(int64(w.unreported)*last.Input.N))
		}
		all = append(all, exchange.Waste{
			Cause: w.cause, Attempts: int(w.attempts), Time: w.time, Input: w.input, Output: w.output,
			Cost: w.cost, Currency: string(bytes.TrimRight(w.currency[:], "\x00")),
		})
	}
	return all
}

// record returns the parts of the last Record that c has kept.
func (j *Joiner) record(c *chain) exchange.Record {
	l := &c.last
	r := c.kind.record()
	r.Start, r.Timing, r.Outcome, r.ErrorType = j.epoch.Add(l.start), l.timing, l.outcome.exchange(), l.error
	r.Status, r.Stream = int(l.status), l.stream
	r.Advice = exchange.Advice{RetryAfter: c.asked, Retry: l.retry}
	r.Trace, r.Span = c.trail.context(), exchange.Span{Trace: c.trail.trace, Told: l.announced}
	if l.usage != nil {
		r.Usage = *l.usage
	}
	r.Attempt = exchange.Attempt{
		Chain: c.id, Number: int(l.number), JoinedBy: l.by.String(), Fallback: l.fallback, Ambiguous: l.ambiguous, Elapsed: l.elapsed,
	}
	return r
}

// context returns the trace context that the client sent.
func (t *trail) context() exchange.Trace {
	if !t.traced {
		return exchange.Trace{}
	}
	return exchange.Trace{TraceID: hex.EncodeToString(t.trace[:]), SpanID: hex.EncodeToString(t.span[:]), Sampled: t.sampled}
}
