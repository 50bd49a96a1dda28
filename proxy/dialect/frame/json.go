package frame

import "unicode/utf8"

// JSON reads one JSON document (RFC 8259) and hands the values at the places of a Shape
// to a sink. It skips all other values by their quotes and brackets only, so that they
// may have any size and depth. Text that is not JSON stops it; see Broken. It keeps no
// byte of its input but the start of a text that came in pieces, and is not safe for
// concurrent use.
//
// It is more liberal than the RFC: strings may hold control characters and bytes that
// are not UTF-8, and NaN and Infinity are values of kind Odd.
type JSON struct {
	place
	shape *Shape
	sink  ValueSink
	fresh bool // the reader is at the start of a document

	repeat  repeat
	long    *long // nil unless the sink wants the whole of a text
	emitted uint  // number of values so far; field, kind and size are those of the last
	field   Field
	kind    Kind
	size    int

	escape escape // the place in an escape sequence
	quoted bool   // skipping: within a string

	length int               // of the text so far
	buf    *Piece            // the start of a text that comes in pieces; nil before the first
	rune   rune              // of an escape sequence, so far
	high   rune              // the first half of a surrogate pair
	single [utf8.UTFMax]byte // the character that an escape sequence stands for
}

// place is the reader's place in a document, between two tokens. The innermost container
// is enough to know all containers around it: every node has one parent, and is either
// an element or a member of it.
type place struct {
	state  state
	array  bool   // the container is an array
	node   uint16 // of the value that the reader is at
	inside uint16 // node of the innermost container; nowhere at the top

	skipped uint32 // skipping: open brackets
}

type state uint8

const (
	atValue   state = iota
	atElement       // at a value or the end of the array
	atMember        // at a key or the end of the object
	atKey
	atColon
	atComma // at a comma or the end of the container
	atEnd   // behind the document, where only whitespace may follow
	inName
	inText
	inSkippedText
	inSkipped // in a container
	inBare    // in a number, true, false or null
	broken
	followed // broken: something stands behind the document
)

// NewJSON returns a reader at the start of a document.
func NewJSON(shape *Shape, sink ValueSink) JSON {
	return JSON{shape: shape, sink: sink, place: place{node: root}, fresh: true}
}

// Repeating makes the reader quick at documents that resemble each other, such as the
// chunks of a stream. Readers of one Shape share what they remember of such documents.
func (j *JSON) Repeating() { j.repeat = repeat{on: true} }

// long is a place whose text a function gets in full, piece by piece.
type long struct {
	field Field
	text  func(piece []byte)
}

// Long hands the strings at the places of f to text in full, unescaped, in pieces. The sink
// gets them as ever, when they end. Do not use it together with Repeating.
func (j *JSON) Long(f Field, text func(piece []byte)) { j.long = &long{f, text} }

// Piece is the room for the start of a text that comes in pieces.
type Piece [MaxText]byte

// Lend gives the reader the room for texts that come in pieces, until the next Lend. Lend(nil)
// takes it back, which is possible between two documents only. A reader that needs room and
// has none makes it.
func (j *JSON) Lend(p *Piece) { j.buf = p }

// Restart makes the reader ready for another document.
func (j *JSON) Restart() {
	j.place, j.fresh = place{node: root}, true
	j.escape, j.quoted, j.high = noEscape, false, 0
}

// Whole reports whether the input so far is one whole document.
func (j *JSON) Whole() bool { return j.state == atEnd }

// Broken reports whether the input so far is the start of no document.
func (j *JSON) Broken() bool { return j.state == broken || j.state == followed }

// Followed reports whether the input so far is one whole document and something else
// behind it.
func (j *JSON) Followed() bool { return j.state == followed }

// Close ends the document and reports whether it is whole. Only a document that is a
// single number or word needs it: Whole cannot know that no digit will follow.
func (j *JSON) Close() bool {
	if j.state == inBare && j.inside == nowhere {
		j.endBare(j.kept())
	}
	return j.Whole()
}

// Feed reads the next bytes of the document. It does not keep p.
func (j *JSON) Feed(p []byte) {
	if j.fresh && j.repeat.on {
		p = j.readRepeating(p)
	}
	j.fresh = false
	for len(p) > 0 {
		p = j.step(p)
	}
}

// FeedOne reads the next bytes of the document up to its end, and returns those behind it and
// behind the whitespace there. It does not keep p.
func (j *JSON) FeedOne(p []byte) (rest []byte) {
	j.fresh = false
	for len(p) > 0 && j.state != atEnd {
		p = j.step(p)
	}
	return space(p)
}

// step reads up to the end of a token and returns the bytes behind it. It emits one value
// at most. p must not be empty.
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
		return j.readBare(p)
	case atEnd:
		if p = space(p); len(p) > 0 {
			j.state = followed
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

// key reads the start of a member, or the end of an object without members.
func (j *JSON) key(p []byte) []byte {
	if isSpace(p[0]) {
		if p = space(p); len(p) == 0 {
			return nil
		}
	}
	switch {
	case p[0] == '"':
		p = p[1:]
		n := plainLen(p)
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

// comma reads the comma or the closing bracket behind a value in a container.
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

// start reads the start of a value, or the end of an array without elements.
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
		n := bareLen(p)
		if n == len(p) {
			j.state = inBare
			j.length = 0
			return j.readBare(p)
		}
		j.length = n
		j.endBare(p[:min(n, MaxText)])
		return p[n:]
	}
	j.state = broken
	return nil
}

// push enters an object or array, or starts skipping one that has no place of the shape
// inside.
func (j *JSON) push(array bool) {
	n := &j.shape.nodes[j.node]
	if n.field != 0 {
		kind := Object
		if array {
			kind = Array
		}
		j.emit(kind, n.field, nil, 0)
	}
	if array && n.element == nowhere || !array && len(n.members) == 0 && n.other == nowhere {
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
		j.emit(End, n.field, nil, 0)
	}
	j.after()
}

// after sets the state behind a value.
func (j *JSON) after() {
	j.state = atComma
	if j.inside == nowhere {
		j.state = atEnd
	}
}

// emit hands a value to the sink.
func (j *JSON) emit(kind Kind, f Field, text []byte, length int) {
	j.emitted++
	j.field, j.kind, j.size = f, kind, length
	j.sink.Value(Value{Field: f, Kind: kind, Text: text, Len: length})
}

// keep appends p to a text that comes in pieces.
func (j *JSON) keep(p []byte) {
	if j.long != nil && j.state == inText && j.shape.nodes[j.node].field == j.long.field {
		j.long.text(p)
	}
	if j.buf == nil {
		j.buf = new(Piece)
	}
	if j.length < MaxText {
		copy(j.buf[j.length:], p)
	}
	j.length += len(p)
}

// kept is the start of the text that came in pieces.
func (j *JSON) kept() []byte {
	if j.buf == nil {
		return nil
	}
	return j.buf[:min(j.length, MaxText)]
}
