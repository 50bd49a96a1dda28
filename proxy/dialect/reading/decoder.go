package reading

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// decoder reads one exchange. It gathers a message of the response value by value, and
// books it when it is whole.
type decoder struct {
	api      *API
	reader   Reader // nil where the API has no fields of its own
	head     *dialect.Head
	request  request
	replay   bool
	streamed bool // the head asks for a stream

	form    form
	begun   bool // the body, though maybe with whitespace
	first   byte // of the body, past whitespace
	sse     frame.SSE
	cutter  cutter // of a stream that does not come as server-sent events
	json    frame.JSON
	work    *work         // nil while no message is read
	fresh   bool          // no data of the event was read
	trailed bool          // a text follows the document
	text    bool          // the data of the event is a text, in quotes or a single word
	marker  int           // bytes of the terminator that were read, or one of the constants
	at      time.Duration // of the bytes that are being read
	wholeAt time.Duration // of the end of the first document, where no stream was expected

	model         string
	provider      string  // that the request names
	server        string  // that the response gives away
	fingerprinted bool    // the version of the server came
	seen          indices // choices
	fed           indices // of them, those with content
	ended         indices // of them
	crowded       bool    // there are more than MaxChoices choices
	reasons       [MaxChoices]Reason
	told          contents
	tally         tally
	times         *times // nil before the server has told one
	done          bool   // the terminator came
	bare          bool   // nothing came before it
	over          bool   // a message came that is the last one of its API
	failed        bool
	canceled      bool // by the client
	suspect       bool // an event came that may be an error: it is no JSON, or a mere text
	accused       int  // how many events had come by then
	unended       bool // nothing but such an event made the response fail
	notes         notes

	failedAt    time.Duration
	events      int
	firstEvent  time.Duration
	firstToken  time.Duration
	lastToken   time.Duration
	firstAnswer time.Duration
	chunks      exchange.Chunks
	waited      dialect.Wait
	id          exchange.Fingerprint // of the response
	calls       []exchange.Fingerprint
}

// Data that is no terminator is one of these.
const (
	isDocument = -1
	isNothing  = -2
)

func newDecoder(a *API, h *dialect.Head) *decoder {
	d := &decoder{api: a, head: h, fresh: true, provider: a.Provider(h), replay: a.Replays != nil && a.Replays(h)}
	if a.NewReader != nil {
		d.reader = a.NewReader()
		d.reader.Reset()
	}
	d.request.shape, d.request.reader = a.Request, d.reader
	d.json = frame.NewJSON(a.Response, d)
	d.sse = frame.NewSSE(d)
	d.streamed = a.Streams != nil && a.Streams(h)
	d.tally.usage.cacheApart, d.tally.usage.reasonsApart = a.CacheApart, a.ReasoningApart
	return d
}

// Request implements dialect.Decoder.
func (d *decoder) Request(p []byte) { d.request.feed(p) }

// Ask implements dialect.Decoder.
func (d *decoder) Ask() dialect.Ask { return d.ask() }

// Feed implements dialect.Decoder.
func (d *decoder) Feed(p []byte, at time.Duration) {
	d.at = at
	d.begin()
	if d.form == unknownForm {
		p = d.sniff(p)
	}
	switch d.form {
	case events:
		d.sse.Feed(p)
	case document:
		d.readDocument(p)
	case framed:
		d.cutter.Feed(p)
	}
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
		d.fresh, d.text = false, isBareText(p[0])
		d.marker = isDocument
		if t := d.api.Terminator; t != "" && p[0] == t[0] {
			d.marker = 0
		}
	}
	if d.marker == isDocument {
		d.json.Feed(p)
		return
	}
	d.mark(p)
}

// isBareText tells whether data that begins with c is a text that passes for JSON, and no
// number or null.
func isBareText(c byte) bool { return c == '"' || c|0x20 >= 'a' && c|0x20 <= 'z' && c != 'n' }

// mark compares data that may be the terminator.
func (d *decoder) mark(p []byte) {
	for _, c := range p {
		if d.marker < 0 || d.marker == len(d.api.Terminator) {
			return
		}
		if c != d.api.Terminator[d.marker] {
			d.marker = isNothing
			return
		}
		d.marker++
	}
}

