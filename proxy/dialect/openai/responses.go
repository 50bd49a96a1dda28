package openai

import (
	"bytes"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Responses is the Responses API.
// https://platform.openai.com/docs/api-reference/responses
func Responses() dialect.Dialect {
	return &api{
		name:      "openai-responses",
		operation: exchange.Chat,
		match:     matchResponses,
		request: frame.MustShape(frame.Paths{
			"model":  askModel,
			"stream": askStream,
		}),
		// The events about a whole response have it in a field, a response that is
		// no stream is the document.
		response: frame.MustShape(join(under("response.", responsePaths), under("response.", metricsPaths),
			responsePaths, metricsPaths, frame.Paths{
				"type":            eventType,
				"delta":           delta,
				"logprobs.[]":     logprob,
				"item.type":       itemType,
				"item.name":       itemName,
				"item.id":         frame.Varying,
				"item_id":         frame.Varying,
				"sequence_number": frame.Varying,
				"obfuscation":     frame.Varying,
			})),
		conclude: concludeResponses,
	}
}

// responsePaths are the places in a response.
var responsePaths = frame.Paths{
	"model":                     model,
	"object":                    object,
	"error":                     failure,
	"status":                    status,
	"incomplete_details.reason": incomplete,
	"output.[].type":            itemType,
	"usage.input_tokens":        promptTokens,
	"usage.output_tokens":       completionTokens,
	"usage.total_tokens":        totalTokens,
	"usage.input_tokens_details.cached_tokens":      cachedTokens,
	"usage.input_tokens_details.cache_write_tokens": writtenTokens,
	"usage.output_tokens_details.reasoning_tokens":  reasoningTokens,
}

// matchResponses matches the making of a response, and the reading of one that was
// made in the background: GET …/responses/ID?stream=true.
func matchResponses(h *dialect.Head) bool {
	if h.Method != "GET" {
		return post("/responses")(h)
	}
	_, id, ok := strings.Cut(h.Path, "/responses/")
	return ok && id != "" && !strings.Contains(id, "/") && streamed(h)
}

// streamed says whether the query asks for a stream.
func streamed(h *dialect.Head) bool {
	for pair := range strings.SplitSeq(h.Query, "&") {
		if pair == "stream=true" {
			return true
		}
	}
	return false
}

// response is what Responses says in a message.
type response struct {
	event  event
	delta  int    // its length in bytes
	name   int    // length of the item's name
	call   bool   // there is a call of the client's tools among the items
	status event  // how the response ended
	cause  reason // why it is incomplete
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

// eventOf is the meaning of the type of an event. What ends in .delta was
// generated, but for the output of a tool that the provider runs.
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

// take takes a value that only Responses has.
func (r *response) take(v frame.Value) {
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
		r.cause = reasonOf(v.Text)
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

// concludeResponses gives the fields of a message their meaning.
func concludeResponses(d *decoder, name []byte) {
	m := &d.message
	m.choices = 1
	r := &m.api
	if d.form != stream {
		d.endResponse(r.status)
		return
	}
	if r.event == unknownEvent {
		r.event = eventOf(name)
	}
	switch r.event {
	case unknownEvent:
		d.notes |= unknownEventType
	case textEvent, thoughtEvent, summaryEvent:
		m.content = r.delta
		m.thought = r.event == thoughtEvent && r.delta > 0
		m.summed = r.event == summaryEvent && r.delta > 0
	case itemEvent:
		if r.call {
			m.content = r.name
		}
	case completedEvent, incompleteEvent, failedEvent, errorEvent:
		d.over = true
		d.endResponse(r.event)
	}
}

// endResponse takes how the response ended.
func (d *decoder) endResponse(how event) {
	m := &d.message
	r := &m.api
	var why reason
	switch {
	case how == failedEvent, how == errorEvent, m.failed:
		why = erred
		m.failed = true
	case how == incompleteEvent && r.cause == unfinished:
		why = otherReason
	case how == incompleteEvent:
		why = r.cause
	case how == completedEvent && r.call:
		why = toolCalls
	case how == completedEvent:
		why = stopped
	default:
		return
	}
	d.reasons[0] = why
	m.seen, m.ended = 1, 1
}
