package tap

import (
	"net/http"
	"slices"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	// maxAnswers bounds the answers of a session that are under way at once.
	maxAnswers = 64
	// maxHeld bounds the bytes of a message that wait until the message says where it
	// belongs.
	maxHeld = 64 << 10
	// keptHeld is the largest buffer for them that is kept between two messages.
	keptHeld = 4 << 10
	// maxMessage bounds a message that has to be inflated whole.
	maxMessage = 4 << 20
)

// session is a WebSocket on which the exchanges of one dialect come and go. The relay
// reports its bytes to the exchange that opened it, whose lock guards the session.
type session struct {
	opener   *Exchange
	dialect  dialect.Sessions
	mode     exchange.Mode // of the exchanges
	question question
	answer   answer

	open     []*turn // in the order in which the client asked
	prompted Instant // when the server had got a question that is no message; 0 for none
	limits   limits  // that the server told since the last exchange ended
	told     Instant // when it told them

	left    Instant // when the client left; 0 while it has not
	sending bool    // the relay writes bytes of the client, and has not reported them
	late    late    // bytes of the server that came meanwhile
	parted  Instant // when the upstream left meanwhile; 0 if it did not
}

// turn is a question and its answer.
type turn struct {
	x      *Exchange  // nil if the client asks for no answer
	asked  dialect.ID // the message that asks
	lane   dialect.ID // see dialect.Envelope
	id     dialect.ID // of the answer; 0 while nothing has named it
	opened bool       // the first message of the answer came
	made   Instant    // when all of it had been generated; 0 if the server has not said that
}

// asksForSession returns d if the request asks for a session of d, and nil otherwise. As long
// as the upstream has not opened the session, the request is an exchange of d like any other.
func (x *Exchange) asksForSession(d dialect.Dialect) dialect.Sessions {
	if s, ok := d.(dialect.Sessions); ok && x.head.Upgrade == "websocket" && s.Envelopes() != nil {
		return s
	}
	return nil
}

// openSession starts to read the tunnel, if its head says that it carries a session of a
// dialect, and in a form that the tap can read.
func (x *Exchange) openSession(h handshake) {
	if x.sessions == nil || !h.readable() {
		return
	}
	s := &session{opener: x, dialect: x.sessions, mode: x.record.Mode}
	s.question.begin(s, h.client)
	s.answer.begin(s, h.server)
	x.session = s
}

// Sending reports that the relay is about to write bytes of the client's side of a tunnel,
// which it will report to Sent. The answer to them may be there first.
func (x *Exchange) Sending() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.session != nil {
		x.session.sending = true
	}
}

// Sent reports bytes of the client's side of a tunnel: they came at read, and the relay had
// written them at written.
func (x *Exchange) Sent(p []byte, read, written Instant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.record.Bytes.In += int64(len(p))
	x.attend(func(s *session) {
		s.question.feed(p, read, written)
		s.sending = false
		s.late.drain(&s.answer)
		if s.parted != 0 {
			s.part(s.parted)
			s.parted = 0
		}
	})
}

// received reads bytes of the server's side of a tunnel.
func (x *Exchange) received(p []byte, came coming, written Instant) {
	x.attend(func(s *session) {
		if s.sending && s.late.add(p, came, written) {
			return
		}
		s.late.drain(&s.answer)
		s.answer.feed(p, came, written)
	})
}

// Parted reports that one side has left a tunnel that both had: the client, or the upstream.
// The exchanges under way on it end, but for an answer that waits for its question: the
// upstream may leave before the relay has reported that.
func (x *Exchange) Parted(client bool, at Instant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.attend(func(s *session) {
		switch {
		case client:
			s.leave(at)
		case s.sending:
			s.parted = at
		default:
			s.part(at)
		}
	})
}

