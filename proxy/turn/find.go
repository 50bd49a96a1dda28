package turn

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/sdk"
)

// found is the session that an exchange belongs to; session is nil when it begins one.
type found struct {
	session   *session
	by        evidence
	ambiguous bool
}

// find looks for the session of r by the strongest evidence.
func (j *Joiner) find(r *exchange.Record) found {
	th := &r.Thread
	if r.Attempt.Number > 1 {
		for n := range j.index.all(chainNode, exchange.Fingerprint(r.Attempt.Chain)) {
			return found{session: j.sessions.at(n.session), by: byChain}
		}
	}
	for _, m := range th.Marks {
		if !sdk.Marking(m.By).Alone {
			continue
		}
		for n := range j.index.all(markNode, named(m)) {
			if s := j.sessions.at(n.session); !s.fleet && !s.apart(th) {
				return found{session: s, by: byMark}
			}
		}
	}
	agent := uint32(r.Call.Agent)
	if f := j.pick(answerNode, th.Follows, th, agent, byResponse); f.session != nil {
		return f
	}
	goesOn := j.pick(wholeNode, th.Before, th, agent, byMessages)
	if s := goesOn.session; s != nil && !goesOn.ambiguous && j.index.node(s, callNode, th.Result) != nil {
		return found{session: s, by: byResult}
	}
	if f := j.pick(callNode, th.Result, th, agent, byResult); f.session != nil && !f.ambiguous {
		if goesOn.session != nil && !goesOn.ambiguous {
			f.session = goesOn.session // some servers number the calls of every response from 0
		}
		return f
	}
	if goesOn.session != nil {
		return goesOn
	}
	if f := j.pick(stemNode, th.Stem, th, agent, byBranch); f.session != nil {
		return f
	}
	return j.traced(r)
}

// pick returns the session with that node that fits th best: one that shares a mark, then
// one whose last messages th goes on with, then one of the same client, then the one that has
// rested longest. Messages alone join no other client's exchange.
func (j *Joiner) pick(k nodeKind, of exchange.Fingerprint, th *exchange.Thread, agent uint32, by evidence) (best found) {
	score := -1
	for n := range j.index.all(k, of) {
		s := j.sessions.at(n.session)
		same := s.agent == agent
		if s.fleet || s.apart(th) || !same && k != callNode && k != answerNode {
			continue
		}
		fits := 0
		if s.agrees(th) {
			fits += 4
		}
		if k != wholeNode && j.index.node(s, wholeNode, th.Before) != nil {
			fits += 2
		}
		if same {
			fits++
		}
		switch {
		case fits > score:
			best, score = found{session: s, by: by}, fits
		case fits == score && s != best.session:
			best.ambiguous = true
			if s.touched < best.session.touched {
				best.session = s
			}
		}
	}
	return best
}

// traced returns the session with an open turn in the trace of r's client.
func (j *Joiner) traced(r *exchange.Record) found {
	if r.Trace.TraceID == "" {
		return found{}
	}
	for n := range j.index.all(traceNode, traceOf(r)) {
		s := j.sessions.at(n.session)
		if s.open && !s.fleet && !s.apart(&r.Thread) && (s.flying > 0 || s.waiting > 0) {
			return found{session: s, by: byTrace}
		}
	}
	return found{}
}

// traceOf is the fingerprint of the client's trace.
func traceOf(r *exchange.Record) exchange.Fingerprint {
	return exchange.FingerprintOf(r.Span.Trace[:])
}
