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
			Request:    "`POST …/models/MODEL:generateContent`, `:streamGenerateContent`",
			FirstToken: "text or a thought in a part, the name of a function, data of a picture; unknown text in a part, with a note",
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
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			// Protocol buffers have a second spelling of every name, which some gateways send.
			"model_version":                              reading.Model,
			"prompt_feedback.block_reason":               blockReason,
			"candidates.[].finish_reason":                finishReason,
			"usage_metadata.prompt_token_count":          reading.InputTokens,
			"usage_metadata.candidates_token_count":      reading.OutputTokens,
			"usage_metadata.thoughts_token_count":        reading.ReasoningTokens,
			"usage_metadata.cached_content_token_count":  reading.CachedTokens,
			"usage_metadata.tool_use_prompt_token_count": reading.OutsideTokens,
			"usage_metadata.total_token_count":           reading.TotalTokens,
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
	}, reading.Under("candidates.[].content.parts.[]", partPaths()), reading.Under("usageMetadata.", usagePaths()))
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

// partPaths are the places in a part of the content.
func partPaths() frame.Paths {
	return frame.Paths{
		"":                   part,
		".text":              partText,
		".thought":           partThought,
		".functionCall":      partCall,
		".functionCall.name": reading.Content,
		".functionCall.partialArgs.[].stringValue": reading.Content,
		".inlineData.data":                         reading.Content,
		".executableCode.code":                     reading.Content,
		".*":                                       reading.Payload,
		".*.*":                                     reading.Payload,
		".thoughtSignature":                        frame.Known,
		".codeExecutionResult":                     frame.Known, // of a tool of the provider
		".toolResponse":                            frame.Known,
		".functionResponse":                        frame.Known,
		".videoMetadata":                           frame.Known,
		".partMetadata":                            frame.Known,
	}
}

// usagePaths are the places of counts. Thoughts are no candidates, and results of the
// provider's tools are no prompt.
func usagePaths() frame.Paths {
	return frame.Paths{
		"promptTokenCount":        reading.InputTokens,
		"candidatesTokenCount":    reading.OutputTokens,
		"thoughtsTokenCount":      reading.ReasoningTokens,
		"cachedContentTokenCount": reading.CachedTokens,
		"toolUsePromptTokenCount": reading.OutsideTokens,
		"totalTokenCount":         reading.TotalTokens,
	}
}

// The fields that generateContent alone has.
const (
	part frame.Field = reading.Own + iota
	partText
	partThought
	partCall
	finishReason
	blockReason
)

// candidate reads what only generateContent says in a message.
type candidate struct {
	reading.Plain

	text    int  // length of the text of the part
	thought bool // the part is a thought
	call    bool // the candidate calls a tool, in this message
	called  bool // a candidate called a tool, in this message or before
	blocked bool
}

// Reset implements reading.Reader.
func (c *candidate) Reset() { *c = candidate{called: c.called} }

// Value implements reading.Reader.
func (c *candidate) Value(m *reading.Message, v frame.Value) {
	switch v.Field {
	case part:
		if v.Kind == frame.End {
			c.endPart(m)
		}
	case partText:
		if v.Kind == frame.String {
			c.text = v.Len
		}
	case partThought:
		c.thought = v.Kind == frame.True
	case partCall:
		c.call = c.call || v.Kind == frame.Object
	case finishReason:
		m.End(reasonOf(v))
	case blockReason:
		c.blocked = v.Kind == frame.String && v.Len > 0 || v.Kind == frame.Number
	}
}

// endPart books the text of a part, which may stand before or behind the word that calls
// it a thought.
func (c *candidate) endPart(m *reading.Message) {
	if c.thought {
		m.AddReasoning(c.text)
	} else {
		m.AddContent(c.text)
	}
	c.text, c.thought = 0, false
}

// EndChoice implements reading.Reader. A candidate that calls a tool stops like any other.
func (c *candidate) EndChoice(m *reading.Message) {
	if (c.call || c.called) && m.Reason() == reading.Stopped {
		m.End(reading.ToolCalls)
	}
}

// EndMessage implements reading.Reader.
func (c *candidate) EndMessage(m *reading.Message, _ []byte) {
	c.called = c.called || c.call
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
