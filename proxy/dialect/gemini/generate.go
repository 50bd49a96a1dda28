package gemini

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Generate is generateContent and streamGenerateContent. A stream comes as server-sent
// events if the query has alt=sse, and as one JSON array otherwise. The end of the
// connection is its only end.
// https://ai.google.dev/api/generate-content
func Generate() dialect.Dialect {
	return &reading.API{
		Name: "gemini-generate",
		Guide: reading.Guide{
			Request:    "`POST …/models/MODEL:generateContent`, `:streamGenerateContent`; `POST …/v1internal:…` of Code Assist, with the question in `request` and the answer in `response`",
			FirstToken: "text or a thought in a part, the name or partial arguments of a function, code, data of a picture; unknown text in a part, with a note",
			Usage:      "`usageMetadata` of the last message; thoughts stand beside the candidates",
			End:        "the end of the connection, behind a `finishReason`",
			Reference:  "https://ai.google.dev/api/generate-content",
		},
		Operation:      exchange.GenerateContent,
		Matches:        func(h *dialect.Head) bool { return verb(h) == "generateContent" || streams(h) },
		Provider:       provider,
		PathModel:      model,
		Streams:        streams,
		ReasoningApart: true,
		Unterminated:   true,
		Framing:        reading.Elements,
		NewReader:      func() reading.Reader { return new(candidate) },
		Request:        frame.MustShape(reading.Join(askPaths(), reading.Under("request.", askPaths()), frame.Paths{"model": reading.AskModel})),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), reading.Under("usage_metadata.", spelledOtherwise()), frame.Paths{
			// Protocol buffers have a second spelling of every name, which some gateways send.
			"model_version":                reading.Model,
			"prompt_feedback.block_reason": blockReason,
			"candidates.[].finish_reason":  finishReason,
		}, answerPaths(), reading.Under("response.", answerPaths()))),
	}
}

// answerPaths are the places in an answer. Code Assist, which coding agents use, has it in
// the field response.
func answerPaths() frame.Paths {
	return reading.Join(frame.Paths{
		"modelVersion":               reading.Model,
		"promptFeedback.blockReason": blockReason,
		"candidates.[]":              reading.Choice,
		"candidates.[].index":        reading.Index,
		"candidates.[].finishReason": finishReason,
	}, reading.Under("candidates.[].content.parts.[]", PartPaths()), reading.Under("usageMetadata.", UsagePaths()))
}

// askPaths are the places in a request. Google's API takes every name in two spellings.
// https://protobuf.dev/programming-guides/json/
func askPaths() frame.Paths {
	return reading.As(reading.AskChoices, frame.Paths{
		"generationConfig.candidateCount": 0, "generationConfig.candidate_count": 0,
		"generation_config.candidateCount": 0, "generation_config.candidate_count": 0,
	})
}

func streams(h *dialect.Head) bool { return verb(h) == "streamGenerateContent" }

// UsagePaths are the places of counts. Thoughts are no candidates, and results of the
// provider's tools are no prompt.
func UsagePaths() frame.Paths {
	return reading.Join(frame.Paths{
		"promptTokenCount":        reading.InputTokens,
		"candidatesTokenCount":    reading.OutputTokens,
		"thoughtsTokenCount":      reading.ReasoningTokens,
		"cachedContentTokenCount": reading.CachedTokens,
		"toolUsePromptTokenCount": reading.OutsideTokens,
		"totalTokenCount":         reading.TotalTokens,
	},
		reading.Breakdown("promptTokensDetails", reading.InputParts, "modality", "tokenCount"),
		reading.Breakdown("cacheTokensDetails", reading.CachedParts, "modality", "tokenCount"),
		reading.Breakdown("candidatesTokensDetails", reading.OutputParts, "modality", "tokenCount"))
}

// spelledOtherwise are UsagePaths in the spelling of protocol buffers.
func spelledOtherwise() frame.Paths {
	return reading.Join(frame.Paths{
		"prompt_token_count":          reading.InputTokens,
		"candidates_token_count":      reading.OutputTokens,
		"thoughts_token_count":        reading.ReasoningTokens,
		"cached_content_token_count":  reading.CachedTokens,
		"tool_use_prompt_token_count": reading.OutsideTokens,
		"total_token_count":           reading.TotalTokens,
	},
		reading.Breakdown("prompt_tokens_details", reading.InputParts, "modality", "token_count"),
		reading.Breakdown("cache_tokens_details", reading.CachedParts, "modality", "token_count"),
		reading.Breakdown("candidates_tokens_details", reading.OutputParts, "modality", "token_count"))
}

// The fields that generateContent alone has.
const (
	finishReason = Own + iota
	blockReason
)

// candidate reads what only generateContent says in a message.
type candidate struct {
	Parts
	blocked bool
}

// Reset implements reading.Reader.
func (c *candidate) Reset() {
	c.Parts.Reset()
	c.blocked = false
}

// Value implements reading.Reader.
func (c *candidate) Value(m *reading.Message, v frame.Value) {
	switch v.Field {
	case finishReason:
		m.End(reasonOf(v))
	case blockReason:
		c.blocked = v.Kind == frame.String && v.Len > 0 || v.Kind == frame.Number
	default:
		c.Parts.Value(m, v)
	}
}

// EndMessage implements reading.Reader.
func (c *candidate) EndMessage(m *reading.Message, event []byte) {
	c.Parts.EndMessage(m, event)
	if c.blocked {
		m.Block()
	}
}

// reasonOf is the reason that v names. With enum-encoding=int it is a number; above 8 the
// numbers of the Gemini API and of Vertex AI differ.
func reasonOf(v frame.Value) reading.Reason {
	if v.Kind == frame.String {
		if strings.EqualFold(string(v.Text), "OTHER") {
			return reading.Erred
		}
		return reading.ReasonOf(v.Text)
	}
	switch n, ok := v.Int(); {
	case !ok, n == 0:
		return reading.Unfinished
	case n == 1:
		return reading.Stopped
	case n == 2:
		return reading.TooLong
	case n == 5:
		return reading.Erred
	case n <= 8:
		return reading.Filtered
	}
	return reading.OtherReason
}