// attend calls read with the session, if there is one. A session that the tap cannot read
// any further becomes a mere tunnel.
func (x *Exchange) attend(read func(*session)) {
	s := x.session
	if s == nil {
		return
	}
	sound := safely(func() { read(s) })
	if !sound {
		x.tap.panicked.Add(1)
	}
	if !sound || s.question.lost() || s.answer.lost() {
		x.record.Notes = append(x.record.Notes, "session_unread")
		x.endSession()
		s.loseSight()
	}
}

// endSession lets go of the session, if there is one.
func (x *Exchange) endSession() {
	if x.session != nil {
		x.session.question.release()
		x.session.answer.release()
		x.session = nil
	}
}

// ask books a question that is whole: the relay read its last byte at read and had written
// it at written. It returns false if too many are under way.
func (s *session) ask(x *Exchange, e dialect.Envelope, read, written Instant) bool {
	if len(s.open) == maxAnswers {
		return false
	}
	t := &turn{asked: e.Event, lane: e.Lane}
	if !e.Silent {
		t.x = x
		x.enter(read)
		x.limits = s.untold(read)
		x.RequestRead(read)
		x.RequestWritten(written)
	}
	s.open = append(s.open, t)
	return true
}

// unasked books an answer that began at read and that no message asked for. Its clock
// starts when the server had got the question in another way.
func (s *session) unasked(e dialect.Envelope, read Instant) *turn {
	start := s.prompted
	if start == 0 {
		start = read
	}
	if x := s.newExchange(); len(s.open) < maxAnswers && s.ask(x, dialect.Envelope{Lane: e.Lane}, start, start) {
		return s.open[len(s.open)-1]
	}
	return nil
}

// accept books that the server has got a question, at the given moment, that no message asked.
// The answer may have begun before.
func (s *session) accept(e dialect.Envelope, at Instant) {
	if s.first(func(t *turn) bool { return t.lane == e.Lane }) == nil {
		s.unasked(e, at)
	}
	s.prompted = 0
}

// only is the one turn that is under way; nil if there is none, or another one.
func (s *session) only() *turn {
	if len(s.open) == 1 {
		return s.open[0]
	}
	return nil
}

// find returns the turn to which a message of the server belongs; nil if it is none.
func (s *session) find(e dialect.Envelope) *turn {
	if e.Response != 0 {
		for _, t := range s.open {
			if t.id == e.Response {
				return t
			}
		}
	}
	switch {
	case e.Role == dialect.Answers:
		return s.first(func(t *turn) bool { return t.lane == e.Lane })
	case e.Role == dialect.Opens:
		return s.first(func(t *turn) bool { return t.lane == e.Lane && !t.opened })
	case e.Role == dialect.Refuses:
		return s.first(func(t *turn) bool { return !t.opened && t.asked == e.Event })
	case e.Role == dialect.Fails && e.Status != 0: // the server says that of a question, rather than in an answer
		if t := s.first(func(t *turn) bool { return t.lane == e.Lane && !t.opened }); t != nil {
			return t
		}
	}
	return s.first(func(t *turn) bool { return t.lane == e.Lane && (e.Response == 0 || t.id == 0) })
}

// first returns the turn that the client asked first for, of those that it is true of.
func (s *session) first(is func(*turn) bool) *turn {
	for _, t := range s.open {
		if is(t) {
			return t
		}
	}
	return nil
}

// end ends a turn whose last message came at the given moment.
func (s *session) end(t *turn, at Instant) {
	s.open = slices.DeleteFunc(s.open, func(o *turn) bool { return o == t })
	if t.made != 0 {
		at = t.made
	}
	if t.x != nil {
		t.x.End(Result{At: at, Outcome: exchange.OK})
	}
}

// rest gives back what the session needs only while answers are under way, if none is.
func (s *session) rest() {
	if len(s.open) == 0 {
		s.question.frames.Rest()
		s.answer.frames.Rest()
	}
}

// prompt books that the server got a question, at the given moment, that is no message which
// asks. It may be one of several that make up the question, such as the end of speech and a
// committed buffer.
func (s *session) prompt(at Instant) {
	if s.prompted == 0 {
		s.prompted = at
	}
}

