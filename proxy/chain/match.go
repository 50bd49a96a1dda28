package chain

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// found is the chain that an attempt goes on with; chain is nil when it begins one.
type found struct {
	chain               *chain
	by                  evidence
	fallback, ambiguous bool
}

// find looks for the chain that a goes on with: the one with the strongest evidence;
// among equals one of the same trace, then one that the SDK's own back-off fits, then
// the one that has waited longest.
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

// keys returns the keys under which the index lists the chains that a may go on with.
// To go on with a chain whose only attempt is under way takes an identifier or a
// number.
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

// rank orders the chains that a may go on with: higher is likelier.
func (c *chain) rank(a *attempt, by evidence) int {
	rank := 8 * int(endEvidence-by)
	if a.trail.sameTrace(&c.trail) {
		rank += 4
	}
	if c.ended > 0 {
		rank += 2
		if c.window().expects(a.start - c.end) {
			rank++
		}
	}
	return rank
}

// evidence returns the strongest evidence that joins a to c, or none.
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

// named reports whether a has the identifier of c. A sole identifier is enough. Any
// other may be the application's, which hands it on to all that it calls: then it takes
// the same question as well, and a failure before.
func (c *chain) named(a *attempt) bool {
	t := &a.trail
	if t.id == 0 || t.id != c.trail.id || t.source != c.trail.source {
		return false
	}
	return sdk.Identifying(t.source).Strength == sdk.Sole || (c.waits(a) && t.alike(&c.trail))
}

// counted reports whether a has the number after that of c's last attempt. The last
// attempt need not have ended: a client that gave up may come back before headway has
// noticed its leaving. A fleeting identifier that differs says nothing against a.
func (c *chain) counted(a *attempt) bool {
	t := &a.trail
	if t.retries <= 0 || t.request == 0 || t.request != c.trail.request || !t.sameClient(&c.trail) ||
		(t.apart(&c.trail) && sdk.Identifying(t.source).Strength != sdk.Fleeting) {
		return false
	}
	before := c.ended > 0 && c.trail.retries == t.retries-1
	for f := c.flights; f != nil; f = f.next {
		switch {
		case f.by > byCount: // dislodge moves it out of c
		case f.trail.retries >= t.retries:
			return false
		case f.trail.retries == t.retries-1 && f.start < a.start:
			before = true
		}
	}
	return before
}

// repeated reports whether a is the same request as the last attempt of c, which
// failed, and comes when the client may send it again.
func (c *chain) repeated(a *attempt) bool {
	t := &a.trail
	if t.request == 0 || t.request != c.trail.request || !t.sameClient(&c.trail) || !c.waits(a) ||
		t.apart(&c.trail) || t.otherTrace(&c.trail) || !c.uncounted(a) {
		return false
	}
	return a.start-c.end >= c.window().earliest
}

// uncounted reports whether the client's numbers say nothing against a. An SDK that
// numbers its attempts would have given its own retry the next number; a loop round the
// SDK gets its turn when the SDK has given up.
func (c *chain) uncounted(a *attempt) bool {
	have, want := a.trail.retries, c.trail.retries+1
	switch client := sdk.Of(c.trail.client); {
	case have > 0:
		return have == want
	case have < 0 || want <= 0 || !client.OnlyCounts() || want > int32(client.Retries) || c.midStream || c.renews:
		return true
	}
	return a.start-c.end > c.window().to
}

// asksAgain reports whether a puts the question of c, whose last attempt failed, to
// another model or upstream, and answers that failure. It may also put it to the same, in
// a request that differs in something else: then only at a time when the client's SDK
// would have sent it.
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
		return t.sameTrace(&c.trail) || c.answers(a)
	}
	return t.sameClient(&c.trail) && t.request != c.trail.request && c.window().expects(a.start-c.end) && c.uncounted(a)
}

// answers reports whether a, which asks another model or upstream and shares no
// identifier with c, is the reaction to the failure of c. An application may put one
// question to several models for many reasons, and a loop in a shell does. A router that
// falls back does so at once, and calls the models with an SDK. So both must come from SDKs
// that headway knows, and from the same client, unless a goes to another provider; and a no
// later than that client would first try again. If a fails too, it was no answer to the
// failure: part undoes the join.
func (c *chain) answers(a *attempt) bool {
	t := &a.trail
	if t.client == sdk.Unknown || c.trail.client == sdk.Unknown {
		return false
	}
	if !t.sameClient(&c.trail) && t.upstream == c.trail.upstream {
		return false
	}
	return a.start-c.end <= backOff(sdk.Of(c.trail.client), 1).to
}

// fellBack reports whether a asks another model or upstream than the last attempt of c.
func (j *Joiner) fellBack(c *chain, a *attempt) bool {
	return a.trail.model != c.trail.model || a.trail.upstream != c.trail.upstream
}

// waits reports whether c waited for another attempt when a began: its last attempt had
// failed, and none had begun since.
func (c *chain) waits(a *attempt) bool { return c.ended > 0 && c.flights == nil && c.end <= a.start }
