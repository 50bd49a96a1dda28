// Package triton reads the generate extension of the KServe protocol, as NVIDIA Triton
// speaks it.
package triton

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Generate()} }

// Generate is generate and generate_stream of a model. The end of a stream is that of its
// connection. On request the backend of vLLM counts the tokens of the prompt.
// https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_generate.md
func Generate() dialect.Dialect {
	return &reading.API{
		Name: "triton-generate",
		Guide: reading.Guide{
			Request:    "`POST …/v2/models/MODEL/generate`, `/generate_stream`",
			FirstToken: "`text_output`; text of another output, with a note",
			Usage:      "`num_input_tokens`, if the request asks for it; one token a chunk",
			End:        "the end of the connection",
			Reference:  "https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_generate.md",
		},
		Operation: exchange.TextCompletion,
		Matches: func(h *dialect.Head) bool {
			return h.Method == "POST" && strings.Contains(h.Path, models) && (strings.HasSuffix(h.Path, "/generate") || streams(h))
		},
		Provider:  func(*dialect.Head) string { return "triton" },
		PathModel: model,
		Streams:   streams,
		Single:    true,
		Endless:   true,
		Request:   frame.MustShape(frame.Paths{}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"model_name":     reading.Model,
			"text_output":    reading.Content,
			"text_output.[]": reading.Content,
			// A model may name its outputs as it likes.
			"*":                reading.Payload,
			"*.[]":             reading.Payload,
			"model_version":    frame.Known,
			"id":               frame.Known,
			"finish_reason":    frame.Known, // of vLLM's backend, as is the next
			"logprobs":         frame.Known,
			"num_input_tokens": reading.InputTokens,
		})),
	}
}

const models = "/v2/models/"

// model is the model that the path names.
func model(h *dialect.Head) string {
	_, rest, _ := strings.Cut(h.Path, models)
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func streams(h *dialect.Head) bool { return strings.HasSuffix(h.Path, "/generate_stream") }
