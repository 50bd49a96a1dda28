package turn

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// maxFlights is how many exchanges of one session may be under way at once. A name that
// more share is that of many sessions: a client that gives all its users one.
const maxFlights = 64

// begin joins r to its session, or opens one, and to the turn that it belongs to. It appends
// the turn that r shows to be over.
func (j *Joiner) begin(r *exchange.Record, over []exchange.WholeTurn) (*flight, []exchange.WholeTurn) {
	f := j.newFlight()
	f.span, f.start, f.whole = r.Span.ID, r.Start.Sub(j.epoch), r.Thread.Whole
	found := j.find(r)
	s := found.session
	if s != nil && found.by == byMark && s.flying >= maxFlights {
		over = j.share(s, over)
		found = j.find(r)
		s = found.session
	}
	f.by, f.unclear = found.by, found.ambiguous
	if s == nil {
		s = j.open(r)
		f.alone = true
	}
	j.remark(s, &r.Thread)
	if s.open && j.renews(s, f, r) {
		over = j.close(s, over, s.ended(), true)
	}
	if !s.open {
		j.openTurn(s, f, r)
	}
	j.launch(s, f, r)
	return f, over
}

// open opens a session for r.
func (j *Joiner) open(r *exchange.Record) *session {
	s := j.sessions.open()
	j.lastID = max(1, j.lastID+1)
	s.id, s.agent = exchange.SessionID(j.lastID), uint32(r.Call.Agent)
	if !j.set && !j.closed {
		j.set = true
		j.alarm.Reset(j.maxIdle)
	}
	return s
}

// renews reports whether the exchange, which belongs to s, begins another turn than the
// one that is open.
func (j *Joiner) renews(s *session, f *flight, r *exchange.Record) bool {
	th := &r.Thread
	switch {
	case f.by == byChain, f.by == byTrace, th.Speaker == exchange.Tool:
		return false
	case s.flying == 0 && s.waiting == 0 && s.retrying > 0 && th.Whole != 0 && uint32(th.Whole) == s.whole:
		return false // an application's own loop tries again
	}
	switch j.laneOf(s, th) {
	case answeredLane, waitingLane, failedLane: // the human speaks where the model has spoken
		return true
	}
	return s.flying == 0 && s.waiting == 0
}

// laneOf returns how far the exchange has come that th goes on with.
func (j *Joiner) laneOf(s *session, th *exchange.Thread) lane {
	if n := j.index.node(s, wholeNode, th.Before); n != nil {
		return n.state
	}
	if n := j.index.node(s, answerNode, th.Follows); n != nil {
		return n.state
	}
	return unknownLane
}

// openTurn opens a turn of s, which f begins.
func (j *Joiner) openTurn(s *session, f *flight, r *exchange.Record) {
	s.open, s.start, s.turns = true, f.start, s.turns+1
	s.busy, s.end, s.model, s.tool, s.answered, s.first = f.start, 0, 0, 0, 0, 0 // one of the turn before may be under way
	s.calls, s.attempts, s.toolCalls, s.overlap, s.waiting, s.retrying = 0, 0, 0, 0, 0, 0
	s.joined, s.result, s.ambiguous, s.forced, s.main = 0, result{}, false, false, uint32(f.whole)
	s.traced, s.sampled, s.parent = r.Trace.TraceID != "", r.Trace.Sampled, exchange.SpanID{}
	s.trace = r.Span.Trace
	if s.traced {
		s.parent = parentOf(r)
		j.index.add(s, traceNode, traceOf(r), unknownLane)
	}
	j.sessions.turns++
}

// launch puts f under way in s.
func (j *Joiner) launch(s *session, f *flight, r *exchange.Record) {
	th := &r.Thread
	f.human = th.Speaker != exchange.Tool && f.by != byChain
	f.main = uint32(f.whole) == s.main || th.Before != 0 && uint32(th.Before) == s.main
	if f.main {
		s.main = uint32(f.whole)
	}
	chain := exchange.Fingerprint(r.Attempt.Chain)
	slept := s.retrying > 0 && s.waiting == 0
	if n := j.index.node(s, chainNode, chain); n != nil && n.state == failedLane {
		s.retrying = max(0, s.retrying-1)
	}
	if s.flying == 0 && s.waiting == 0 && f.by != byChain {
		s.retrying = 0 // the client has begun anew
	}
	j.index.removeIf(s, func(n *node) bool { return n.kind == wholeNode && n.hash == hash(wholeNode, th.Before) })
	j.index.add(s, chainNode, chain, flyingLane)
	j.index.add(s, wholeNode, f.whole, flyingLane)
	j.index.add(s, stemNode, th.Stem, unknownLane)
	s.whole = uint32(f.whole)
	if f.by != byChain {
		s.calls++
	}
	f.call = s.calls
	if th.Speaker == exchange.Tool && f.by != byChain {
		j.bring(s, f)
	}
	s.take(f, slept)
	j.flights[f.span] = f
	j.sessions.touch(s)
	s.touched = j.now()
}

// bring books that f brings the results of tools.
func (j *Joiner) bring(s *session, f *flight) {
	if s.waiting == 0 {
		f.early = s.flying > 0
		return
	}
	if s.waiting--; s.waiting == 0 {
		j.index.remove(s, callNode)
	}
}

// take adds f to the exchanges under way in s, and books the time before it: the client
// slept before a retry, or its tools ran.
func (s *session) take(f *flight, slept bool) {
	if s.flying == 0 {
		if s.attempts > 0 && !slept {
			s.tool += max(0, f.start-s.end)
		}
		s.busy = max(f.start, s.end)
	}
	f.session, f.next = s, s.flights
	s.flights = f
	s.flying++
	s.overlap = max(s.overlap, s.flying)
	s.attempts++
	s.joined = s.joined.with(f.by)
	s.ambiguous = s.ambiguous || f.unclear
}

func (j *Joiner) newFlight() *flight {
	if n := len(j.spare) - 1; n >= 0 {
		f := j.spare[n]
		j.spare = j.spare[:n]
		return f
	}
	return new(flight)
}

// maxSpare is how many flights the Joiner keeps to use them again.
const maxSpare = 256

func (j *Joiner) putFlight(f *flight) {
	*f = flight{}
	if len(j.spare) < maxSpare {
		j.spare = append(j.spare, f)
	}
}
