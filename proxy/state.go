package proxy

import (
	"context"
	"sync"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// state is how far an exchange has got. The client's side moves the request on, and the
// upstream's side the response, and repeats the request. Each side runs when its bytes
// come, so both may run at one moment. The zero value is the state at the begin.
//
//	the request is  then       when
//	unsent          starting   a kept connection gets the exchange, and may fail in the first write
//	unsent          finishing  the client's side begins to write the last bytes
//	starting        finishing  the first bytes are the last ones, too
//	starting        unsent     the first bytes are written, or the upstream took no more
//	finishing       sent       the last bytes are written
//	finishing       unsent     the upstream took no more
//	unsent          repeating  the upstream's side writes the first bytes again, on a fresh connection
//	repeating       sent       these were all
//	repeating       unsent     the client has more to send, or the upstream took no more
//
//	the response is then       when
//	due             delivered  its last byte is written to the client
//	due             tunnel     the upstream switches protocols: bytes go both ways
//	tunnel          parted     both sides have ended
//
// In starting and finishing the client's side is in a write, and the upstream's side waits
// for its end before it judges the request: a response may be quicker than the write's
// return. Whoever aborts an exchange gives a reason. The first reason counts, and none does
// once the response is delivered. The client may end its sending side once, at any moment.
type state struct {
	mu       sync.Mutex
	written  sync.Cond // signals the end of starting and finishing
	request  requestState
	response responseState

	why           exchange.Outcome // the reason of the abort; empty without one
	clientEndedAt tap.Instant      // when the client ended its sending side, and headway passed that on; else 0

	// Aborting cancels the dial that runs, or closes the connection that serves the exchange.
	cancel context.CancelFunc
	bound  *upstreamConn
}

type requestState uint8

const (
	unsent requestState = iota
	starting
	finishing
	sent
	repeating
)

type responseState uint8

const (
	due responseState = iota
	delivered
	tunnel
	parted
)

// isWritten tells whether no write of the client's side is under way. The caller holds s.mu.
func (s *state) isWritten() bool { return s.request != starting && s.request != finishing }

// moveRequest moves the request on.
func (s *state) moveRequest(to requestState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.request = to
	if s.isWritten() && s.written.L != nil {
		s.written.Broadcast()
	}
}

// stopWriting ends starting and finishing, if the request is there, without success.
func (s *state) stopWriting() {
	s.mu.Lock()
	writes := !s.isWritten()
	s.mu.Unlock()
	if writes { // which the client's side alone ends
		s.moveRequest(unsent)
	}
}

// awaitWritten waits for the end of starting and finishing.
func (s *state) awaitWritten() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written.L = &s.mu
	for !s.isWritten() {
		s.written.Wait()
	}
}

// isRequest tells whether the request is in that state.
func (s *state) isRequest(in requestState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.request == in
}

// moveResponse moves the response on.
func (s *state) moveResponse(to responseState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.response = to
}

// deliver notes that the response has ended well.
func (s *state) deliver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.response {
	case due:
		s.response = delivered
	case tunnel:
		s.response = parted
	}
}

// isTunnel tells whether the protocol was switched.
func (s *state) isTunnel() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.response == tunnel || s.response == parted
}

// isOver tells whether the response was delivered whole.
func (s *state) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over()
}

func (s *state) over() bool { return s.response == delivered || s.response == parted }

// abort notes the reason of an abort, unless there is one. It returns what is to be
// interrupted, either of which may be nil. It is not ok when the response was delivered.
func (s *state) abort(why exchange.Outcome) (cancel context.CancelFunc, bound *upstreamConn, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over() {
		return nil, nil, false
	}
	if s.why == "" {
		s.why = why
	}
	return s.cancel, s.bound, true
}

// aborted returns the reason of the abort. It is not ok when nobody has aborted the exchange.
func (s *state) aborted() (why exchange.Outcome, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why, s.why != ""
}

// dials says how to cancel the dial that begins, or nil when it is over. It tells whether
// somebody has aborted the exchange before.
func (s *state) dials(cancel context.CancelFunc) (aborted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = cancel
	return s.why != ""
}

// bind says which connection serves the exchange. It tells whether somebody has aborted
// the exchange before.
func (s *state) bind(u *upstreamConn) (aborted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound = u
	return s.why != ""
}

// endClient notes that the client ended its sending side at the given moment.
func (s *state) endClient(at tap.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clientEndedAt = at
}

// clientEnded returns when the client ended its sending side. It is not ok while it has
// not.
func (s *state) clientEnded() (at tap.Instant, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clientEndedAt, s.clientEndedAt != 0
}
