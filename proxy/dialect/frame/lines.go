package frame

import "bytes"

// Lines cuts a stream of JSON documents on lines of their own (NDJSON, JSON Lines): every
// line that is not blank is an event. The last line needs no end; its Event is
// Unterminated, because a line that the stream broke off in looks the same.
type Lines struct {
	sink EventSink
	by   byte // ends a line
	data bool // the line has data
}

// Separator ends a document of a sequence of JSON texts (RFC 7464). No document has it: a
// string has to escape it (RFC 8259, section 7).
const Separator = 0x1e

// NewLines returns a reader at the start of a stream. It hands the events to sink.
func NewLines(sink EventSink) *Lines { return &Lines{sink: sink, by: '\n'} }

// NewSequence returns a reader of documents that have a Separator behind them, or around
// them, and may have line ends inside.
func NewSequence(sink EventSink) *Lines { return &Lines{sink: sink, by: Separator} }

// Feed reads the next bytes of the stream.
func (l *Lines) Feed(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, l.by)
		if end < 0 {
			l.piece(p)
			return
		}
		l.piece(p[:end])
		l.end(false)
		p = p[end+1:]
	}
}

// Close ends the stream, and its last line.
func (l *Lines) Close() { l.end(true) }

// piece reads the next bytes of a line.
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
