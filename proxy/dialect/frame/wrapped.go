package frame

import "encoding/base64"

// Wrapped is a sink between a reader and the sink that it serves. The data of an event is
// an object that has the real data in its member bytes, as base64: Amazon Bedrock wraps
// the events of models so (PayloadPart of InvokeModelWithResponseStream). An event
// without that member has no data.
type Wrapped struct {
	sink EventSink
	json JSON

	quad   [4]byte // digits that wait for the rest of their group
	digits int
	out    [600]byte // what digits stand for
}

// wrapped is the field of the data.
const wrapped Field = 1

var wrapping = MustShape(Paths{"bytes": wrapped})

// NewWrapped returns a sink that hands unwrapped events to sink.
func NewWrapped(sink EventSink) *Wrapped {
	w := &Wrapped{sink: sink}
	w.json = NewJSON(wrapping, w)
	w.json.Long(wrapped, w.decode)
	return w
}

// Data implements EventSink.
func (w *Wrapped) Data(p []byte) { w.json.Feed(p) }

// Event implements EventSink.
func (w *Wrapped) Event(e Event) {
	w.digits = 0
	w.json.Restart()
	w.sink.Event(e)
}

// Value implements ValueSink. The text of the data has passed.
func (w *Wrapped) Value(Value) { w.digits = 0 }

// decode decodes the next digits.
func (w *Wrapped) decode(p []byte) {
	if w.digits > 0 {
		n := copy(w.quad[w.digits:], p)
		w.digits += n
		p = p[n:]
		if w.digits < len(w.quad) {
			return
		}
		w.digits = 0
		w.pass(w.quad[:])
	}
	whole := len(p) - len(p)%4
	for whole > 0 {
		n := min(whole, len(w.out)/3*4)
		w.pass(p[:n])
		p, whole = p[n:], whole-n
	}
	w.digits = copy(w.quad[:], p)
}

// pass hands on what groups of digits stand for. It stops at the first that is none.
func (w *Wrapped) pass(digits []byte) {
	if n, _ := base64.StdEncoding.Decode(w.out[:], digits); n > 0 {
		w.sink.Data(w.out[:n])
	}
}
