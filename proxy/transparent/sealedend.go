package transparent

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// ended reports that w's side sends no more bytes.
func (s *seal) ended(w way, orderly bool, at tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	s.end(w, sideEnd{at: at, orderly: orderly})
}

// end stores the first end of a side.
func (s *seal) end(w way, e sideEnd) {
	if s.sideEnds[w].at > 0 {
		return
	}
	if s.sideEnds[w.other()].at == 0 {
		s.first = w
	}
	s.sideEnds[w] = e
}

// expire ends the exchange if the server has been silent for long enough.
func (s *seal) expire(now tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	c := s.call
	if c == nil || c.head == 0 || s.sideEnds[up].at > 0 || s.sideEnds[down].at > 0 {
		return
	}
	switch quiet := now.Sub(c.last); {
	case c.concluded && quiet > silenceAfterEnd:
		s.finish(exchange.OK, "")
	case quiet > silence:
		s.finish(exchange.OK, "", "ended_by_silence")
		s.endSeen = false
	}
}

// isIdle tells whether no exchange is running, as far as the records can show.
func (s *seal) isIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	return s.call == nil && s.endSeen && !s.blind
}

// drain ends the exchange because headway must stop.
func (s *seal) drain(at tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	s.drained = true
	s.finishAtEnd(at)
}

// close ends the exchange at the end of the connection.
func (s *seal) close(at tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	s.finishAtEnd(at)
}

// recordDialFailure records and reports an exchange that begins with p, for a connection
// whose dial has failed for the reason why.
func (s *seal) recordDialFailure(p []byte, at tap.Instant, why exchange.ErrorType) {
	s.saw(up, p, at)
	s.mu.Lock()
	s.call = &sealedCall{start: at, asked: at}
	s.fail(exchange.ConnectError, why, at)
	s.mu.Unlock()
	s.report()
}

// finishAtEnd ends the exchange with the outcome that the ends of both sides show.
func (s *seal) finishAtEnd(at tap.Instant) {
	c := s.call
	if c == nil {
		return
	}
	if end := s.sideEnds[s.first]; end.at > 0 {
		at = end.at
	}
	client, server := s.sideEnds[up], s.sideEnds[down]
	switch {
	case c.concluded:
		s.finish(exchange.OK, "")
	case s.drained:
		s.fail(exchange.Drained, exchange.ErrDraining, at)
	case c.head == 0 && s.first == down:
		s.fail(exchange.ConnectError, exchange.ErrConnection, at)
	case s.first == up && (c.head == 0 || s.heard || client.at > 0 && !client.orderly):
		s.fail(exchange.ClientGone, exchange.ErrCanceled, at)
	case s.first == down && (!server.orderly || !server.alert) && at.Sub(c.last) < idleBefore:
		s.fail(exchange.UpstreamCut, exchange.ErrTruncated, at)
	default:
		s.finish(exchange.OK, "")
	}
}

// fail is finish for an exchange that broke off at the given moment.
func (s *seal) fail(outcome exchange.Outcome, why exchange.ErrorType, at tap.Instant) {
	s.call.last = max(at, s.call.start)
	s.finish(outcome, why)
}

// finish makes the Record of the running exchange, if there is one.
func (s *seal) finish(outcome exchange.Outcome, why exchange.ErrorType, notes ...string) {
	if s.call == nil {
		return
	}
	r := s.blank
	r.Span = tap.NewSpan()
	s.call.fill(&r)
	r.Outcome, r.ErrorType = outcome, why
	notes = append(notes, s.blank.Notes...)
	for _, n := range []struct {
		is   bool
		name string
	}{
		{s.http2, "http2_offered"}, {s.handshake.early, "tls_early_data"}, {s.handshake.uncertain, "tls_handshake_uncertain"},
	} {
		if n.is {
			notes = append(notes, n.name)
		}
	}
	r.Notes = notes
	s.finished = append(s.finished, r)
	s.call, s.endSeen = nil, true
}

// note adds a note to the Records of the running exchange and of later ones.
func (s *seal) note(name string) { s.blank.Notes = append(s.blank.Notes, name) }

// report gives the Records of the exchanges that have ended to the observer. An exchange
// ends by a record of the client, by an end of the connection or by silence.
func (s *seal) report() {
	s.mu.Lock()
	list := s.finished
	s.finished = nil
	s.mu.Unlock()
	for _, r := range list {
		s.observer.Observe(r)
	}
}
