// Package anthropic reads the Messages API, as Anthropic and the servers that imitate
// it speak it.
package anthropic

import (
	"net/url"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Messages(), Vertex(), Bedrock()} }

// Messages is the Messages API.
// https://docs.anthropic.com/en/api/messages
func Messages() dialect.Dialect {
	return api(&reading.API{
		Name: "anthropic-messages",
		Guide: reading.Guide{
			Request:    "`POST …/v1/messages`; `POST …/messages` with the header `anthropic-version`",
			FirstToken: "text, thinking, or the arguments of a tool in a delta; the name of a tool; unknown text in a delta, with a note",
			Usage:      "`message_start`, replaced by `message_delta`; cached and written tokens stand beside the input",
			End:        "`message_stop`, or `error`",
			Reference:  "https://docs.anthropic.com/en/api/messages",
		},
		Matches:    matches,
		Provider:   func(*dialect.Head) string { return "anthropic" },
		Terminator: "[DONE]", // of gateways that translate OpenAI's streams
		Response:   frame.MustShape(reading.Join(AnswerPaths(), typePath())),
	})
}

// Vertex is the Messages API of Google's Vertex AI, where the path names the model.
// https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude
func Vertex() dialect.Dialect {
	streams := func(h *dialect.Head) bool { return strings.HasSuffix(h.Path, ":streamRawPredict") }
	return api(&reading.API{
		Name: "anthropic-vertex",
		Guide: reading.Guide{
			Request:    "`POST …/publishers/anthropic/models/MODEL:rawPredict`, `:streamRawPredict`",
			FirstToken: "text, thinking, or the arguments of a tool in a delta; the name of a tool; unknown text in a delta, with a note",
			Usage:      "`message_start`, replaced by `message_delta`; cached and written tokens stand beside the input",
			End:        "`message_stop`, or `error`",
			Reference:  "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude",
		},
		Matches: func(h *dialect.Head) bool {
			return h.Method == "POST" && strings.Contains(h.Path, "/publishers/anthropic/models/") &&
				(streams(h) || strings.HasSuffix(h.Path, ":rawPredict"))
		},
		Provider: func(*dialect.Head) string { return "gcp.vertex_ai" },
		PathModel: func(h *dialect.Head) string {
			_, rest, _ := strings.Cut(h.Path, "/publishers/anthropic/models/")
			model, _, _ := strings.Cut(rest, ":")
			return model
		},
		Streams:  streams,
		Response: frame.MustShape(reading.Join(AnswerPaths(), typePath())),
	})
}

// Bedrock is the Messages API as Amazon Bedrock's InvokeModel has it: the path names the
// model, and every event comes wrapped in a message of an AWS event stream. Bedrock adds
// metrics to the last event.
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html
func Bedrock() dialect.Dialect {
	streams := func(h *dialect.Head) bool { return strings.HasSuffix(h.Path, "/invoke-with-response-stream") }
	return api(&reading.API{
		Name: "anthropic-bedrock",
		Guide: reading.Guide{
			Request:    "`POST …/model/MODEL/invoke`, `/invoke-with-response-stream`, if the model's name has `anthropic.`",
			FirstToken: "text, thinking, or the arguments of a tool in a delta; the name of a tool; unknown text in a delta, with a note",
			Usage:      "`message_start`, replaced by `message_delta`; cached and written tokens stand beside the input",
			End:        "`message_stop`, or an exception",
			Reference:  "https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html",
		},
		Matches: func(h *dialect.Head) bool {
			return h.Method == "POST" && strings.Contains(BedrockModel(h), "anthropic.") && (streams(h) || strings.HasSuffix(h.Path, "/invoke"))
		},
		Provider:  func(*dialect.Head) string { return "aws.bedrock" },
		PathModel: BedrockModel,
		Streams:   streams,
		Framing:   reading.Wrapped,
		Response: frame.MustShape(reading.Join(AnswerPaths(), typePath(), frame.Paths{
			"amazon-bedrock-invocationMetrics.firstByteLatency": reading.PrefillMillis,
		})),
	})
}

// BedrockModel is the model that a path of Bedrock names, or the ARN of a profile.
func BedrockModel(h *dialect.Head) string {
	_, rest, ok := strings.Cut(h.Path, "/model/")
	i := strings.LastIndexByte(rest, '/')
	if !ok || i < 0 {
		return ""
	}
	if plain, err := url.PathUnescape(rest[:i]); err == nil {
		return plain
	}
	return rest[:i]
}

// api fills in what all variants share.
func api(a *reading.API) dialect.Dialect {
	a.Operation = exchange.Chat
	a.Single = true
	a.CacheApart = true
	a.NewReader = func() reading.Reader { return new(message) }
	a.Request = frame.MustShape(frame.Paths{
		"model":  reading.AskModel,
		"stream": reading.AskStream,
	})
	return a
}

// matches tells whether a request makes a message. OpenAI has an API at a path that
// ends alike, /v1/threads/ID/messages, and no version field.
func matches(h *dialect.Head) bool {
	path := strings.TrimSuffix(h.Path, "/")
	if h.Method != "POST" || !strings.HasSuffix(path, "/messages") {
		return false
	}
	return strings.HasSuffix(path, "/v1/messages") || h.Header.Get("anthropic-version") != nil
}
