package frame

// JSON reads one JSON document (RFC 8259) and hands the values at the places of a
// Shape to a sink. It skips all other values by their quotes and brackets only, so
// that they may be of any size and depth. Text that is not JSON stops it; see Whole.
//
// It is more liberal than the RFC: strings may hold control characters and bytes that
// are not UTF-8, and NaN and Infinity are values of kind Odd.
type JSON struct {
	place
	shape *Shape
	sink  ValueSink
	fresh bool // nothing of the document was read

	tape  *tape // nil unless documents repeat
	told  uint  // values told, and the last of them
	field Field
	kind  Kind
	size  int

	escape  escape // where in an escape sequence of a string
	quoted  bool   // within a string of what is being skipped
	skipped int    // brackets open in what is being skipped

	length int           // of the text that is being read
	buf    [MaxText]byte // its start, if it does not come in one piece
	rune   rune          // of an escape sequence
	high   rune          // the first half of a surrogate pair
}

// place is where in a document the reader is, between two tokens. The innermost
// container tells all those around it: every node has one parent, and is an element or
// a member of it.
type place struct {
	state  state
	node   uint8 // of the value that is being read
	inside uint8 // the container's node; nowhere at the top
	array  bool  // the container is an array
}

type state uint8

const (
	atValue   state = iota
	atElement       // a value or the end of the array
	atMember        // a key or the end of the object
	atKey
	atColon
	atComma // a comma or the end of the container
	atEnd   // nothing but whitespace
	inName
	inText
	inSkippedText
	inSkipped // container
	inBare    // number, true, false, null
	broken
)

// NewJSON returns a reader at the start of a document.
func NewJSON(shape *Shape, sink ValueSink) JSON {
	return JSON{shape: shape, sink: sink, place: place{node: root}, fresh: true}
}

// Repeating makes the reader quick at documents that are much alike, such as the
// chunks of a stream, at the price of 2 KiB.
func (j *JSON) Repeating() { j.tape = &tape{} }

// Restart makes the reader ready for another document.
func (j *JSON) Restart() {
	j.state, j.node, j.inside, j.fresh = atValue, root, nowhere, true
	j.escape, j.quoted, j.high = noEscape, false, 0
}

// Whole says that a whole document was read and nothing else.
func (j *JSON) Whole() bool { return j.state == atEnd }

// Broken says that what was read is not the start of any document.
func (j *JSON) Broken() bool { return j.state == broken }

// Close ends the document and says whether it was whole. Only a number on its own
// needs it to be known to be whole.
func (j *JSON) Close() bool {
	if j.state == inBare && j.inside == nowhere {
		j.endBare(j.buf[:min(j.length, MaxText)])
	}
	return j.Whole()
}

// Feed reads the next bytes of the document.
func (j *JSON) Feed(p []byte) {
	if j.fresh && j.tape != nil {
		p = j.tape.read(j, p)
	}
	j.fresh = false
	for len(p) > 0 {
		p = j.step(p)
	}
}

// step reads up to the end of a token, tells of one value at most, and returns
// what follows. There is at least one byte.
func (j *JSON) step(p []byte) []byte {
	switch j.state {
	case atMember, atKey:
		return j.key(p)
	case atColon:
		return j.colon(p)
	case atValue, atElement:
		return j.start(p)
	case atComma:
		return j.comma(p)
	case inName, inText:
		return j.text(p)
	case inSkippedText:
		if p = j.skipText(p); !j.quoted {
			j.after()
		}
		return p
	case inSkipped:
		return j.skip(p)
	case inBare:
		return j.more(p)
	case atEnd:
		if p = space(p); len(p) > 0 {
			j.state = broken
		}
		return p
	}
	return nil // broken
}

// colon reads the colon behind a key.
func (j *JSON) colon(p []byte) []byte {
	if p = space(p); len(p) == 0 {
		return nil
	}
	j.state = atValue
	if p[0] != ':' {
		j.state = broken
	}
	return p[1:]
}

// key reads the start of a member, or the end of an object without any.
func (j *JSON) key(p []byte) []byte {
	if isSpace(p[0]) {
		if p = space(p); len(p) == 0 {
			return nil
		}
	}
	switch {
	case p[0] == '"':
		p = p[1:]
		n := plain(p)
		if n+1 < len(p) && p[n] == '"' && p[n+1] == ':' {
			j.node = j.shape.nodes[j.inside].member(p[:n])
			j.state = atValue
			return p[n+2:]
		}
		j.state = inName
		j.length = 0
		return p
	case p[0] == '}' && j.state == atMember:
		j.pop(false)
	default:
		j.state = broken
	}
	return p[1:]
}

// comma reads what follows a value in a container.
func (j *JSON) comma(p []byte) []byte {
	if isSpace(p[0]) {
		if p = space(p); len(p) == 0 {
			return nil
		}
	}
	switch p[0] {
	case ',':
		j.state = atKey
		if j.array {
			j.state, j.node = atValue, j.shape.nodes[j.inside].element
		}
	case '}', ']':
		j.pop(p[0] == ']')
	default:
		j.state = broken
	}
	return p[1:]
}

// start reads the first byte of a value.
func (j *JSON) start(p []byte) []byte {
	if isSpace(p[0]) {
		if p = space(p); len(p) == 0 {
			return nil
		}
	}
	switch c := p[0]; {
	case c == '"':
		return j.startText(p[1:])
	case c == '{', c == '[':
		j.push(c == '[')
		return p[1:]
	case c == ']' && j.state == atElement:
		j.pop(true)
		return p[1:]
	case bareBytes[c]:
		n := bare(p)
		if n == len(p) {
			j.state = inBare
			j.length = 0
			return j.more(p)
		}
		j.length = n
		j.endBare(p[:min(n, MaxText)])
		return p[n:]
	}
	j.state = broken
	return nil
}

// push enters an object or array.
func (j *JSON) push(array bool) {
	n := &j.shape.nodes[j.node]
	if n.field != 0 {
		kind := Object
		if array {
			kind = Array
		}
		j.tell(kind, n.field, nil, 0)
	}
	if array && n.element == nowhere || !array && len(n.members) == 0 {
		j.state, j.skipped = inSkipped, 1
		return
	}
	j.inside, j.array = j.node, array
	j.state = atMember
	if array {
		j.state, j.node = atElement, n.element
	}
}

// pop leaves an object or array.
func (j *JSON) pop(array bool) {
	if array != j.array {
		j.state = broken
		return
	}
	n := &j.shape.nodes[j.inside]
	j.inside, j.array = n.parent, n.ofArray
	if n.field != 0 {
		j.tell(End, n.field, nil, 0)
	}
	j.after()
}

// after is the state behind a value.
func (j *JSON) after() {
	j.state = atComma
	if j.inside == nowhere {
		j.state = atEnd
	}
}

// tell hands a value to the sink.
func (j *JSON) tell(kind Kind, f Field, text []byte, length int) {
	j.told++
	j.field, j.kind, j.size = f, kind, length
	if f == Varying {
		return
	}
	j.sink.Value(Value{Field: f, Kind: kind, Text: text, Len: length})
}

// keep appends to the text that did not come in one piece.
func (j *JSON) keep(p []byte) {
	if j.length < MaxText {
		copy(j.buf[j.length:], p)
	}
	j.length += len(p)
}
