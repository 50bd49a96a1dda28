// Package frame cuts the bytes of a response into messages, and finds the few values in
// them that a dialect needs. The caller feeds the bytes as they arrive, cut anywhere. A
// reader keeps no input slice, needs a constant amount of memory whatever the input, and
// belongs to one goroutine.
package frame

import (
	"bytes"
	"strings"
)

// MaxEventName is the number of bytes of an event's name that a sink gets at most.
const MaxEventName = 64

// An EventSink gets the messages of a stream. All framings call a message an event here.
type EventSink interface {
	// Data gets the next piece of the data of an event; an event may have any number of
	// pieces. The sink must not keep p.
	Data(p []byte)
	// Event ends the event whose data came before. Only the event of a failure may have no
	// data.
	Event(e Event)
}

// Event is the end of an event.
type Event struct {
	// Name is the type of the event, cut to MaxEventName bytes; empty for the default
	// type. It is valid during the call only.
	Name []byte
	// Unterminated says that the stream ended within the event. The standard of
	// server-sent events discards such an event; some clients do not.
	Unterminated bool
	// Failed says that the framing itself calls the event an error.
	Failed bool
	// Corrupt says that the event's checksum is wrong.
	Corrupt bool
	// Bare says that the data stands in no field: lines from one that begins with a brace to a
	// blank one. Clients ignore it, and some servers write errors so.
	Bare bool
}

// SSE cuts a stream of server-sent events by the rules of the WHATWG HTML standard,
// section 9.2.6: LF, CR or CRLF ends a line. It hands data on as the data comes and keeps
// none of it. An event without a data field is no event,
// unless it is Bare.
type SSE struct {
	sink EventSink

	part   part
	field  field
	marked uint8 // bytes of the byte order mark so far; len(bom) when past it
	cr     bool  // the last line ended in CR: an LF right behind it ends no other line
	data   bool  // the event has data

	key     [8]byte // start of the name of the field
	keyLen  uint8
	name    [MaxEventName]byte // of the event
	nameLen uint8

	bare       bool // the event is Bare
	errorField bool
	stray      bool // a line came that no stream has
}

// NewSSE returns a reader at the start of a stream. It hands the events to sink.
func NewSSE(sink EventSink) SSE { return SSE{sink: sink} }

// part is a part of a line.
type part uint8

const (
	inKey   part = iota // the name of the field, up to the colon
	inSpace             // right behind the colon: one space there is not part of the value
	inValue
	unnamed // of JSON that stands in no field
)

type field uint8

const (
	otherField field = iota
	dataField
	eventField
)

const bom = "\uFEFF"

var newline = []byte{'\n'}

// Feed reads the next bytes of the stream.
func (s *SSE) Feed(p []byte) {
	if s.marked < uint8(len(bom)) {
		p = s.skipMark(p)
	}
	lf := -1 // the first LF from i on; looked for once, because all lines may end in CR
	for i := 0; i < len(p); {
		if s.cr {
			s.cr = false
			if p[i] == '\n' {
				i++
				continue
			}
		}
		if lf < i {
			lf = len(p)
			if n := bytes.IndexByte(p[i:], '\n'); n >= 0 {
				lf = i + n
			}
		}
		end := lf
		if n := bytes.IndexByte(p[i:lf], '\r'); n >= 0 {
			end = i + n
		}
		if end > i {
			s.piece(p[i:end])
		}
		if end == len(p) {
			return
		}
		s.endLine()
		s.cr = p[end] == '\r'
		i = end + 1
	}
}

// Close ends the stream. When no blank line ended the last event, the sink gets that event
// as Unterminated.
func (s *SSE) Close() {
	if s.part == inKey && !s.bare && !beginsField(s.key[:s.keyLen]) {
		s.stray = true
	}
	if s.data {
		s.dispatch(true)
	}
}

// beginsField tells whether a line that the stream ended in may go on as a field.
func beginsField(key []byte) bool {
	for _, name := range [...]string{"data", "event", "id", "retry", "error"} {
		if strings.HasPrefix(name, string(key)) {
			return true
		}
	}
	return false
}

