package chain

import "github.com/headway-sidecar/headway/proxy/exchange"

// guessed reports whether a was joined as a fallback for the question and the time alone. A
// fallback in one trace is no guess.
func (a *attempt) guessed() bool { return a.by == byConversation && a.fallback && !a.certain }

// failedToo reports whether an attempt brought its client nothing.
func failedToo(r *exchange.Record, f fate) bool {
	return f != answered && (r.Outcome != exchange.ClientGone || !readByClient(r))
}

// part takes a, which is under way, out of its chain and gives it a chain of its own. The
// chain goes on as if a had not come. Several models that fail one after the other are
// several calls, unless an identifier or a trace joins them.
func (j *Joiner) part(a *attempt) {
	c := a.chain
	j.leave(a)
	if c.flights == nil {
		j.wait(c)
	}
}

// leave takes a out of its chain and opens one for it.
func (j *Joiner) leave(a *attempt) {
	c := a.chain
	j.land(a)
	if c.begun == int32(a.number) {
		c.begun--
	}
	a.by, a.fallback, a.ambiguous, a.certain = none, false, false, false
	j.open(a)
}

// dislodge opens a chain for each attempt that weak evidence has put under way in c,
// when strong evidence, by, joins another attempt to c.
func (j *Joiner) dislodge(c *chain, by evidence) {
	if by > byCount || c.ended == 0 {
		return
	}
	for a := c.flights; a != nil; {
		next := a.next
		if a.by > byCount {
			j.leave(a)
		}
		a = next
	}
}
