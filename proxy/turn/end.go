package turn

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// end books the end of f, sets the Turn of r, and appends the turn to over if that is over.
func (j *Joiner) end(f *flight, r *exchange.Record, over []exchange.WholeTurn) []exchange.WholeTurn {
	if f.alone {
		over = j.rejoin(f, r, over)
	}
	s := f.session
	end := f.start + r.Timing.End
	j.land(f)
	s.model += j.modelTime(s, end)
	s.end = max(s.end, end)
	j.shareTrace(s, r)
	if s.open {
		r.Turn = exchange.Turn{
			Session: s.id, ID: s.turn(), Call: int(f.call), JoinedBy: f.by.String(), Ambiguous: f.unclear, Parent: s.parentOf(r),
		}
	}
	if r.Attempt.Chain != 0 {
		j.moved[r.Attempt.Chain] = placed{trace: r.Span.Trace, turn: r.Turn}
	}
	s.kind = j.kindOf(r)
	s.result = result{
		status: int16(r.Status), outcome: uint8(max(0, slices.Index(outcomes, r.Outcome))), error: j.errorOf(r.ErrorType), stream: r.Stream,
	}
	main := f.main // before f is used again
	chain := exchange.Fingerprint(r.Attempt.Chain)
	again := r.Outcome != exchange.OK && r.Attempt.Outcome == "" && chain != 0
	j.index.removeIf(s, func(n *node) bool { return n.kind == chainNode && n.hash == hash(chainNode, chain) })
	switch {
	case r.Outcome == exchange.OK && r.CallsTools():
		j.wait(s, f, r, end)
	case r.Outcome == exchange.OK:
		s.answered, s.first, s.result.final = end, 0, true
		if r.Stream && r.TTFA() > 0 {
			s.first = f.start + r.TTFA() - s.start
		}
		j.setLane(s, f, r, answeredLane)
	case again:
		s.retrying++
		j.index.add(s, chainNode, chain, failedLane)
		j.setLane(s, f, r, flyingLane)
	default:
		j.setLane(s, f, r, failedLane)
	}
	s.touched = j.now()
	j.sessions.touch(s)
	j.putFlight(f)
	return j.settle(s, main, end, over)
}

// wait books that the response of f called tools.
func (j *Joiner) wait(s *session, f *flight, r *exchange.Record, end time.Duration) {
	s.forced = r.Thread.Forced
	s.toolCalls += int32(max(1, len(r.Thread.Calls)))
	for _, call := range r.Thread.Calls {
		j.index.add(s, callNode, call, waitingLane)
	}
	j.setLane(s, f, r, waitingLane)
	for of := s.flights; of != nil; of = of.next {
		if of.early && of.start >= end {
			of.early = false
			return
		}
	}
	s.waiting++
}

// setLane books how far f, which has ended, has come.
func (j *Joiner) setLane(s *session, f *flight, r *exchange.Record, state lane) {
	if n := j.index.node(s, wholeNode, f.whole); n != nil {
		n.state = state
	}
	j.index.add(s, answerNode, r.Thread.Response, state)
}

// settle ends the turn of s if it is over, now that one of its exchanges has ended.
func (j *Joiner) settle(s *session, main bool, end time.Duration, over []exchange.WholeTurn) []exchange.WholeTurn {
	switch {
	case s.fleet, j.closed:
		return j.close(s, over, s.ended(), false)
	case s.flying == 0 && s.retrying == 0 && (s.waiting == 0 || main && s.result.final):
		return j.close(s, over, s.ended(), false)
	case s.flying > 0 && s.waiting == 0 && s.retrying == 0 && s.result.final && s.only(end):
		return j.split(s, over)
	}
	return over
}

// only reports whether all exchanges under way put a human's message and have begun after
// the moment end: the Joiner may get the end of an exchange after the beginning of the next.
func (s *session) only(end time.Duration) bool {
	for f := s.flights; f != nil; f = f.next {
		if !f.human || f.start < end {
			return false
		}
	}
	return true
}