// ErrorField reports whether the stream had a line "error: …". Clients ignore such a
// line; llama.cpp reported errors in one until 2025.
func (s *SSE) ErrorField() bool { return s.errorField }

// Stray reports whether the stream had a line that is no field of the standard, no comment
// and no error. A text without events has such lines.
func (s *SSE) Stray() bool { return s.stray }

// skipMark passes over a byte order mark at the start of the stream, and returns the
// bytes behind it.
func (s *SSE) skipMark(p []byte) []byte {
	for len(p) > 0 && s.marked < uint8(len(bom)) {
		if p[0] != bom[s.marked] {
			held := s.marked
			s.marked = uint8(len(bom))
			if held > 0 {
				s.piece([]byte(bom)[:held])
			}
			return p
		}
		s.marked++
		p = p[1:]
	}
	return p
}

// piece reads the next bytes of a line. p must not be empty.
func (s *SSE) piece(p []byte) {
	switch {
	case s.part == inKey && !s.bare && s.keyLen == 0 && p[0] == '{':
		if s.data {
			s.dispatch(false)
		}
		s.data, s.bare, s.part = true, true, unnamed
	case s.part == inKey && s.bare:
		p = s.readBare(p)
	case s.part == inKey:
		p = s.readKey(p)
	}
	if s.part == inSpace && len(p) > 0 {
		s.part = inValue
		if p[0] == ' ' {
			p = p[1:]
		}
	}
	if len(p) == 0 {
		return
	}
	switch {
	case s.part == unnamed, s.field == dataField:
		s.sink.Data(p)
	case s.field == eventField:
		s.nameLen += uint8(copy(s.name[s.nameLen:], p))
	}
}

// readBare reads the start of a line of JSON that stands in no field. A field of data ends the
// JSON.
func (s *SSE) readBare(p []byte) []byte {
	const key = "data:"
	for ; len(p) > 0; p = p[1:] {
		if p[0] != key[s.keyLen] {
			s.part = unnamed
			s.sink.Data(newline)
			if s.keyLen > 0 {
				s.sink.Data([]byte(key)[:s.keyLen])
			}
			return p
		}
		if s.keyLen++; int(s.keyLen) == len(key) {
			s.dispatch(false)
			s.startField(dataField)
			return p[1:]
		}
	}
	return nil
}

// readKey reads the name of a field and the colon, and returns the bytes behind them.
func (s *SSE) readKey(p []byte) []byte {
	if s.keyLen == 0 && len(p) > 5 && string(p[:5]) == "data:" {
		s.startField(dataField)
		return p[5:]
	}
	n := bytes.IndexByte(p, ':')
	end := n
	if n < 0 {
		end = len(p)
	}
	// No name that matters fills the whole key, so that a longer name equals none of them.
	s.keyLen += uint8(copy(s.key[s.keyLen:], p[:end]))
	if n < 0 {
		return nil
	}
	s.startField(s.fieldOf(s.key[:s.keyLen]))
	return p[n+1:]
}

// fieldOf returns the field that key names.
func (s *SSE) fieldOf(key []byte) field {
	switch string(key) {
	case "data":
		return dataField
	case "event":
		return eventField
	case "error":
		s.errorField = true
	case "", "id", "retry":
	default:
		s.stray = true
	}
	return otherField
}

// startField begins the value of a field.
func (s *SSE) startField(f field) {
	s.part, s.field = inSpace, f
	switch f {
	case dataField:
		if s.data {
			s.sink.Data(newline)
		}
		s.data = true
	case eventField:
		s.nameLen = 0
	}
}

// endLine reads the end of a line.
func (s *SSE) endLine() {
	switch {
	case s.part != inKey, s.bare && s.keyLen > 0:
	case s.keyLen > 0: // a field without a colon
		s.startField(s.fieldOf(s.key[:s.keyLen]))
	default:
		s.dispatch(false)
	}
	s.part, s.keyLen = inKey, 0
}

// dispatch ends the event.
func (s *SSE) dispatch(unterminated bool) {
	if s.data {
		s.sink.Event(Event{Name: s.name[:s.nameLen], Unterminated: unterminated, Bare: s.bare})
	}
	s.data, s.bare, s.nameLen = false, false, 0
}
