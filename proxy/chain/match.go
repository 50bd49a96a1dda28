package chain

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// found is the chain that an attempt belongs to; none when it begins one.
type found struct {
	chain               *chain
	by                  evidence
	fallback, ambiguous bool
}

// find looks for the chain that a goes on with: the one with the strongest
// evidence; among equals one whose trace is the same, then one that the client's
// own back-off fits, then the one that has waited longest.
func (j *Joiner) find(a *attempt) found {
	var best found
	var rank int
	for c := range j.index.all(a.keys()) {
		by := j.evidence(c, a)
		if by == none || c == best.chain {
			continue
		}
		r := c.rank(a, by)
		switch {
		case best.chain == nil, r > rank:
			best, rank = found{chain: c, by: by}, r
		case r == rank:
			if c.end < best.chain.end {
				best.chain = c
			}
			best.ambiguous = true
		}
	}
	if best.chain != nil {
		best.fallback = j.fellBack(best.chain, a)
		j.dislodge(best.chain, best.by)
	}
	return best
}

// keys are where a chain that a goes on with is listed. One whose only attempt is
// under way takes an identifier or a number to be gone on with.
func (a *attempt) keys() (failed, named, asked, freshNamed, freshCounted exchange.Fingerprint) {
	t := &a.trail
	if t.id != 0 {
		freshNamed = t.id ^ fresh
	}
	if t.retries > 0 && t.request != 0 {
		freshCounted = t.request ^ fresh
	}
	return t.request, t.id, t.conversation, freshNamed, freshCounted
}

// rank orders chains that a could belong to: higher is likelier.
func (c *chain) rank(a *attempt, by evidence) int {
	rank := 8 * int(endEvidence-by)
	if a.trail.sameTrace(&c.trail) {
		rank += 4
	}
	if c.ended > 0 {
		rank += 2
		if w, gap := c.window(), a.start-c.end; gap >= w.sharp && gap <= w.blunt {
			rank++
		}
	}
	return rank
}

// evidence is the strongest that joins a to c, or none.
func (j *Joiner) evidence(c *chain, a *attempt) evidence {
	switch t := &a.trail; {
	case a.start < c.start || (c.flights == nil && a.start > c.deadline):
		return none
	case c.named(a):
		return evidence(t.source)
	case c.counted(a):
		return byCount
	case c.repeated(a) && t.sameTrace(&c.trail):
		return byTrace
	case c.repeated(a):
		return byFingerprint
	case j.asksAgain(c, a):
		return byConversation
	}
	return none
}

// named tells that a has the identifier of c. One that is made to name a call is
// enough, whatever else is known; any other is often handed on by an application to
// all that it calls, so that it takes the same question and a failure before.
func (c *chain) named(a *attempt) bool {
	t := &a.trail
	if t.id == 0 || t.id != c.trail.id || t.source != c.trail.source {
		return false
	}
	return sdk.Identifying(t.source).Strength == sdk.Sole || (c.waits(a) && t.alike(&c.trail))
}

// counted tells that a is numbered as the attempt after the last of c. That one
// need not have ended: a client that gave up may come back before its leaving
// was noticed. A fleeting identifier that differs says nothing against it.
func (c *chain) counted(a *attempt) bool {
	t := &a.trail
	if t.retries <= 0 || t.request == 0 || t.request != c.trail.request || t.client != c.trail.client ||
		(t.apart(&c.trail) && sdk.Identifying(t.source).Strength != sdk.Fleeting) {
		return false
	}
	before := c.ended > 0 && c.trail.retries == t.retries-1
	for f := c.flights; f != nil; f = f.next {
		switch {
		case f.by > byCount: // which is to give way
		case f.trail.retries >= t.retries:
			return false
		case f.trail.retries == t.retries-1 && f.start < a.start:
			before = true
		}
	}
	return before
}

// repeated tells that a is the same request as the last of c, which failed, and
// comes when the client may send it again.
func (c *chain) repeated(a *attempt) bool {
	t := &a.trail
	if t.request == 0 || t.request != c.trail.request || t.client != c.trail.client || !c.waits(a) ||
		t.apart(&c.trail) || t.otherTrace(&c.trail) || !c.uncounted(a) {
		return false
	}
	return a.start-c.end >= c.window().earliest
}

// uncounted tells that the numbers that a client gives its attempts do not speak
// against a. A library that numbers them would have numbered this one as the next
// if it were its own; what wraps the library gets its turn when that has given up.
func (c *chain) uncounted(a *attempt) bool {
	have, want := a.trail.retries, c.trail.retries+1
	switch client := sdk.Of(c.trail.client); {
	case have > 0:
		return have == want
	case have < 0 || want <= 0 || !client.OnlyCounts() || want > int32(client.Retries) || c.midStream || c.renews:
		return true
	}
	w := c.window()
	return a.start-c.end > w.blunt
}

// asksAgain tells that a asks the same of another model or upstream, after c's
// attempt failed, or the same again with something else about it that has changed:
// then only when the client's own library would have sent it.
func (j *Joiner) asksAgain(c *chain, a *attempt) bool {
	t := &a.trail
	if t.conversation == 0 || t.conversation != c.trail.conversation || !c.waits(a) || t.otherTrace(&c.trail) ||
		(t.apart(&c.trail) && !t.sameTrace(&c.trail)) {
		return false
	}
	if t.retries > 0 && t.retries != c.trail.retries+1 {
		return false
	}
	if j.fellBack(c, a) {
		return true
	}
	w, gap := c.window(), a.start-c.end
	return t.client == c.trail.client && t.request != c.trail.request && gap >= w.sharp && gap <= w.blunt && c.uncounted(a)
}

// fellBack tells that a asks another model or upstream than the last of c.
func (j *Joiner) fellBack(c *chain, a *attempt) bool {
	return a.trail.model != c.trail.model || a.trail.upstream != c.trail.upstream
}

// waits tells that c's last attempt had failed when a began, and no other has
// begun since.
func (c *chain) waits(a *attempt) bool { return c.ended > 0 && c.flights == nil && c.end <= a.start }

// dislodge makes a chain of its own of each attempt that is under way in c by
// weaker evidence than that which now joins another.
func (j *Joiner) dislodge(c *chain, by evidence) {
	if by > byCount || c.ended == 0 {
		return
	}
	for a := c.flights; a != nil; {
		next := a.next
		if a.by > byCount {
			j.land(a)
			if c.begun == int32(a.number) {
				c.begun--
			}
			a.by, a.fallback, a.ambiguous = none, false, false
			j.open(a)
		}
		a = next
	}
}
