package openai

import (
	"bytes"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Responses is the Responses API.
// https://platform.openai.com/docs/api-reference/responses
func Responses() dialect.Dialect {
	create := post("/responses")
	return &reading.API{
		Name:       "openai-responses",
		Operation:  exchange.Chat,
		Matches:    func(h *dialect.Head) bool { return create(h) || replays(h) },
		Provider:   provider,
		PathModel:  deployment,
		Replays:    replays,
		Single:     true,
		Terminator: terminator,
		NewReader:  func() reading.Reader { return new(response) },
		Request: frame.MustShape(frame.Paths{
			"model":  reading.AskModel,
			"stream": reading.AskStream,
		}),
		// The events about a whole response have it in a field. A response that is no
		// stream is the document.
		Response: frame.MustShape(reading.Join(reading.Under("response.", responsePaths()), responsePaths(), frame.Paths{
			"type":            eventType,
			"delta":           delta,
			"logprobs.[]":     reading.Logprob,
			"item.type":       itemType,
			"item.name":       itemName,
			"item.id":         frame.Varying,
			"item_id":         frame.Varying,
			"sequence_number": frame.Varying,
			"obfuscation":     frame.Varying,
		})),
	}
}

// responsePaths are the places in a response.
func responsePaths() frame.Paths {
	return reading.Join(metricsPaths(), frame.Paths{
		"model":                     reading.Model,
		"object":                    reading.Kind,
		"error":                     reading.Failure,
		"status":                    status,
		"incomplete_details.reason": incomplete,
		"output.[].type":            itemType,
		"usage.input_tokens":        reading.InputTokens,
		"usage.output_tokens":       reading.OutputTokens,
		"usage.total_tokens":        reading.TotalTokens,
		"usage.input_tokens_details.cached_tokens":      reading.CachedTokens,
		"usage.input_tokens_details.cache_write_tokens": reading.WrittenTokens,
		"usage.output_tokens_details.reasoning_tokens":  reading.ReasoningTokens,
	})
}

// The fields that Responses alone has.
const (
	eventType frame.Field = reading.Own + iota
	delta
	status
	incomplete // why a response is incomplete
	itemType
	itemName
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
}

// said is what one message says.
type said struct {
	event  event
	delta  int            // its length in bytes
	name   int            // length of the item's name
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
	case "response.shell_call_output_content.delta":
		return progressEvent
	}
	rest, ok := bytes.CutPrefix(name, []byte("response."))
	kind, isDelta := bytes.CutSuffix(rest, []byte(".delta"))
	switch {
	case !ok:
		return unknownEvent
	case !isDelta:
		return progressEvent
	}
	switch string(kind) {
	case "reasoning_text", "reasoning":
		return thoughtEvent
	case "reasoning_summary_text", "reasoning_summary":
		return summaryEvent
	}
	return textEvent
}

// Reset implements reading.Reader.
func (r *response) Reset() { r.said = said{} }

// Value implements reading.Reader.
func (r *response) Value(_ *reading.Message, v frame.Value) {
	if v.Kind != frame.String {
		return
	}
	switch v.Field {
	case eventType:
		r.event = eventOf(v.Text)
	case delta:
		r.delta = v.Len
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
	case textEvent:
		m.AddContent(r.delta)
	case thoughtEvent:
		m.AddReasoning(r.delta)
	case summaryEvent:
		m.AddSummary(r.delta)
	case itemEvent:
		if r.call {
			m.AddContent(r.name)
		}
	case completedEvent, incompleteEvent, failedEvent, errorEvent:
		m.Last()
		r.end(m, r.event)
	}
}

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
