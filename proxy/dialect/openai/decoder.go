package openai

import (
	"math/bits"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// decoder reads one exchange. A message of the response is gathered field by field
// and booked when it is whole.
type decoder struct {
	api     *api
	head    *dialect.Head
	request request
	replay  bool

	form    form
	sse     frame.SSE
	json    frame.JSON
	message message
	fresh   bool          // no data of the event was read
	marker  int           // bytes of the terminator read, or one of the constants
	at      time.Duration // of the bytes that are being read

	model   string
	seen    indices // choices
	ended   indices // of them
	echoed  indices // of them, had the prompt
	crowded bool    // there are more choices than can be told apart
	reasons [maxChoices]reason
	tail    tail
	engine  engine
	done    bool // the terminator came
	over    bool // an event came that is the last one of its API
	failed  bool
	notes   notes

	events     int
	firstEvent time.Duration
	firstToken time.Duration
	lastToken  time.Duration
	chunks     exchange.Chunks
}

// form is what the response turned out to be.
type form uint8

const (
	unknownForm form = iota
	stream           // of events
	document         // JSON
	opaque           // anything else
)

// terminator is the data of the last event of a stream.
const terminator = "[DONE]"

// What data that is no terminator may be.
const (
	isDocument = -1
	isNothing  = -2
)

func newDecoder(a *api, h *dialect.Head) *decoder {
	d := &decoder{api: a, head: h, fresh: true, replay: h.Method == "GET"}
	d.request.json = frame.NewJSON(a.request, &d.request)
	d.json = frame.NewJSON(a.response, d)
	d.sse = frame.NewSSE(d)
	return d
}

// Request implements dialect.Decoder.
func (d *decoder) Request(p []byte) { d.request.json.Feed(p) }

// Ask implements dialect.Decoder.
func (d *decoder) Ask() dialect.Ask { return d.ask() }

// Feed implements dialect.Decoder.
func (d *decoder) Feed(p []byte, at time.Duration) {
	d.at = at
	if d.form == unknownForm {
		p = d.sniff(p)
	}
	switch d.form {
	case stream:
		d.sse.Feed(p)
	case document:
		d.json.Feed(p)
	}
}

// sniff finds out the form of the response by the first byte that is no
// whitespace, which also stands before a body to keep the connection alive. The
// content type alone tells too little: errors come as JSON where events were asked
// for, and proxies lose it.
func (d *decoder) sniff(p []byte) []byte {
	for len(p) > 0 && (p[0] <= ' ' || p[0] == 0xEF || p[0] == 0xBB || p[0] == 0xBF) {
		p = p[1:]
	}
	if len(p) == 0 {
		return nil
	}
	switch c := p[0]; {
	case c == '{' || c == '[':
		d.form = document
	case d.head.Response.ContentType == "text/event-stream", d.head.Response.Status < 400 && startsEvent(c):
		d.form = stream
		d.json.Repeating()
	default:
		d.form = opaque
	}
	return p
}

// startsEvent says whether an SSE stream may begin with c: a comment, or one of
// the fields data, event, id, retry.
func startsEvent(c byte) bool {
	return c == ':' || c == 'd' || c == 'e' || c == 'i' || c == 'r'
}

// Data implements frame.EventSink.
func (d *decoder) Data(p []byte) {
	if d.fresh {
		for len(p) > 0 && p[0] <= ' ' {
			p = p[1:]
		}
		if len(p) == 0 {
			return
		}
		d.fresh = false
		d.marker = isDocument
		if p[0] == terminator[0] {
			d.marker = 0
		}
	}
	if d.marker == isDocument {
		d.json.Feed(p)
		return
	}
	d.mark(p)
}

// mark compares what may be the terminator.
func (d *decoder) mark(p []byte) {
	for _, c := range p {
		if d.marker < 0 || d.marker == len(terminator) {
			return
		}
		if c != terminator[d.marker] {
			d.marker = isNothing
			return
		}
		d.marker++
	}
}

// Event implements frame.EventSink.
func (d *decoder) Event(e frame.Event) {
	switch whole := d.json.Close(); {
	case d.fresh: // without data, or with nothing but whitespace
		return
	case d.marker == len(terminator):
		d.done = true
	case e.Unterminated && !whole:
		d.notes |= unterminatedEvent
	default:
		d.event(e, whole)
	}
	d.fresh = true
	d.message = message{}
	d.json.Restart()
}

// event books an event that has data.
func (d *decoder) event(e frame.Event, whole bool) {
	if d.events == 0 {
		d.firstEvent = d.at
	}
	d.events++
	if e.Unterminated {
		d.notes |= unterminatedEvent
	}
	if string(e.Name) == "error" {
		d.failed = true
	}
	if d.done {
		d.notes |= eventAfterDone
	}
	if !whole {
		d.notes |= invalidJSON
		return
	}
	if d.api.conclude != nil {
		d.api.conclude(d, e.Name)
	}
	d.book()
}

// book takes what a message says of the response, and its content.
func (d *decoder) book() {
	m := &d.message
	if m.usage.told != 0 && m.choices > 0 && m.ended == 0 && d.allEnded() {
		d.notes |= usageAfterFinish
	}
	d.failed = d.failed || m.failed
	d.seen |= m.seen
	d.ended |= m.ended
	tokens := d.tail.take(m, d.allEnded())
	if m.content == 0 || d.form != stream {
		return
	}
	if d.chunks.Count == 0 {
		d.firstToken = d.at
	}
	d.lastToken = d.at
	d.chunks.Add(exchange.Chunk{At: d.at, Tokens: tokens, Bytes: m.content})
	if !m.summed {
		d.tail.counted += int64(max(1, tokens))
	}
}

// allEnded says whether every choice told why it ended.
func (d *decoder) allEnded() bool {
	n := bits.OnesCount16(uint16(d.ended))
	return n > 0 && d.ended == d.seen && !d.crowded && int64(n) >= d.request.count
}