// split ends the turn of s before the exchanges under way, which become the next turn.
func (j *Joiner) split(s *session, over []exchange.WholeTurn) []exchange.WholeTurn {
	flights := s.flights
	s.flights, s.flying = nil, 0
	first := flights
	n := int32(0)
	for f := flights; f != nil; f = f.next {
		n++
		if f.start < first.start {
			first = f
		}
	}
	s.calls, s.attempts = max(1, s.calls-n), max(1, s.attempts-n)
	over = j.close(s, over, s.ended(), false)
	j.openTurn(s, first, &exchange.Record{Span: exchange.Span{Trace: newTrace(j, first)}})
	for f := flights; f != nil; {
		next := f.next
		s.calls++
		f.call, f.main = s.calls, f == first
		s.take(f, false)
		f = next
	}
	s.busy = first.start
	return over
}

// modelTime returns the time in which exchanges of s were under way, when one has ended. If
// those that are still under way began later, the time between is that of tools.
func (j *Joiner) modelTime(s *session, end time.Duration) time.Duration {
	if s.flying == 0 {
		return max(0, end-s.busy)
	}
	next := s.flights.start
	for f := s.flights; f != nil; f = f.next {
		next = min(next, f.start)
	}
	if next <= end {
		return 0
	}
	busy := max(0, end-s.busy)
	s.tool += next - end
	s.busy = next
	return busy
}

// land takes f out of the exchanges under way.
func (j *Joiner) land(f *flight) {
	delete(j.flights, f.span)
	for at := &f.session.flights; *at != nil; at = &(*at).next {
		if *at == f {
			*at = f.next
			f.session.flying--
			return
		}
	}
}

// withdraw takes back an exchange that turned out to be none: it switched protocols.
func (j *Joiner) withdraw(span exchange.SpanID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.flights[span]
	if f == nil {
		return
	}
	s := f.session
	j.land(f)
	s.attempts--
	if s.attempts == 0 {
		j.cancel(s)
	}
	j.putFlight(f)
}

// giveUp books that no other attempt of a call will come.
func (j *Joiner) giveUp(c *exchange.Chain) []exchange.WholeTurn {
	for n := range j.index.all(chainNode, exchange.Fingerprint(c.ID)) {
		s := j.sessions.at(n.session)
		h, failed := n.hash, n.state == failedLane
		j.index.removeIf(s, func(n *node) bool { return n.kind == chainNode && n.hash == h })
		if !s.open || s.retrying == 0 || !failed {
			return nil
		}
		s.retrying--
		if s.flying == 0 && s.waiting == 0 && s.retrying == 0 {
			return j.close(s, nil, s.ended(), true)
		}
		return nil
	}
	return nil
}

// rejoin looks once more for the session of f, which opened one of its own: the end of the
// exchange that it goes on with may have come after its beginning.
func (j *Joiner) rejoin(f *flight, r *exchange.Record, over []exchange.WholeTurn) []exchange.WholeTurn {
	own := f.session
	if own.attempts != 1 || own.flying != 1 || r.Thread.Result == 0 && r.Thread.Follows == 0 {
		return over
	}
	own.fleet = true // so that find passes it over
	found := j.find(r)
	own.fleet = false
	if found.session == nil || found.session == own {
		return over
	}
	j.land(f)
	j.cancel(own)
	j.index.removeIf(own, func(*node) bool { return true })
	j.sessions.drop(own)
	s := found.session
	f.by, f.unclear, f.alone = found.by, found.ambiguous, false
	if s.open && j.renews(s, f, r) {
		over = j.close(s, over, s.ended(), true)
	}
	if !s.open {
		j.openTurn(s, f, r)
	}
	j.launch(s, f, r)
	return over
}

// maxErrors bounds the error types that a Joiner tells apart.
const maxErrors = 1024

// errorOf returns the place of an error type in j.errors; that of ErrOther when there is no
// room for another.
func (j *Joiner) errorOf(e exchange.ErrorType) uint16 {
	if e == "" {
		return 0
	}
	at := slices.Index(j.errors, e)
	if at < 0 && len(j.errors) < maxErrors {
		at = len(j.errors)
		j.errors = append(j.errors, e)
	}
	return uint16(max(1, at))
}
