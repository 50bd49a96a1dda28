package reading

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// form is how a response comes.
type form uint8

const (
	unknownForm form = iota
	events           // a stream of server-sent events
	framed           // a stream in the API's other framing
	document         // one JSON document
	opaque           // anything else
)

// Framing is how a stream may come that is not made of server-sent events.
type Framing uint8

// The framings.
const (
	EventsOnly Framing = iota // there is no other
	Lines                     // JSON documents on lines of their own, called so by the content type
	Elements                  // elements of one JSON array
	Binary                    // AWS event stream messages, called so by the content type
	Wrapped                   // the same, with the data as base64 in an object
	Parts                     // the same, with a stream of events or lines cut anywhere into messages
	Sequence                  // JSON documents with separators behind them, called so by the content type
)

// cutter cuts a stream into messages.
type cutter interface {
	Feed(p []byte)
	Close()
}

// streams tells whether the response is a stream.
func (d *decoder) streams() bool { return d.form == events || d.form == framed }

// sniff finds out the form of the response. The first byte counts that is no
// whitespace, which some servers send ahead of a body to keep the connection alive.
// The content type alone tells too little: errors come as JSON where the client asked
// for events, and proxies lose it.
func (d *decoder) sniff(p []byte) []byte {
	if len(p) > 0 && d.head.Response.ContentType == "application/vnd.amazon.eventstream" && d.streamMessages() {
		return p
	}
	if len(p) > 0 && p[0] == 0 && !d.begun && d.streamMessages() { // the length of a message: neither JSON nor text begins so
		return p
	}
	if len(p) > 0 && d.api.Framing == Sequence && d.head.Response.ContentType == dialect.Sequence {
		d.streamBy(frame.NewSequence(d))
		return p
	}
	d.begun = d.begun || len(p) > 0
	for len(p) > 0 && (p[0] <= ' ' || p[0] == 0xEF || p[0] == 0xBB || p[0] == 0xBF) {
		p = p[1:]
	}
	if len(p) == 0 {
		return nil
	}
	d.first = p[0]
	switch c := p[0]; {
	case c == '[' && d.api.Framing == Elements:
		d.streamBy(frame.NewElements(d))
	case c == '{' && d.comesInLines():
		d.streamBy(frame.NewLines(d))
	case startsDocument(c):
		d.form = document
	case d.head.Response.ContentType == "text/event-stream", d.head.Response.Status < 400 && startsEvent(c):
		d.form = events
		d.stream()
	default:
		d.form = opaque
	}
	return p
}

// streamBy begins a stream that c cuts.
func (d *decoder) streamBy(c cutter) {
	d.form, d.cutter = framed, c
	d.stream()
}

// streamMessages begins a stream of AWS event stream messages, if the API has such.
func (d *decoder) streamMessages() bool {
	switch d.api.Framing {
	case Binary:
		d.streamBy(frame.NewEventStream(d))
	case Wrapped:
		d.streamBy(frame.NewEventStream(frame.NewWrapped(d)))
	case Parts:
		d.streamBy(frame.NewParts(d))
	default:
		return false
	}
	return true
}

// stream begins a stream.
func (d *decoder) stream() {
	d.work.message.streamed = true
	d.json.Repeating()
}

// startsEvent tells whether a stream of server-sent events may begin with c: with a
// comment, or with one of the fields data, event, id, retry.
func startsEvent(c byte) bool {
	return c == ':' || c == 'd' || c == 'e' || c == 'i' || c == 'r'
}

// isText tells whether a body that begins with c is text, such as the page of a proxy. A type
// of text says so. Without a type, or with one of bytes, an ASCII letter or sign does.
func isText(contentType string, c byte) bool {
	switch contentType {
	case "text/csv":
		return false
	case "", "application/octet-stream":
		return ' ' < c && c < 0x7F
	}
	return strings.HasPrefix(contentType, "text/") || strings.Contains(contentType, "json") || strings.HasSuffix(contentType, "xml")
}

// comesInLines tells whether a body that may be JSON or lines of it is the latter. Where the
// type is lost, the request decides: it asked for a stream or not.
func (d *decoder) comesInLines() bool {
	of := d.head.Response
	return isLines(of.ContentType) || d.api.Framing == Lines && of.ContentType != "application/json" && of.Status < 400 && d.asksStream()
}

// readDocument reads the next bytes of a response that may be one JSON document. If another
// document follows, and the request asked for a stream, then the documents are its lines.
func (d *decoder) readDocument(p []byte) {
	whole := d.json.Whole()
	p = d.json.FeedOne(p)
	if !whole && d.json.Whole() {
		d.wholeAt = d.at
	}
	if len(p) == 0 {
		return
	}
	d.trailed = d.trailed || d.json.Whole() && !startsDocument(p[0])
	if p[0] != '{' || !d.json.Whole() || d.head.Response.Status >= 400 || !d.asksStream() {
		d.json.Feed(p)
		return
	}
	now := d.at
	d.at, d.fresh = d.wholeAt, false
	d.streamBy(frame.NewLines(d))
	d.Event(frame.Event{})
	d.at = now
	d.cutter.Feed(p)
}

// startsDocument tells whether a JSON document may begin with c that is no single word.
func startsDocument(c byte) bool { return c == '{' || c == '[' }

// isLines tells whether a content type is that of JSON documents on lines of their own.
// It has no registered name, and several in use.
func isLines(contentType string) bool {
	switch contentType {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines", "application/stream+json":
		return true
	}
	return false
}
