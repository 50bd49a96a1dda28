package frame

import (
	"bytes"
	"encoding/base64"
)

// Wrapped is a sink between a reader and the sink that it serves. The data of an event is
// an object that has the real data in its member bytes, as base64: Amazon Bedrock wraps
// the events of models so (PayloadPart of InvokeModelWithResponseStream). An event
// without that member has no data.
type Wrapped struct {
	sink EventSink
	json JSON

	quad   [4]byte // digits that wait for the rest of their group
	digits int
	over   bool      // the rest of the text is none of it: padding came, or no base64
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
	w.digits, w.over = 0, false
	w.json.Restart()
	w.sink.Event(e)
}

// Value implements ValueSink. The text of the data has passed.
func (w *Wrapped) Value(Value) { w.digits, w.over = 0, false }

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

// pass hands on what groups of digits stand for. It stops for good at the first that is
// none, or that is padded. A line end, which package base64 would leave out, is no digit.
func (w *Wrapped) pass(digits []byte) {
	if w.over {
		return
	}
	for _, end := range []byte("\r\n") {
		if i := bytes.IndexByte(digits, end); i >= 0 {
			digits, w.over = digits[:i-i%4], true
		}
	}
	n, err := base64.StdEncoding.Decode(w.out[:], digits)
	w.over = w.over || err != nil || bytes.HasSuffix(digits, []byte("="))
	if n > 0 {
		w.sink.Data(w.out[:n])
	}
}