// Event implements frame.EventSink.
func (d *decoder) Event(e frame.Event) {
	switch whole := d.json.Close(); {
	case d.fresh && !e.Failed && !e.Corrupt: // without data, or with nothing but whitespace
		return
	case e.Bare:
		d.bareEvent(e, whole)
	case d.marker > 0 && d.marker == len(d.api.Terminator):
		if d.events == 0 { // so the stream is known to be empty
			d.events, d.firstEvent, d.bare = 1, d.at, true
		}
		d.done = true
	case e.Unterminated && !whole:
		d.notes |= 1 << UnterminatedEvent
		if e.Failed {
			d.fail()
		}
	default:
		d.event(e, whole)
	}
	d.fresh = true
	d.reset()
	d.json.Restart()
}

// bareEvent books JSON that stands in no field of the stream: only as an error does it say
// anything, because clients ignore it.
func (d *decoder) bareEvent(e frame.Event, whole bool) {
	if m := &d.work.message; !m.failed && (!m.blamed || !m.empty()) && string(e.Name) != "error" {
		return
	}
	d.notes |= 1 << ErrorField
	d.fail()
	d.event(e, whole)
}

// event books an event that has data.
func (d *decoder) event(e frame.Event, whole bool) {
	if d.events == 0 {
		d.firstEvent = d.at
	}
	d.events++
	if e.Unterminated && d.form == events { // a last line or element needs no end
		d.notes |= 1 << UnterminatedEvent
	}
	if e.Failed || string(e.Name) == "error" {
		d.fail()
	}
	if e.Corrupt {
		d.notes |= 1 << CorruptMessage
		return
	}
	if d.done {
		d.notes |= 1 << EventAfterDone
	}
	switch {
	case d.fresh: // a failure that says no more
		return
	case !whole, d.text: // no API has a bare text
		d.notes |= 1 << InvalidJSON
		d.suspect, d.accused = true, d.events
		return
	}
	d.book(e.Name)
}

// reset begins a message.
func (d *decoder) reset() {
	d.work.message.reset(d.api, d.streams())
	if d.reader != nil {
		d.reader.Reset()
	}
	if d.times != nil && d.times.told {
		d.times.pending, d.times.told = engine{}, false
	}
}

// Value implements frame.ValueSink: it reads a value of the response.
func (d *decoder) Value(v frame.Value) {
	m := &d.work.message
	switch v.Field {
	case Model:
		if d.model == "" && v.Kind == frame.String && v.Len > 0 {
			d.model = string(v.Text)
		}
	case Kind:
		m.failed = m.failed || string(v.Text) == "error"
	case Failure:
		m.failed = m.failed || v.Kind != frame.Array && blames(v) // an empty list is no error
	case Status:
		m.failed = m.failed || failedStatus(v)
	case Success:
		m.blamed = m.blamed || v.Kind == frame.False
	case Blame:
		m.blamed = m.blamed || v.Kind != frame.Object && blames(v)
	case Choice:
		switch v.Kind {
		case frame.Object:
			m.beginChoice()
		case frame.End:
			d.endChoice()
		}
	case Index, Finish, Delta:
		m.describe(v)
	case Content, Reasoning, Whole, Detail, Summary, Payload:
		m.generate(v)
	case AnswerID:
		if v.Kind == frame.String {
			d.id = exchange.FingerprintOf(v.Text)
		}
	case ToolCallID:
		d.call(v)
	case Logprob:
		m.tokens.logprobs += begins(v)
	case TokenID:
		m.tokens.ids += begins(v)
	case QueueMillis, PrefillMillis, DecodeMillis, QueueSeconds, PrefillSeconds, DecodeSeconds, QueueNanos, PrefillNanos, DecodeNanos:
		d.engineTime(v)
	case InputTokens, OutputTokens, TotalTokens, CachedTokens, WrittenTokens, ReasoningTokens,
		RejectedTokens, AudioTokens, ImageTokens, SpokenTokens, HourTokens, OutsideTokens, StrangeTokens, BilledSeconds,
		CachedAudioTokens, CachedImageTokens:
		m.count(&m.usage, v)
	case InputParts, CachedParts, WrittenParts, OutputParts, Part, PartName, PartTokens:
		m.breakDown(v)
	case TimedInput, TimedCached, TimedOutput:
		m.count(&m.timings, v)
	case Fingerprint:
		d.fingerprint(v)
	default:
		if v.Field < Own {
			d.server = d.api.Servers[v.Field-Server]
			return
		}
		d.reader.Value(m, v)
	}
}

// engineTime reads a time that the engine tells of itself.
func (d *decoder) engineTime(v frame.Value) {
	if d.times == nil {
		d.times = new(times)
	}
	d.times.pending.set(v)
	d.times.told = true
}