// inform books what a message says of the whole session.
func (s *session) inform(e dialect.Envelope, at Instant) {
	if e.Becomes != nil {
		if len(s.open) > 0 { // answers that are under way end as they began
			return
		}
		s.dialect = e.Becomes
	}
	if e.Model != "" {
		s.opener.head.Model = valid(e.Model)
	}
	if len(e.Limits) > 0 {
		s.limited(e.Limits, at)
	}
}

// limited books rate limits that the server told at the given moment: as those of the
// exchanges that are under way, or of the next one if there is none.
func (s *session) limited(l limits, at Instant) {
	l = slices.DeleteFunc(l, func(r exchange.RateLimit) bool { return !slices.Contains(limitKinds, r.Kind) })
	s.limits, s.told = nil, at
	if !slices.ContainsFunc(s.open, func(t *turn) bool { return t.x != nil }) {
		s.limits = l
	}
	for _, t := range s.open {
		if t.x != nil {
			t.x.limit(l)
		}
	}
}

// untold returns the rate limits that no exchange has had, as they are at the given moment.
// It leaves out those that have been reset since: nobody knows what is left of them.
func (s *session) untold(at Instant) limits {
	l, since := s.limits, max(0, at.Sub(s.told))
	s.limits = nil
	l = slices.DeleteFunc(l, func(r exchange.RateLimit) bool { return 0 < r.Reset && r.Reset <= since })
	for i := range l {
		l[i].Reset = max(0, l[i].Reset-since)
	}
	return l
}

// close ends a session whose tunnel has ended.
func (s *session) close(result Result) {
	s.late.drain(&s.answer)
	if result.Outcome == exchange.OK {
		s.part(result.At)
		return
	}
	s.finish(result)
}

// leave notes that the client left at the given moment. The tap may still have to read what
// the client got before.
func (s *session) leave(at Instant) {
	if s.left == 0 {
		s.left = at
	}
}

// closed ends all turns, because the server has closed the session for the reason that code
// names.
func (s *session) closed(code int, at Instant) {
	status := statusOfClose(code)
	if status == 0 || s.left != 0 {
		s.part(at)
		return
	}
	for _, t := range s.open {
		if t.x != nil {
			t.x.refuse(status)
			t.x.End(t.x.failed(at))
		}
	}
	s.open = nil
}

// statusOfClose is the HTTP status that stands for a code with which a server closes a
// session because it cannot or will not answer; 0 for any other code.
// https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number
func statusOfClose(code int) int {
	switch code {
	case 1003, 1007:
		return http.StatusBadRequest
	case 1008:
		return http.StatusForbidden
	case 1009:
		return http.StatusRequestEntityTooLarge
	case 1011:
		return http.StatusInternalServerError
	case 1012, 1013:
		return http.StatusServiceUnavailable
	case 1014:
		return http.StatusBadGateway
	}
	return 0
}

// part ends all turns, because the client has left, or the upstream at the given moment.
func (s *session) part(at Instant) {
	if s.left != 0 {
		s.finish(Result{At: s.left, Outcome: exchange.ClientGone, ErrorType: exchange.ErrCanceled})
		return
	}
	s.finish(Result{At: at, Outcome: exchange.UpstreamCut, ErrorType: exchange.ErrTruncated})
}

// finish ends all turns in the same way.
func (s *session) finish(result Result) {
	for _, t := range s.open {
		if t.x != nil {
			t.x.End(result)
		}
	}
	s.open = nil
}

// loseSight ends all turns of a session that the tap cannot read any further. Nobody knows
// how they go on, so that they count as little as any other tunnel.
func (s *session) loseSight() {
	at := Now()
	for _, t := range s.open {
		if t.x != nil {
			t.x.Upgraded()
			t.x.End(Result{At: at, Outcome: exchange.OK})
		}
	}
	s.open = nil
}
