package frame

import "bytes"

// Lines cuts a stream of JSON documents on lines of their own (NDJSON, JSON Lines):
// every line is an event. A last line needs no end, but its Event is Unterminated, as
// a document that was cut looks the same.
type Lines struct {
	sink EventSink
	data bool // the line has data
}

// NewLines returns a reader at the start of a stream.
func NewLines(sink EventSink) *Lines { return &Lines{sink: sink} }

// Feed reads the next bytes of the stream.
func (l *Lines) Feed(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			l.piece(p)
			return
		}
		l.piece(p[:end])
		l.end(false)
		p = p[end+1:]
	}
}

// Close ends the stream.
func (l *Lines) Close() { l.end(true) }

// piece reads a part of a line.
func (l *Lines) piece(p []byte) {
	if !l.data {
		p = space(p)
	}
	if len(p) > 0 {
		l.data = true
		l.sink.Data(p)
	}
}

// end ends a line.
func (l *Lines) end(unterminated bool) {
	if l.data {
		l.data = false
		l.sink.Event(Event{Unterminated: unterminated})
	}
}
