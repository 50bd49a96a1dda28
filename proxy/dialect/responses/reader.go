package responses

import (
	"bytes"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// The fields that Responses alone has.
const (
	eventType frame.Field = reading.Own + iota
	delta
	status
	incomplete // why a response is incomplete
	itemType
	itemName
	index   // of the item that an event is about
	inFull  // text that the event has in full, whether it came in deltas before or not
	summary // of reasoning, in full
)

// response reads what only Responses says in a message.
type response struct {
	reading.Plain
	said

	session bool   // the client can cancel a response, which then ends early and well
	fed     uint64 // the items that had content, by index
}

// said is what one message says.
type said struct {
	event  event
	delta  int            // its length in bytes
	name   int            // length of the item's name
	index  int64          // of the item
	whole  int            // length of the text that the message has in full
	summed int            // length of the summary of reasoning that it has in full
	call   bool           // there is a call of the client's tools among the items
	status event          // how the response ended
	cause  reading.Reason // why it is incomplete
}

// event is the meaning of an event's type.
type event uint8

const (
	unknownEvent  event = iota
	progressEvent       // nothing that was generated
	textEvent
	thoughtEvent // reasoning
	summaryEvent // of reasoning
	itemEvent    // the start of an item
	wholeEvent   // a text in full
	wholeThoughtEvent
	wholeSummaryEvent
	completedEvent
	incompleteEvent
	failedEvent
	canceledEvent
	errorEvent
	doneEvent // the state of the response says how it ended
)

// eventOf is the meaning of the type of an event. All types that end in .delta bring
// generated text, but for the output of a tool that the provider runs.
func eventOf(name []byte) event {
	switch string(name) {
	case "response.output_text.delta":
		return textEvent
	case "response.output_item.added":
		return itemEvent
	case "response.completed":
		return completedEvent
	case "response.incomplete":
		return incompleteEvent
	case "response.failed":
		return failedEvent
	case "response.cancelled":
		return canceledEvent
	case "response.done":
		return doneEvent
	case "error":
		return errorEvent
	case "response.image_generation_call.partial_image":
		return wholeEvent
	case "response.shell_call_output_content.delta", "response.shell_call_output_content.done", "keepalive":
		return progressEvent
	}
	rest, ok := bytes.CutPrefix(name, []byte("response."))
	if !ok {
		return unknownEvent
	}
	if kind, isDelta := bytes.CutSuffix(rest, []byte(".delta")); isDelta {
		return textEvent + kindOf(kind)
	}
	if kind, isDone := bytes.CutSuffix(rest, []byte(".done")); isDone {
		return wholeEvent + kindOf(kind)
	}
	return progressEvent
}

// kindOf is what lies between the event of a text and that of a text of this kind.
func kindOf(kind []byte) event {
	switch {
	case bytes.HasPrefix(kind, []byte("reasoning_summary")):
		return summaryEvent - textEvent
	case bytes.HasPrefix(kind, []byte("reasoning")):
		return thoughtEvent - textEvent
	}
	return 0
}

// Reset implements reading.Reader.
func (r *response) Reset() { r.said = said{} }

// Value implements reading.Reader.
func (r *response) Value(_ *reading.Message, v frame.Value) {
	if v.Field == index {
		r.index, _ = v.Int()
	}
	if v.Kind != frame.String {
		return
	}
	switch v.Field {
	case eventType:
		r.event = eventOf(v.Text)
	case delta:
		r.delta = v.Len
	case inFull:
		r.whole += v.Len
	case summary:
		r.summed += v.Len
	case itemName:
		r.name = v.Len
	case itemType:
		switch string(v.Text) {
		case "function_call", "custom_tool_call":
			r.call = true
		}
	case status:
		r.status = statusOf(v.Text)
	case incomplete:
		r.cause = reading.ReasonOf(v.Text)
	}
}

// statusOf is the event that ends a response in this state.
func statusOf(status []byte) event {
	switch string(status) {
	case "completed":
		return completedEvent
	case "incomplete":
		return incompleteEvent
	case "failed":
		return failedEvent
	case "cancelled":
		return canceledEvent
	}
	return progressEvent
}

// EndMessage implements reading.Reader.
func (r *response) EndMessage(m *reading.Message, name []byte) {
	if !m.Streamed() {
		r.end(m, r.status)
		return
	}
	if r.event == unknownEvent {
		r.event = eventOf(name)
	}
	if r.event == doneEvent {
		r.event = max(r.status, completedEvent)
	}
	switch r.event {
	case unknownEvent:
		m.Note(reading.UnknownEventType)
	case textEvent, thoughtEvent, summaryEvent:
		r.add(m, r.event, r.delta)
	case itemEvent:
		if r.call {
			m.AddContent(r.name)
		}
	case wholeEvent, wholeThoughtEvent, wholeSummaryEvent:
		r.addWhole(m, r.event-wholeEvent+textEvent)
	case completedEvent, incompleteEvent, failedEvent, canceledEvent, errorEvent:
		m.Last()
		if r.fed == 0 && r.event != errorEvent {
			r.add(m, textEvent, r.answer())
		}
		r.end(m, r.event)
	}
}

// add adds n bytes of content of a kind to the item that the event is about.
func (r *response) add(m *reading.Message, kind event, n int) {
	if n == 0 {
		return
	}
	r.fed |= r.item()
	switch kind {
	case textEvent:
		m.AddContent(n)
	case thoughtEvent:
		m.AddReasoning(n)
	case summaryEvent:
		m.AddSummary(n)
	}
}

// addWhole adds a text that the event has in full, unless its item had content before:
// then the text, or the part of it that the reader wants to see, is a repetition.
func (r *response) addWhole(m *reading.Message, kind event) {
	switch {
	case r.fed&r.item() != 0:
	case r.answer() > 0:
		r.add(m, kind, r.answer())
	default:
		r.add(m, summaryEvent, r.summed)
	}
}

// answer is the length of the text that the message has in full. A call without arguments
// has its name.
func (r *response) answer() int {
	if r.whole == 0 && r.call {
		return r.name
	}
	return r.whole
}

// item is the bit of the item that the event is about.
func (r *response) item() uint64 { return 1 << min(r.index, 63) }

// end books how the response ended.
func (r *response) end(m *reading.Message, how event) {
	switch {
	case how == canceledEvent && r.session:
		m.Cancel()
	case how == failedEvent, how == canceledEvent, how == errorEvent, m.Failed():
		m.End(reading.Erred)
	case how == incompleteEvent && r.cause == reading.Unfinished:
		m.End(reading.OtherReason)
	case how == incompleteEvent:
		m.End(r.cause)
	case how == completedEvent && r.call:
		m.End(reading.ToolCalls)
	case how == completedEvent:
		m.End(reading.Stopped)
	}
}
