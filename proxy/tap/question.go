package tap

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// direction is what both directions of a session have: a reader of its frames, and the
// message that passes.
type direction struct {
	session   *session
	frames    *frame.WebSocket
	envelopes dialect.Envelopes
	of        dialect.Sessions // that made envelopes
	begun     bool             // the message has said something
	broken    bool             // the session cannot be read any further
	excess    int64            // see inflater.spend
	waiting   int64            // compressed bytes, of those that the budget has for all

	read, written Instant // of the bytes that are being read: when they came, and had been written
	held          []byte  // the start of a message that has not said where it belongs
	settled       bool    // it has
}

func (d *direction) begin(s *session, sink frame.EventSink, c compression) {
	d.session, d.of, d.envelopes = s, s.dialect, s.dialect.Envelopes()
	d.frames = frame.NewWebSocket(sink)
	if c.on {
		d.frames.Deflate(&s.opener.tap.inflaters, c.takeover, maxMessage)
	}
}

// feed reads bytes that came at read and that the relay had written at written.
func (d *direction) feed(p []byte, read, written Instant) {
	d.read, d.written = read, written
	d.frames.Feed(p)
	d.spend()
}

// spend books the memory and the work of decompression.
func (d *direction) spend() {
	budget := &d.session.opener.tap.budget
	if waiting := d.frames.Waiting(); waiting != d.waiting {
		d.broken = d.broken || budget.waiting.Add(waiting-d.waiting) > maxWaitingTogether
		d.waiting = waiting
	}
	in, out := d.frames.Inflated()
	if more := out - fairRatio*in - d.excess; more > 0 {
		d.excess += more
		d.broken = d.broken || d.excess > maxExcess || !budget.work.take(more)
	}
	d.broken = d.broken || in > 2*out+maxBarren
}

// release gives back what the budget and the pool have for all.
func (d *direction) release() {
	d.frames.Rest()
	d.session.opener.tap.budget.waiting.Add(-d.waiting)
	d.waiting = 0
}

func (d *direction) lost() bool { return d.broken || d.frames.Lost() }

// envelopeStep is how much of a message is read for its envelope at a time. It is mostly at
// the start.
const envelopeStep = 64

// next begins the next message.
func (d *direction) next() {
	d.session.rest()
	d.held, d.settled = d.held[:0], false
	if cap(d.held) > keptHeld {
		d.held = nil
	}
	d.envelopes.Restart()
	d.begun = false
}

// envelop reads the next bytes of the message for its envelope. A message is read by the
// dialect that the session spoke when it began.
func (d *direction) envelop(p []byte) {
	if !d.begun {
		d.begun = true
		if d.of != d.session.dialect {
			d.of, d.envelopes = d.session.dialect, d.session.dialect.Envelopes()
		}
	}
	d.envelopes.Feed(p)
}

// question reads the client's side of a session. It implements frame.EventSink.
type question struct {
	direction

	x *Exchange // of a message that asks, or may ask
}

func (q *question) begin(s *session, c compression) { q.direction.begin(s, q, c) }

// feed reads bytes of the client, which may say that the client leaves.
func (q *question) feed(p []byte, read, written Instant) {
	q.direction.feed(p, read, written)
	if q.frames.Closed() {
		q.session.leave(read)
	}
}

// Data implements frame.EventSink.
func (q *question) Data(p []byte) {
	switch {
	case q.broken:
	case q.x != nil:
		q.envelop(p)
		q.x.RequestBody(p)
	case !q.settled:
		q.envelop(p)
		q.held = append(q.held, p...)
		q.settle()
	}
}

// settle decides what the message is, if it has said enough.
func (q *question) settle() {
	switch role := q.envelopes.Envelope().Role; {
	case role == dialect.Asks, role == dialect.Unknown && len(q.held) > maxHeld:
		q.settled, q.x = true, q.session.newExchange()
		q.x.RequestBody(q.held)
	case role != dialect.Unknown:
		q.settled = true
	}
}

// Event implements frame.EventSink.
func (q *question) Event(frame.Event) {
	e := q.envelopes.Envelope()
	if q.x != nil && e.Role == dialect.Asks && !q.session.ask(q.x, e, q.read, q.written) {
		q.broken = true
	}
	switch e.Role {
	case dialect.Prompts:
		q.session.prompt(q.read)
	case dialect.Retracts:
		q.session.prompted = 0
	case dialect.Unknown: // so that the tap has read all of the message
		q.session.inform(e, q.read)
	}
	q.x = nil
	q.next()
}
