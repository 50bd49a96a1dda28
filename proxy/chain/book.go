package chain

import (
	"cmp"
	"slices"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// book adds a, which ended as r says, to c.
func (j *Joiner) book(c *chain, a *attempt, r *exchange.Record, f fate) {
	before := c.size()
	j.index.remove(c)
	if c.ended > 0 {
		c.slept += max(0, a.start-c.end)
		if c.asked > 0 && a.start-c.end < c.asked-max(early, c.asked/100) {
			c.ignored++
		}
	}
	if a.by != none {
		c.joined |= 1 << a.by
	}
	c.fallback, c.ambiguous = c.fallback || a.fallback, c.ambiguous || a.ambiguous
	c.ended++
	c.end = max(c.end, a.start+r.Timing.End)
	c.asked = r.Advice.RetryAfter
	c.midStream = f == retryable && r.Status >= 200 && r.Status < 300 && r.Outcome != exchange.ClientGone
	c.renews = f == retryable && r.Status == 401
	c.answered = c.answered || f == answered
	c.step(step{start: a.start, end: a.start + r.Timing.End, number: int32(a.number), status: int16(r.Status), by: a.by, outcome: outcomeOf(r.Outcome)})
	if f != answered {
		c.wasted(r, string(j.cause(r)))
	}
	c.trail = a.trail
	j.index.add(c)
	j.keep(c, a, r)
	j.size += c.size() - before
}

// keep takes over what the chain's last Record is made of when it is closed late.
func (j *Joiner) keep(c *chain, a *attempt, r *exchange.Record) {
	old := c.kind
	c.kind = j.kinds.use(r)
	j.kinds.drop(old)
	c.last = last{
		start: a.start, timing: r.Timing, retry: r.Advice.Retry, outcome: outcomeOf(r.Outcome), error: j.cause(r),
		status: int16(r.Status), stream: r.Stream,
		number: int32(a.number), elapsed: a.start - c.start, by: a.by, fell: a.fallback, unclear: a.ambiguous, told: r.Span.Told,
	}
	if r.Usage.Source != exchange.Absent {
		usage := r.Usage
		c.last.usage = &usage
	}
}

// maxErrors bounds the error types that are told apart.
const maxErrors = 1024

// cause is the error type of r, each held once.
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

func (c *chain) step(s step) {
	if len(c.steps) < maxSteps {
		c.steps = append(c.steps, s)
	}
}

// wasted books what the attempt of r cost for nothing.
func (c *chain) wasted(r *exchange.Record, cause string) {
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
	add(&w.input, r.Usage.Input)
	add(&w.output, r.Usage.Output)
	if !r.Usage.Input.Known && processed(r) {
		w.untold++
	}
}

func add(to *exchange.Count, c exchange.Count) {
	if c.Known {
		*to = exchange.Known(to.N + c.N)
	}
}

// processed tells whether the upstream may have begun to work on the prompt of a
// failed attempt: it had all of it, and did not turn it away.
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