// fingerprint finds the server by its fingerprint, which is the same in every message.
func (d *decoder) fingerprint(v frame.Value) {
	if !d.fingerprinted && v.Kind == frame.String {
		d.fingerprinted = true
		d.server = cmp.Or(d.server, d.api.ServerOf(v.Text))
	}
}

// blames tells whether v, at a place for errors, is one. Some servers write null as text.
func blames(v frame.Value) bool {
	switch v.Kind {
	case frame.Object, frame.Array:
		return true
	case frame.String:
		return v.Len > 0 && string(v.Text) != "null"
	}
	return false
}

// failedStatus tells whether v is a code other than 0. Some servers write it as text.
func failedStatus(v frame.Value) bool {
	return (v.Kind == frame.Number || v.Kind == frame.String) && v.Len > 0 && string(v.Text) != "0"
}

// begins is 1 for a value and 0 for the end of one.
func begins(v frame.Value) int {
	if v.Kind == frame.End {
		return 0
	}
	return 1
}

// endChoice ends the choice that was read last.
func (d *decoder) endChoice() {
	m := &d.work.message
	m.gather(d.fed, &d.told)
	if d.reader != nil {
		d.reader.EndChoice(m)
	}
	m.endChoice()
}

// book books a message that is whole, and came in an event of the given name if it is
// part of a stream.
func (d *decoder) book(event []byte) {
	m := &d.work.message
	if d.reader != nil {
		d.reader.EndMessage(m, event)
	}
	if d.api.Single {
		d.endChoice()
	}
	if m.blamed && m.empty() && (d.api.Operation.Generates() || m.usage.known&^hasStrange == 0) {
		d.suspect, d.accused = true, d.events
	}
	d.crowded = d.crowded || m.crowded
	if !d.api.Single && m.usage.known != 0 && m.choices > 0 && m.ended == 0 && d.allEnded() {
		m.Note(UsageAfterFinish)
	}
	if d.times != nil && d.times.told {
		d.times.engine.merge(&d.times.pending)
	}
	d.notes |= m.notes
	d.over = d.over || m.last
	d.canceled = d.canceled || m.canceled
	if m.failed {
		d.fail()
	}
	d.seen |= m.seen
	d.fed |= m.fed
	if m.choices == 1 && m.fed.has(m.choice.index) {
		d.told.of(m.choice.index).add(m.content, m.mulled, m.choice.start)
	}
	d.end(m)
	tokens := d.tally.book(m, d.allEnded())
	if m.content == 0 || !m.streamed {
		return
	}
	if d.chunks.Count == 0 {
		d.firstToken = d.at
	} else if d.at-d.lastToken >= exchange.SilentFrom {
		d.waited = dialect.Wait{From: d.lastToken, To: d.at}
	}
	d.lastToken = d.at
	if d.firstAnswer == 0 && m.content > m.mulled {
		d.firstAnswer = d.at
	}
	d.chunks.Add(exchange.Chunk{At: d.at, Tokens: tokens, Bytes: m.content})
	if !m.summed {
		d.tally.counted += int64(max(1, tokens))
	}
}

// fail books that the response reports an error.
func (d *decoder) fail() {
	if !d.failed {
		d.failed, d.failedAt = true, d.at
	}
}

// end books why choices ended.
func (d *decoder) end(m *Message) {
	d.ended |= m.ended
	for left := m.ended; left != 0; left &= left - 1 {
		i := bits.TrailingZeros16(uint16(left))
		d.reasons[i] = m.reasons[i]
	}
}

// allEnded tells whether every choice said why it ended.
func (d *decoder) allEnded() bool {
	n := bits.OnesCount16(uint16(d.ended))
	return n > 0 && d.ended == d.seen && !d.crowded && int64(n) >= d.request.answers()
}

// MaxCalls is how many ids of calls of tools a Reply has at most: the first.
const MaxCalls = 16

// call books the id of a call of the client's tools. Streams repeat it.
func (d *decoder) call(v frame.Value) {
	if v.Kind != frame.String || len(d.calls) == MaxCalls || ofProvider(v.Text) {
		return
	}
	id := exchange.FingerprintOf(v.Text)
	if id == 0 || slices.Contains(d.calls, id) {
		return
	}
	if d.calls == nil {
		d.calls = make([]exchange.Fingerprint, 0, 4)
	}
	d.calls = append(d.calls, id)
}

// ofProvider reports whether the id is that of a call of a tool that Anthropic runs itself.
// https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-search-tool
func ofProvider(id []byte) bool {
	return bytes.HasPrefix(id, []byte("srvtoolu_")) || bytes.HasPrefix(id, []byte("mcptoolu_"))
}
