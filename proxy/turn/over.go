package turn

import (
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// ended returns how the open turn of s ended, if it has.
func (s *session) ended() exchange.TurnOutcome {
	switch {
	case s.answered > 0 && (s.result.final || s.answered >= s.end):
		return exchange.TurnAnswered
	case s.waiting > 0 && s.forced && s.flying == 0:
		return exchange.TurnAnswered // nobody wanted a result
	case s.waiting > 0 || outcomes[s.result.outcome] == exchange.ClientGone:
		return exchange.TurnAbandoned
	}
	return exchange.TurnFailed
}

// close ends the open turn of s, and appends it to over. A turn of which no exchange has ended is
// nothing.
func (j *Joiner) close(s *session, over []exchange.WholeTurn, how exchange.TurnOutcome, late bool) []exchange.WholeTurn {
	if !s.open {
		return over
	}
	if s.end > 0 {
		t := j.whole(s, how, late)
		j.remember(&t)
		over = append(over, t)
		s.last = s.start + t.All
	}
	j.cancel(s)
	return over
}

// cancel leaves s without an open turn.
func (j *Joiner) cancel(s *session) {
	if !s.open {
		return
	}
	s.open = false
	j.sessions.turns--
	j.index.remove(s, traceNode)
	j.index.remove(s, chainNode)
}

// whole returns the open turn of s, which is over.
func (j *Joiner) whole(s *session, how exchange.TurnOutcome, late bool) exchange.WholeTurn {
	end := s.end
	if how == exchange.TurnAnswered && s.answered > 0 {
		end = s.answered
	}
	t := exchange.WholeTurn{
		ID: s.turn(), Session: s.id, Number: int(s.turns), Outcome: how, Start: j.epoch.Add(s.start), Late: late,
		Calls: int(s.calls), Attempts: int(s.attempts), ToolCalls: int(s.toolCalls), Overlap: int(s.overlap),
		JoinedBy: j.joinedBy(s.joined), Ambiguous: s.ambiguous,
		All: max(0, end-s.start), Last: s.kind.record(),
		Span: exchange.Span{Trace: s.trace, ID: spanOf(s.turn())},
	}
	t.Model = min(s.model, t.All)
	t.Tool = min(s.tool, t.All-t.Model)
	if how == exchange.TurnAnswered {
		t.FirstAnswer = s.first
	}
	if s.last > 0 {
		t.Human = max(0, s.start-s.last)
	}
	if s.traced {
		t.Trace = exchange.Trace{TraceID: hex.EncodeToString(s.trace[:]), SpanID: hex.EncodeToString(s.parent[:]), Sampled: s.sampled}
	}
	r := &t.Last
	r.Start, r.Status, r.Stream = t.Start, int(s.result.status), s.result.stream
	r.Outcome, r.ErrorType = outcomes[s.result.outcome], j.errors[s.result.error]
	r.Timing.End, r.Span, r.Trace = t.All, t.Span, t.Trace
	r.Turn = exchange.Turn{Session: s.id, ID: s.turn()}
	return t
}

// shareTrace puts r into the trace of its turn, unless its client or its upstream knows it
// by another.
func (j *Joiner) shareTrace(s *session, r *exchange.Record) {
	if r.Trace.TraceID == "" && !r.Span.Told && s.trace != (exchange.TraceID{}) {
		r.Span.Trace = s.trace
	}
}

// parentOf returns the span of the turn, if r is in its trace, and the client has not put it
// below a span of its own.
func (s *session) parentOf(r *exchange.Record) exchange.SpanID {
	if s.traced || r.Trace.TraceID != "" || r.Span.Trace != s.trace {
		return exchange.SpanID{}
	}
	return spanOf(s.turn())
}

// parentOf returns the span that the client of r named.
func parentOf(r *exchange.Record) (id exchange.SpanID) {
	if len(r.Trace.SpanID) == 2*len(id) {
		_, _ = hex.Decode(id[:], []byte(r.Trace.SpanID)) // the tap has checked it
	}
	return id
}

// spanOf returns the span of a turn.
func spanOf(t exchange.TurnID) (id exchange.SpanID) {
	binary.BigEndian.PutUint64(id[:], max(1, uint64(t)*0x9e3779b97f4a7c15))
	return id
}

// newTrace returns a trace of its own for a turn that the Joiner finds out about late.
func newTrace(j *Joiner, f *flight) (id exchange.TraceID) {
	binary.BigEndian.PutUint64(id[:8], max(1, maphash.Bytes(j.seed, f.span[:])))
	copy(id[8:], f.span[:])
	return id
}

// share ends the turn of s and takes its name away: too many exchanges bear it at once for
// the name of one session.
func (j *Joiner) share(s *session, over []exchange.WholeTurn) []exchange.WholeTurn {
	if j.fleets++; j.fleets == 1 {
		j.log.Warn("a session's name is that of many sessions: it joins no exchanges", "under_way", s.flying)
	}
	over = j.close(s, over, exchange.TurnUnknown, true)
	s.fleet = true
	j.index.removeIf(s, func(n *node) bool { return n.kind != markNode })
	return over
}

// forget forgets s, and appends its turn to over if that is open. Exchanges of s under way
// become turns of their own when they end.
func (j *Joiner) forget(s *session, over []exchange.WholeTurn) []exchange.WholeTurn {
	for f := s.flights; f != nil; {
		next := f.next
		delete(j.flights, f.span)
		j.putFlight(f)
		f = next
	}
	how := s.ended()
	if s.flying > 0 {
		how = exchange.TurnUnknown
	}
	over = j.close(s, over, how, true)
	j.index.removeIf(s, func(*node) bool { return true })
	j.sessions.drop(s)
	if j.sessions.n == 0 {
		j.index.shrink()
	}
	return over
}

// evict forgets the sessions beyond the bound that have rested longest.
func (j *Joiner) evict(over []exchange.WholeTurn) []exchange.WholeTurn {
	for j.sessions.n > j.maxOpen {
		s := j.sessions.at(j.sessions.oldest)
		if s.open {
			if j.evicted++; j.evicted == 1 {
				j.log.Warn("turns are ended before their time: there are too many sessions", "sessions", j.sessions.n)
			}
		}
		over = j.forget(s, over)
	}
	return over
}

// batch is how many sessions the Joiner forgets while others wait for the lock.
const batch = 256

// expire forgets the sessions that have rested too long.
func (j *Joiner) expire() {
	for {
		var over []exchange.WholeTurn
		j.mu.Lock()
		now, idle := j.now(), uint32(j.maxIdle/time.Second)
		n := 0
		s := j.sessions.at(j.sessions.oldest)
		for ; s != nil && n < batch && now-s.touched >= idle; n++ {
			if s.flying > 0 {
				s.touched = now
				j.sessions.touch(s)
			} else {
				over = j.forget(s, over)
			}
			s = j.sessions.at(j.sessions.oldest)
		}
		if n < batch {
			j.set = s != nil && !j.closed
			if j.set {
				j.alarm.Reset(max(time.Second, time.Duration(idle-(now-s.touched))*time.Second))
			}
		}
		j.mu.Unlock()
		j.handOn(over)
		if n < batch {
			return
		}
	}
}
