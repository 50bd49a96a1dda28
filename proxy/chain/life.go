package chain

import "github.com/headway-sidecar/headway/proxy/exchange"

// begin joins a new attempt to a chain that waits for one, or begins a chain.
func (j *Joiner) begin(r *exchange.Record) *attempt {
	a := j.spare.attempt()
	a.start = r.Start.Sub(j.epoch)
	a.trail = j.trail(r)
	found := j.find(a)
	if found.chain == nil {
		j.open(a)
		return a
	}
	j.silent.remove(found.chain)
	a.by, a.fallback, a.ambiguous = found.by, found.fallback, found.ambiguous
	j.fly(found.chain, a)
	return a
}

// open begins a chain with a.
func (j *Joiner) open(a *attempt) {
	c := j.spare.chain()
	j.lastID = max(1, j.lastID+1)
	c.id, c.start, c.trail, c.trace = j.lastID, a.start, a.trail, a.trail.trace
	j.ages.add(c)
	j.index.add(c)
	j.size += chainSize
	j.fly(c, a)
}

// fly puts a under way in c. Its ticket stays, should it have been in another.
func (j *Joiner) fly(c *chain, a *attempt) {
	c.begun++
	a.chain, a.number, a.next = c, int(c.begun), c.flights
	c.flights = a
	if a.ticket == (ticket{}) {
		c.tickets++
		a.ticket = ticket{c.id, int(c.tickets)}
	}
	j.flights[a.ticket] = a
}

// land takes a, which ended, out of what is under way.
func (j *Joiner) land(a *attempt) {
	delete(j.flights, a.ticket)
	for at := &a.chain.flights; *at != nil; at = &(*at).next {
		if *at == a {
			*at = a.next
			return
		}
	}
}

// end books the end of a, and sets the Attempt of r. It returns the chain if that
// is over.
func (j *Joiner) end(a *attempt, r *exchange.Record) (exchange.Chain, bool) {
	c := a.chain
	j.land(a)
	r.Attempt = exchange.Attempt{
		Chain: c.id, Number: a.number, JoinedBy: a.by.String(),
		Fallback: a.fallback, Ambiguous: a.ambiguous, Elapsed: a.start - c.start,
	}
	a.share(c, r)
	fate := judge(r)
	first := fate == answered && c.begun == 1
	if !first { // else nothing of it is asked for again
		j.book(c, a, r, fate)
	}
	j.spare.putAttempt(a)
	switch {
	case first:
		r.Attempt.Outcome = exchange.FirstTry
	case c.flights != nil:
		return exchange.Chain{}, false
	case c.answered:
		r.Attempt.Outcome = exchange.Recovered
	case fate == final || j.closed || !c.joinable() || c.end-c.start > j.maxAge:
		r.Attempt.Outcome = c.outcome()
	default:
		j.wait(c)
		return exchange.Chain{}, false
	}
	over := j.summary(c, r, false)
	if !first {
		j.remember(c, &over)
	}
	j.forget(c)
	return over, true
}

// share puts a into the trace of its chain, unless its client or its upstream knows it
// by another.
func (a *attempt) share(c *chain, r *exchange.Record) {
	switch {
	case a.trail.traced:
	case r.Span.Told, c.trace == (exchange.TraceID{}):
		a.trail.trace = r.Span.Trace
	default:
		r.Span.Trace, a.trail.trace = c.trace, c.trace
	}
}

// wait leaves c open for another attempt: one that has begun already, or one that
// may come until its window is over.
func (j *Joiner) wait(c *chain) {
	c.deadline = c.end + c.window().latest
	if !j.adopt(c) {
		j.silent.add(c)
		j.rouse()
	}
}

// adopt finds the next attempt of c among chains of a single one that has begun
// since c's last attempt ended: the end of an exchange may be told after the
// beginning of the next.
func (j *Joiner) adopt(c *chain) bool {
	var next *attempt
	var by evidence
	fit := 0
	for other := range j.index.all(c.trail.request^fresh, c.trail.id^fresh) {
		a := other.flights
		if a == nil || a.next != nil || a == next {
			continue
		}
		if e := j.evidence(c, a); e != none && a.start >= c.end {
			fit++
			if next == nil || a.start < next.start {
				next, by = a, e
			}
		}
	}
	if next == nil {
		return false
	}
	next.by, next.fallback, next.ambiguous = by, j.fellBack(c, next), fit > 1
	j.forget(next.chain)
	j.fly(c, next)
	return true
}

// forget drops c, which is over or was merged into another.
func (j *Joiner) forget(c *chain) {
	j.silent.remove(c)
	j.index.remove(c)
	j.ages.remove(c)
	j.size -= c.size()
	j.kinds.drop(c.kind)
	j.spare.putChain(c)
	if j.ages.n == 0 && j.index.shrink() {
		j.flights, j.silent = map[ticket]*attempt{}, queue{}
	}
}

// abandon closes c as if no other attempt could come. One that is under way
// becomes a chain of its own when it ends.
func (j *Joiner) abandon(c *chain, over []exchange.Chain) []exchange.Chain {
	for a := c.flights; a != nil; {
		next := a.next
		delete(j.flights, a.ticket)
		j.spare.putAttempt(a)
		a = next
	}
	c.flights = nil
	if c.ended > 0 {
		closed := j.summary(c, nil, true)
		j.remember(c, &closed)
		over = append(over, closed)
	}
	j.forget(c)
	return over
}

// evict closes the oldest chains beyond the bounds.
func (j *Joiner) evict() []exchange.Chain {
	var over []exchange.Chain
	for j.ages.n > 1 && (j.ages.n > j.maxOpen || j.size+j.kinds.size > j.maxSize) {
		if j.evicted++; j.evicted == 1 {
			j.log.Warn("chains are closed before their time: too many are open", "open", j.ages.n)
		}
		over = j.abandon(j.ages.oldest, over)
	}
	return over
}
