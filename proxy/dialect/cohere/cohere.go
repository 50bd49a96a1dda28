// Package cohere reads the APIs of Cohere: chat in both versions, embeddings and rerank.
package cohere

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Chat(), OldChat(), Embed(), Rerank()} }

// Chat is version 2 of the chat API.
// https://docs.cohere.com/v2/reference/chat-stream
func Chat() dialect.Dialect {
	return &reading.API{
		Name: "cohere-chat",
		Guide: reading.Guide{
			Request:    "`POST …/v2/chat`",
			FirstToken: "text, thinking or a tool plan in a delta; the name or arguments of a tool; unknown text in a delta, with a note",
			Usage:      "`usage.tokens` of `message-end`",
			End:        "`message-end`",
			Reference:  "https://docs.cohere.com/v2/reference/chat-stream",
		},
		Operation: exchange.Chat,
		Matches:   post("/v2/chat"),
		Provider:  provider,
		Single:    true,
		NewReader: func() reading.Reader { return new(event) },
		Request:   asks,
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"type":                                        eventType,
			"finish_reason":                               reading.Finish,
			"delta.finish_reason":                         reading.Finish,
			"delta.error":                                 reading.Failure,
			"delta.message.content.text":                  reading.Content,
			"delta.message.content.[].text":               reading.Content,
			"delta.message.content.[].thinking":           reading.Reasoning,
			"delta.message.content.*":                     reading.Payload,
			"delta.message.content.type":                  frame.Known,
			"delta.message.*":                             reading.Payload,
			"delta.message.*.*":                           reading.Payload,
			"delta.message.role":                          frame.Known,
			"delta.message.citations":                     frame.Known,
			"delta.message.content.thinking":              reading.Reasoning,
			"delta.message.tool_plan":                     reading.Content,
			"delta.message.tool_calls.function.name":      reading.Content,
			"delta.message.tool_calls.function.arguments": reading.Content,
		}, reading.Under("usage.", usagePaths()), reading.Under("delta.usage.", usagePaths()))),
	}
}

// OldChat is version 1 of the chat API, whose stream comes as lines of JSON. A server of
// another API is known at the same path, whose chunks have choices (Writer).
// https://docs.cohere.com/v1/reference/chat-stream
func OldChat() dialect.Dialect {
	return &reading.API{
		Name: "cohere-v1-chat",
		Guide: reading.Guide{
			Request:    "`POST …/v1/chat`",
			FirstToken: "`text`, the name or arguments of a tool",
			Usage:      "`meta.tokens` of `stream-end`",
			End:        "`stream-end`",
			Reference:  "https://docs.cohere.com/v1/reference/chat-stream",
		},
		Operation:  exchange.Chat,
		Matches:    post("/v1/chat"),
		Provider:   provider,
		Single:     true,
		Terminator: "[DONE]",
		Framing:    reading.Lines,
		NewReader:  func() reading.Reader { return new(event) },
		Request:    asks,
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), compatible.ChatPaths(), frame.Paths{
			"event_type":                 eventType,
			"text":                       reading.Content,
			"tool_call_delta.name":       reading.Content,
			"tool_call_delta.parameters": reading.Content,
			"finish_reason":              reading.Finish,
			"model":                      reading.Model,
			"usage.prompt_tokens":        reading.InputTokens,
			"usage.completion_tokens":    reading.OutputTokens,
		}, reading.Under("meta.", usagePaths()), reading.Under("response.meta.", usagePaths()))),
	}
}

// Embed is the embeddings API.
func Embed() dialect.Dialect {
	v1, v2 := post("/v1/embed"), post("/v2/embed")
	return whole("cohere-embed", exchange.Embeddings, func(h *dialect.Head) bool { return v1(h) || v2(h) }, reading.Guide{
		Request: "`POST …/v2/embed`, `/v1/embed`", Usage: "`meta.billed_units`", Reference: "https://docs.cohere.com/reference/embed",
	})
}

// Rerank is the API that orders documents.
func Rerank() dialect.Dialect {
	return whole("cohere-rerank", exchange.Rerank, post("/v2/rerank"), reading.Guide{
		Request: "`POST …/v2/rerank`", Usage: "`meta.billed_units`", Reference: "https://docs.cohere.com/reference/rerank",
	})
}

// whole is an API that never streams.
func whole(name string, operation exchange.Operation, matches func(*dialect.Head) bool, guide reading.Guide) dialect.Dialect {
	return &reading.API{
		Name: name, Guide: guide, Operation: operation, Matches: matches, Provider: provider, Request: asks,
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), reading.Under("meta.", usagePaths()))),
	}
}

var asks = frame.MustShape(frame.Paths{"model": reading.AskModel, "stream": reading.AskStream})

// post matches a request to a path with this ending.
func post(suffix string) func(*dialect.Head) bool {
	return func(h *dialect.Head) bool {
		return h.Method == "POST" && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), suffix)
	}
}

func provider(*dialect.Head) string { return "cohere" }

// usagePaths are the places of counts. Billed units are a part of the tokens that the model
// read and wrote: they count where there is nothing else.
func usagePaths() frame.Paths {
	return frame.Paths{
		"billed_units.input_tokens":  reading.TimedInput,
		"billed_units.output_tokens": reading.TimedOutput,
		"tokens.input_tokens":        reading.InputTokens,
		"tokens.output_tokens":       reading.OutputTokens,
		"tokens.reasoning_tokens":    reading.ReasoningTokens,
		"cached_tokens":              reading.CachedTokens,
	}
}

// eventType is the field that Cohere alone has.
const eventType = reading.Own

// event reads the types of events.
type event struct {
	reading.Plain
	last    bool
	unknown bool
}

// Reset implements reading.Reader.
func (e *event) Reset() { *e = event{} }

// Value implements reading.Reader.
func (e *event) Value(_ *reading.Message, v frame.Value) {
	switch string(v.Text) {
	case "message-end", "stream-end":
		e.last = true
	case "message-start", "content-start", "content-delta", "content-end", "tool-plan-delta", "tool-call-start", "tool-call-delta",
		"tool-call-end", "citation-start", "citation-end", "debug", // of version 2
		"stream-start", "text-generation", "tool-calls-chunk", "tool-calls-generation", "citation-generation", "search-results",
		"search-queries-generation": // of version 1
	default:
		e.unknown = true
	}
}

// EndMessage implements reading.Reader.
func (e *event) EndMessage(m *reading.Message, _ []byte) {
	switch {
	case e.last:
		m.Last()
	case e.unknown && m.Streamed():
		m.Note(reading.UnknownEventType)
	}
}
