package chain

import "github.com/headway-sidecar/headway/proxy/exchange"

// begin joins a new attempt to the chain that it goes on with, or opens a chain.
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
	a.certain = a.trail.sameTrace(&found.chain.trail)
	j.launch(found.chain, a)
	return a
}

// open opens a chain with a as its first attempt.
func (j *Joiner) open(a *attempt) {
	c := j.spare.chain()
	j.lastID = max(1, j.lastID+1)
	c.id, c.start, c.trail, c.trace = j.lastID, a.start, a.trail, a.trail.trace
	j.ages.add(c)
	j.index.add(c)
	j.size += chainSize
	j.launch(c, a)
}

// launch puts a under way in c. An attempt that was under way in another chain keeps
// its ticket.
func (j *Joiner) launch(c *chain, a *attempt) {
	c.begun++
	a.chain, a.number, a.next = c, int(c.begun), c.flights
	c.flights = a
	if a.ticket == (ticket{}) {
		c.tickets++
		a.ticket = ticket{c.id, int(c.tickets)}
	}
	j.flights[a.ticket] = a
}

// land takes a out of the attempts under way.
func (j *Joiner) land(a *attempt) {
	delete(j.flights, a.ticket)
	for at := &a.chain.flights; *at != nil; at = &(*at).next {
		if *at == a {
			*at = a.next
			return
		}
	}
}

// withdraw takes back an attempt that turned out to be none: the exchange switched
// protocols after it had begun. Its chain goes on as if the exchange had not come.
func (j *Joiner) withdraw(begun exchange.Attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	a := j.flights[ticket{begun.Chain, begun.Number}]
	if a == nil {
		return
	}
	c := a.chain
	j.land(a)
	if c.begun == int32(a.number) {
		c.begun--
	}
	j.spare.putAttempt(a)
	switch {
	case c.flights != nil:
	case c.ended == 0:
		j.forget(c)
	default:
		j.wait(c)
	}
}

// end books the end of a, and sets the Attempt of r. It returns the chain if that
// is over.
func (j *Joiner) end(a *attempt, r *exchange.Record) (exchange.Chain, bool) {
	fate := fateOf(r)
	if a.guessed() && failedToo(r, fate) {
		j.part(a)
	}
	c := a.chain
	j.land(a)
	r.Attempt = exchange.Attempt{
		Chain: c.id, Number: a.number, JoinedBy: a.by.String(),
		Fallback: a.fallback, Ambiguous: a.ambiguous, Elapsed: a.start - c.start,
	}
	a.shareTrace(c, r)
	if fate == answered && c.begun == 1 {
		r.Attempt.Outcome = exchange.FirstTry // which needs nothing of the Record
	} else {
		j.book(c, a, r, fate)
		r.Attempt.Outcome = j.outcome(c, fate)
	}
	j.spare.putAttempt(a)
	if r.Attempt.Outcome == "" {
		if c.flights == nil {
			j.wait(c)
		}
		return exchange.Chain{}, false
	}
	over := j.summary(c, r, false)
	if over.Outcome != exchange.FirstTry {
		j.remember(c, &over)
	}
	j.forget(c)
	return over, true
}

// outcome returns the outcome of c when its last attempt has ended as fate says; empty
// while another attempt is under way or may come.
func (j *Joiner) outcome(c *chain, fate fate) exchange.ChainOutcome {
	switch {
	case c.flights != nil:
		return ""
	case c.answered:
		return exchange.Recovered
	case fate == final || j.closed || !c.joinable() || c.end-c.start > j.maxAge:
		return c.failure()
	}
	return ""
}

// shareTrace puts a into the trace of its chain, unless its client or its upstream
// knows it by another trace.
func (a *attempt) shareTrace(c *chain, r *exchange.Record) {
	switch {
	case a.trail.traced:
	case r.Span.Told, c.trace == (exchange.TraceID{}):
		a.trail.trace = r.Span.Trace
	default:
		r.Span.Trace, a.trail.trace = c.trace, c.trace
	}
}

// wait leaves c open for another attempt, which has begun already or may come until the
// window of c is over.
func (j *Joiner) wait(c *chain) {
	c.deadline = c.end + c.window().latest
	if !j.adopt(c) {
		j.silent.add(c)
		j.setAlarm()
	}
}

// adopt looks for the next attempt of c among the chains of a single attempt that has
// begun since c's last attempt ended: the Joiner may get the end of an exchange after
// the beginning of the next.
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
	next.certain = next.trail.sameTrace(&c.trail)
	j.forget(next.chain)
	j.launch(c, next)
	return true
}

// forget drops c, which is over or has become a part of another chain.
func (j *Joiner) forget(c *chain) {
	j.silent.remove(c)
	j.index.remove(c)
	j.ages.remove(c)
	j.size -= c.size()
	j.kinds.release(c.kind)
	j.spare.putChain(c)
	if j.ages.n == 0 && j.index.shrink() {
		j.flights, j.silent = map[ticket]*attempt{}, queue{}
	}
}

// abandon closes c as if no other attempt could come, and appends it to over if an
// attempt of it has ended. One that is under way becomes a chain of its own when it
// ends.
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
