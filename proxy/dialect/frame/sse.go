// Package frame cuts a response's bytes into messages and finds in them the few
// values that a dialect needs. The caller hands bytes on as they arrive, cut anywhere.
// Every reader keeps a constant amount of memory, whatever comes.
package frame

import "bytes"

// MaxEventName bounds how much of an event's name is kept.
const MaxEventName = 64

// An EventSink gets the messages of a stream, whatever its framing calls them.
type EventSink interface {
	// Data gets the next piece of the data of an event, which may come in any number
	// of pieces. The sink must not keep p.
	Data(p []byte)
	// Event ends the event whose data came before. There is none for an event without
	// data.
	Event(e Event)
}

// Event is the end of an event.
type Event struct {
	// Name is its type, the first MaxEventName bytes of it, empty for the default
	// one. It is valid during the call only.
	Name []byte
	// Unterminated says that the stream ended within the event. The standard of
	// server-sent events discards such an event, but clients differ.
	Unterminated bool
	// Failed says that the framing itself calls the event an error.
	Failed bool
	// Corrupt says that the event's checksum is wrong.
	Corrupt bool
}

// SSE cuts a stream of server-sent events, as the WHATWG HTML standard, section
// 9.2.6, has them interpreted: LF, CR or CRLF ends a line. It hands data on as it
// comes and keeps none of it.
type SSE struct {
	sink EventSink

	part   part
	field  field
	marked uint8 // bytes of the byte order mark seen; len(bom) when past it
	cr     bool  // the last line ended in CR: an LF that follows belongs to it
	data   bool  // the event has data

	key     [8]byte // start of the field's name
	keyLen  uint8
	name    [MaxEventName]byte
	nameLen uint8

	errorField bool
}

// NewSSE returns a reader at the start of a stream that tells sink.
func NewSSE(sink EventSink) SSE { return SSE{sink: sink} }

// part is the part of a line.
type part uint8

const (
	inKey   part = iota // the field's name, up to the colon
	inSpace             // behind the colon, where one space is not part of the value
	inValue
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
	lf := -1 // the first LF from i on, looked for once: lines may all end in CR
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

// Close ends the stream. An event that no blank line ended is told as it is.
func (s *SSE) Close() {
	if s.data {
		s.dispatch(true)
	}
}

// ErrorField says that the stream had a line "error: …", which clients ignore:
// llama.cpp reported errors so until 2025.
func (s *SSE) ErrorField() bool { return s.errorField }

// skipMark drops a byte order mark from the start of the stream.
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

// piece reads a part of a line, which is not empty.
func (s *SSE) piece(p []byte) {
	if s.part == inKey {
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
	switch s.field {
	case dataField:
		s.sink.Data(p)
	case eventField:
		s.nameLen += uint8(copy(s.name[s.nameLen:], p))
	}
}

// readKey reads the name of a field and its colon and returns what follows.
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
	// A longer name is none that matters, and stays different from all that do.
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
	case s.part != inKey:
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
		s.sink.Event(Event{Name: s.name[:s.nameLen], Unterminated: unterminated})
	}
	s.data, s.nameLen = false, 0
}
