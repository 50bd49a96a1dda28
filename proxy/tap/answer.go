package tap

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// answer reads the server's side of a session. It implements frame.EventSink.
type answer struct {
	direction

	came  coming // of the bytes that are being read
	turn  *turn  // to which the message belongs; nil if to none
	known bool   // the rest of the message says nothing more of that, so that the envelope is cut
}

func (a *answer) begin(s *session, c compression) { a.direction.begin(s, a, c) }

// feed reads bytes of the server, which may say that the server leaves. Those that came
// after the client had left answer nobody.
func (a *answer) feed(p []byte, came coming, written Instant) {
	if left := a.session.left; left != 0 && came.read > left {
		a.session.part(came.at)
	}
	a.came = came
	a.direction.feed(p, came.at, written)
	if a.frames.Closed() {
		a.session.closed(a.frames.Code(), came.at)
	}
}

// Data implements frame.EventSink.
func (a *answer) Data(p []byte) {
	if a.broken {
		return
	}
	for rest := p; len(rest) > 0 && !a.known; {
		n := len(rest)
		if !a.settled {
			n = min(n, envelopeStep)
		}
		a.envelop(rest[:n])
		rest = rest[n:]
		a.settle(len(a.held)+len(p)-len(rest) > maxHeld)
	}
	if !a.settled {
		a.held = append(a.held, p...)
		return
	}
	a.hand(p)
}

// hand hands bytes of the message to its turn.
func (a *answer) hand(p []byte) {
	if a.turn != nil && a.turn.x != nil && len(p) > 0 {
		a.turn.x.message(p, false, a.came, a.written)
	}
}

// settle decides to which turn the message belongs, if it has said enough, or if the tap can
// wait for no more of it. The turn gets what was held.
func (a *answer) settle(now bool) {
	if a.settled {
		return
	}
	e := a.envelopes.Envelope()
	switch {
	case e.Role == dialect.Unrelated:
		a.settled, a.known = true, true
	case e.Role == dialect.Prompts, e.Role == dialect.Accepts, e.Role == dialect.Retracts, e.Role == dialect.Informs:
		a.settled = true
	case e.Role == dialect.Continues && a.session.only() != nil:
		a.settled, a.known, a.turn = true, true, a.session.only()
	case !now && e.Role != dialect.Answers:
		return
	case e.Role == dialect.Unknown:
		a.settled, a.turn = true, a.session.only()
	default:
		a.settled, a.turn = true, a.session.find(e)
		if e.Role == dialect.Opens || e.Role == dialect.Answers {
			a.begins(e)
		}
	}
	if a.turn != nil && a.turn.x != nil && (e.Role == dialect.Fails || e.Role == dialect.Refuses) {
		a.turn.x.refuse(e.Status)
	}
	a.hand(a.held)
}

// begins books that an answer begins with the message, unless it has begun. An answer that
// no message asked for gets a turn of its own.
func (a *answer) begins(e dialect.Envelope) {
	if a.turn == nil {
		a.turn = a.session.unasked(e, a.read)
	}
	if a.turn == nil || !a.turn.opened {
		a.session.prompted = 0 // the prompt has its answer
	}
}

// Event implements frame.EventSink.
func (a *answer) Event(frame.Event) {
	a.settle(true)
	e := a.envelopes.Envelope()
	switch e.Role {
	case dialect.Prompts:
		a.session.prompt(a.read)
	case dialect.Accepts:
		a.session.accept(e, a.read)
	case dialect.Retracts:
		a.session.prompted = 0
	case dialect.Informs:
		a.session.inform(e, a.read)
	}
	if a.turn != nil {
		a.book(a.turn, e)
	}
	a.turn, a.known = nil, false
	a.next()
}

// book books a whole message of a turn.
func (a *answer) book(t *turn, e dialect.Envelope) {
	if e.Response != 0 && t.id == 0 && !a.known {
		t.id = e.Response
	}
	t.opened = t.opened || e.Role == dialect.Opens || e.Role == dialect.Answers
	if e.Generated && t.made == 0 {
		t.made = a.read
	}
	if t.x != nil {
		t.x.message(nil, true, a.came, a.written)
	}
	switch {
	case e.Role == dialect.Ends, e.Role == dialect.Fails, e.Role == dialect.Refuses, e.Last:
		a.session.end(t, a.read)
	}
}
