// Package responses reads OpenAI's Responses API, over HTTP and over WebSocket.
package responses

import (
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{HTTP(), WebSocket()} }

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
		Response: responseShape,
	}
}

// responseShape has the places in an event. The events about a whole response have it in a
// field; a response that is no stream is the document.
var responseShape = frame.MustShape(reading.Join(reading.Under("response.", responsePaths()), responsePaths(), frame.Paths{
	"type":         eventType,
	"delta":        delta,
	"delta.text":   delta,
	"output_index": index,
	// The events that end a part or an item of the response have all of it.
	"text":                    inFull,
	"refusal":                 inFull,
	"arguments":               inFull,
	"input":                   inFull,
	"transcript":              inFull,
	"part.text":               inFull,
	"part.refusal":            inFull,
	"item.arguments":          inFull,
	"item.input":              inFull,
	"item.result":             inFull, // a picture
	"item.content.[].text":    inFull,
	"item.content.[].refusal": inFull,
	"item.summary.[].text":    summary,
	"partial_image_b64":       inFull,
	"logprobs.[]":             reading.Logprob,
	"item.type":               itemType,
	"item.call_id":            reading.ToolCallID,
	"item.name":               itemName,
}))

// responsePaths are the places in a response.
func responsePaths() frame.Paths {
	return reading.Join(reading.ErrorPaths(), compatible.MetricsPaths(), frame.Paths{
		"model":                           reading.Model,
		"object":                          reading.Kind,
		"status":                          status,
		"incomplete_details.reason":       incomplete,
		"id":                              reading.AnswerID,
		"output.[].type":                  itemType,
		"output.[].call_id":               reading.ToolCallID,
		"output.[].arguments":             inFull,
		"output.[].input":                 inFull,
		"output.[].result":                inFull,
		"output.[].name":                  itemName,
		"output.[].content.[].text":       inFull,
		"output.[].content.[].refusal":    inFull,
		"output.[].content.[].transcript": inFull,
		"status_details.reason":           incomplete, // Realtime
		"status_details.error":            reading.Failure,
		"usage.input_tokens_details.cache_write_tokens":                reading.WrittenTokens,
		"usage.input_token_details.cached_tokens":                      reading.CachedTokens, // Realtime
		"usage.input_token_details.audio_tokens":                       reading.AudioTokens,
		"usage.input_token_details.image_tokens":                       reading.ImageTokens,
		"usage.output_token_details.audio_tokens":                      reading.SpokenTokens,
		"usage.input_token_details.cached_tokens_details.audio_tokens": reading.CachedAudioTokens,
		"usage.input_token_details.cached_tokens_details.image_tokens": reading.CachedImageTokens,
		"usage.output_token_details.reasoning_tokens":                  reading.ReasoningTokens,
	}, reading.Under("usage.", compatible.UsagePaths()))
}

// replays matches the reading of a response that was made in the background:
// GET …/responses/ID?stream=true.
func replays(h *dialect.Head) bool {
	_, id, ok := strings.Cut(h.Path, "/responses/")
	return ok && h.Method == "GET" && id != "" && !strings.Contains(id, "/") && streamed(h)
}

// streamed tells whether the query asks for a stream.
func streamed(h *dialect.Head) bool {
	return slices.Contains(strings.Split(h.Query, "&"), "stream=true")
}
