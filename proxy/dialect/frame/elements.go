package frame

// Elements cuts a stream that is one JSON array: every element is an event. It looks at
// quotes and brackets only. Whether an element is JSON is for the reader of the element
// to find out.
type Elements struct {
	sink EventSink

	state   elementState
	depth   int  // open brackets of the element
	quoted  bool // within a string of the element
	escaped bool // behind a backslash of that string

	followed bool // something is behind the array
}

type elementState uint8

const (
	beforeArray elementState = iota
	betweenElements
	inContainer // in an element that is an object or array
	inScalar    // in any other element
	afterArray
)

// NewElements returns a reader at the start of a stream. It hands the events to sink.
func NewElements(sink EventSink) *Elements { return &Elements{sink: sink} }

// Feed reads the next bytes of the stream.
func (e *Elements) Feed(p []byte) {
	for len(p) > 0 {
		switch e.state {
		case beforeArray:
			if p[0] == '[' {
				e.state = betweenElements
			}
			p = p[1:]
		case betweenElements:
			p = e.next(p)
		case inContainer:
			p = e.container(p)
		case inScalar:
			p = e.scalar(p)
		case afterArray:
			e.followed = e.followed || len(space(p)) > 0
			return
		}
	}
}

// Whole reports whether the array has ended.
func (e *Elements) Whole() bool { return e.state == afterArray }

// Followed reports whether something else than whitespace stands behind the array.
func (e *Elements) Followed() bool { return e.followed }

// Close ends the stream. When it ended within an element, the sink gets that element as
// Unterminated.
func (e *Elements) Close() {
	if e.state == inContainer || e.state == inScalar {
		e.end(true)
	}
}

// next passes over the bytes between two elements.
func (e *Elements) next(p []byte) []byte {
	switch c := p[0]; {
	case isSpace(c), c == ',':
		return p[1:]
	case c == ']':
		e.state = afterArray
		return p[1:]
	case c == '{', c == '[':
		e.state = inContainer
	default:
		e.state = inScalar
	}
	return p
}

// container reads the next bytes of an element that is an object or array, and returns
// the bytes behind the element.
func (e *Elements) container(p []byte) []byte {
	n := 0
	for n < len(p) {
		if e.quoted {
			n += e.text(p[n:])
			continue
		}
		if n += flatLen(p[n:]); n == len(p) {
			break
		}
		switch p[n] {
		case '"':
			e.quoted = true
		case '{', '[':
			e.depth++
		default:
			e.depth--
		}
		n++
		if e.depth == 0 {
			e.sink.Data(p[:n])
			e.end(false)
			return p[n:]
		}
	}
	e.sink.Data(p)
	return nil
}

// text passes over the next bytes of a string, behind its opening quote, and returns
// their number.
func (e *Elements) text(p []byte) int {
	for n := 0; n < len(p); n++ {
		if e.escaped {
			e.escaped = false
			continue
		}
		if n += plainLen(p[n:]); n == len(p) {
			break
		}
		if p[n] == '"' {
			e.quoted = false
			return n + 1
		}
		e.escaped = true
	}
	return len(p)
}

// scalar reads the next bytes of an element that is a string, number or word, and returns
// the bytes behind the element.
func (e *Elements) scalar(p []byte) []byte {
	n := 0
	for n < len(p) {
		switch c := p[n]; {
		case e.quoted:
			n += e.text(p[n:])
			continue
		case c == '"':
			e.quoted = true
		case c == ',', c == ']':
			if n > 0 {
				e.sink.Data(p[:n])
			}
			e.end(false)
			return p[n:]
		}
		n++
	}
	e.sink.Data(p)
	return nil
}

// end ends an element.
func (e *Elements) end(unterminated bool) {
	e.state, e.depth, e.quoted, e.escaped = betweenElements, 0, false, false
	e.sink.Event(Event{Unterminated: unterminated})
}
