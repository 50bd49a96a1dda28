// Package responses reads OpenAI's Responses API, as OpenAI and the servers that imitate it
// speak it.
package responses

import (
	"bytes"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{HTTP()} }

// HTTP is the Responses API over HTTP.
// https://platform.openai.com/docs/api-reference/responses
func HTTP() dialect.Dialect {
	create := compatible.Post("/responses")
	return &reading.API{
		Name: "openai-responses",
		Guide: reading.Guide{
			Request:    "`POST …/responses`; `GET …/responses/ID?stream=true` repeats a stream",
			FirstToken: "any `.delta` but the output of a tool, the name of a call, a partial picture; a `.done` or the last event without deltas before it",
			Usage:      "`response.usage` of the last event",
			End:        "`response.completed`, `.incomplete`, `.failed`, `.cancelled`, or `error`",
			Reference:  "https://platform.openai.com/docs/api-reference/responses",
		},
		Operation:  exchange.Chat,
		Matches:    func(h *dialect.Head) bool { return create(h) || replays(h) },
		Provider:   compatible.Provider,
		PathModel:  compatible.Deployment,
		Replays:    replays,
		Single:     true,
		Terminator: compatible.Terminator,
		NewReader:  func() reading.Reader { return new(response) },
		Request: frame.MustShape(frame.Paths{
			"model":  reading.AskModel,
			"stream": reading.AskStream,
		}),
		// The events about a whole response have it in a field. A response that is no
		// stream is the document.
		Response: frame.MustShape(reading.Join(reading.Under("response.", responsePaths()), responsePaths(), frame.Paths{
			"type":         eventType,
			"delta":        delta,
			"delta.text":   delta,
			"output_index": index,
			// The events that end a part or an item of the response have all of it.
			"text":                 inFull,
			"refusal":              inFull,
			"arguments":            inFull,
			"input":                inFull,
			"transcript":           inFull,
			"part.text":            inFull,
			"part.refusal":         inFull,
			"item.arguments":       inFull,
			"item.input":           inFull,
			"item.result":          inFull, // a picture
			"item.content.[].text": inFull,
			"partial_image_b64":    inFull,
			"logprobs.[]":          reading.Logprob,
			"item.type":            itemType,
			"item.name":            itemName,
			"item.id":              frame.Varying,
			"item_id":              frame.Varying,
			"sequence_number":      frame.Varying,
			"obfuscation":          frame.Varying,
		})),
	}
}

// responsePaths are the places in a response.
func responsePaths() frame.Paths {
	return reading.Join(compatible.MetricsPaths(), frame.Paths{
		"model":                     reading.Model,
		"object":                    reading.Kind,
		"error":                     reading.Failure,
		"status":                    status,
		"incomplete_details.reason": incomplete,
		"output.[].type":            itemType,
		"output.[].arguments":       inFull,
		"output.[].content.[].text": inFull,
		"errors":                    reading.Failure,
		"base_resp.status_code":     reading.Status, // MiniMax
		"usage.input_tokens_details.cache_write_tokens": reading.WrittenTokens,
	}, reading.Under("usage.", compatible.UsagePaths()))
}

// The fields that Responses alone has.
const (
	eventType frame.Field = reading.Own + iota
	delta
	status
	incomplete // why a response is incomplete
	itemType
	itemName
	index  // of the item that an event is about
	inFull // text that the event has in full, whether it came in deltas before or not
)

// replays matches the reading of a response that was made in the background:
// GET …/responses/ID?stream=true.
func replays(h *dialect.Head) bool {
	_, id, ok := strings.Cut(h.Path, "/responses/")
	return ok && h.Method == "GET" && id != "" && !strings.Contains(id, "/") && streamed(h)
}

// streamed tells whether the query asks for a stream.
func streamed(h *dialect.Head) bool {
	for pair := range strings.SplitSeq(h.Query, "&") {
		if pair == "stream=true" {
			return true
		}
	}
	return false
}

// response reads what only Responses says in a message.
type response struct {
	reading.Plain
	said

	fed uint64 // the items that had content, by index
}

// said is what one message says.
type said struct {
	event  event
	delta  int            // its length in bytes
	name   int            // length of the item's name
	index  int64          // of the item
	whole  int            // length of the text that the message has in full
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
	errorEvent
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
	case "response.failed", "response.cancelled":
		return failedEvent
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
	case "failed", "cancelled":
		return failedEvent
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
	case completedEvent, incompleteEvent, failedEvent, errorEvent:
		m.Last()
		if r.fed == 0 && r.event != errorEvent {
			r.add(m, textEvent, r.whole)
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
	if r.fed&r.item() == 0 {
		r.add(m, kind, r.whole)
	}
}

// item is the bit of the item that the event is about.
func (r *response) item() uint64 { return 1 << min(r.index, 63) }

// end books how the response ended.
func (r *response) end(m *reading.Message, how event) {
	switch {
	case how == failedEvent, how == errorEvent, m.Failed():
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
