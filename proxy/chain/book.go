package chain

import (
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// book adds a, which has ended as r says, to c.
func (j *Joiner) book(c *chain, a *attempt, r *exchange.Record, f fate) {
	before := c.size()
	j.index.remove(c)
	if c.ended > 0 {
		c.bookSleep(a.start - c.end)
	}
	if a.by != none {
		c.joined = c.joined.with(a.by)
	}
	c.fallback, c.ambiguous = c.fallback || a.fallback, c.ambiguous || a.ambiguous
	c.ended++
	c.end = max(c.end, a.start+r.Timing.End)
	c.asked = r.Advice.RetryAfter
	c.midStream = f == retryable && r.Status >= 200 && r.Status < 300 && r.Outcome != exchange.ClientGone
	c.renews = f == retryable && r.Status == 401
	c.answered = c.answered || f == answered
	if len(c.steps) < maxSteps {
		c.steps = append(c.steps, step{
			start: a.start, end: a.start + r.Timing.End, number: int32(a.number),
			status: int16(r.Status), by: a.by, outcome: outcomeOf(r.Outcome),
		})
	}
	if f != answered {
		c.bookWaste(r, string(j.cause(r)))
	}
	c.trail = a.trail
	j.index.add(c)
	j.keep(c, a, r)
	j.size += c.size() - before
}

// bookSleep books the time for which the client slept before its next attempt.
func (c *chain) bookSleep(slept time.Duration) {
	c.slept += max(0, slept)
	if c.asked > 0 && slept < c.asked-max(early, c.asked/100) {
		c.ignored++
	}
}

// keep keeps the parts of r of which summary makes the last Record of a chain that
// closes late.
func (j *Joiner) keep(c *chain, a *attempt, r *exchange.Record) {
	old := c.kind
	c.kind = j.kinds.acquire(r)
	j.kinds.release(old)
	c.last = last{
		start: a.start, timing: r.Timing, retry: r.Advice.Retry, outcome: outcomeOf(r.Outcome), error: j.cause(r),
		status: int16(r.Status), stream: r.Stream,
		number: int32(a.number), elapsed: a.start - c.start, by: a.by, fallback: a.fallback, ambiguous: a.ambiguous,
		announced: r.Span.Told,
	}
	if r.Usage.Source != exchange.Absent {
		usage := r.Usage
		c.last.usage = &usage
	}
}

// maxErrors bounds the error types that a Joiner tells apart.
const maxErrors = 1024

// cause returns the error type of r, of which the Joiner holds one copy.
func (j *Joiner) cause(r *exchange.Record) exchange.ErrorType {
	switch {
	case r.Outcome == exchange.OK:
		return ""
	case r.ErrorType == "":
		return exchange.ErrOther
	}
	e, known := j.errors[r.ErrorType]
	if !known && len(j.errors) < maxErrors {
		e = r.ErrorType
		j.errors[e] = e
	}
	return cmp.Or(e, exchange.ErrOther)
}

// bookWaste books the cost of a failed attempt.
func (c *chain) bookWaste(r *exchange.Record, cause string) {
	at := slices.IndexFunc(c.waste, func(w waste) bool { return w.cause == cause })
	if at < 0 && len(c.waste) >= maxCauses-1 {
		cause = string(exchange.ErrOther)
		at = slices.IndexFunc(c.waste, func(w waste) bool { return w.cause == cause })
	}
	if at < 0 {
		at = len(c.waste)
		c.waste = append(c.waste, waste{cause: cause})
	}
	w := &c.waste[at]
	w.attempts++
	w.time += r.Timing.End
	input := r.Usage.CountedInput()
	add(&w.input, input)
	add(&w.output, r.Usage.Output)
	if r.Cost.Known() {
		w.cost += r.Cost.Total()
		copy(w.currency[:], r.Cost.Currency)
	}
	if !input.Known && processed(r) {
		w.unreported++
	}
}

// add adds c to a sum. Both may be unknown.
func add(to *exchange.Count, c exchange.Count) {
	if c.Known {
		*to = exchange.Known(to.N + c.N)
	}
}

// processed reports whether the upstream may have begun to work on the prompt of a
// failed attempt: it had all of the prompt, and did not turn the request away.
func processed(r *exchange.Record) bool {
	switch r.Outcome {
	case exchange.Refused, exchange.ConnectError:
		return false
	case exchange.HTTPError:
		if r.Status < 500 {
			return false
		}
	}
	return r.Timing.RequestWritten > 0
}
