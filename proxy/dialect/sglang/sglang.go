// Package sglang reads the native API of SGLang, and whole answers of Text Generation
// Inference, which has an API at the same path.
package sglang

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Generate()} }

// Generate is generate. An event has all of the text so far, or the new part of it, as the
// server was started, and the count of tokens so far.
// https://docs.sglang.ai/basic_usage/native_api.html
func Generate() dialect.Dialect {
	return &reading.API{
		Name: "sglang-generate",
		Guide: reading.Guide{
			Request:    "`POST` or `PUT …/generate`; whole answers of TGI, too",
			FirstToken: "text that is longer than before",
			Usage:      "`meta_info` of every event",
			End:        "`[DONE]`",
			Reference:  "https://docs.sglang.ai/basic_usage/native_api.html",
		},
		Operation: exchange.TextCompletion,
		Matches: func(h *dialect.Head) bool {
			return (h.Method == "POST" || h.Method == "PUT") && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), "/generate") &&
				!strings.HasSuffix(h.Path, "/api/generate") && !strings.Contains(h.Path, "/v2/models/")
		},
		Provider:   func(*dialect.Head) string { return "sglang" },
		Single:     true,
		Terminator: "[DONE]",
		NewReader:  func() reading.Reader { return new(text) },
		Request: frame.MustShape(frame.Paths{
			"model":             reading.AskModel,
			"stream":            reading.AskStream,
			"sampling_params.n": reading.AskChoices,
			"text":              reading.AskPrompt,
			"text.[]":           reading.AskPromptPart,
			"input_ids":         reading.AskPrompt,
			"input_ids.[]":      reading.AskPromptPart,
		}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"index":                           index,
			"text":                            soFar,
			"output_ids":                      ids,
			"meta_info.finish_reason.type":    reading.Finish,
			"meta_info.prompt_tokens":         reading.InputTokens,
			"meta_info.completion_tokens":     reading.OutputTokens,
			"meta_info.cached_tokens":         reading.CachedTokens,
			"meta_info.reasoning_tokens":      reading.ReasoningTokens,
			"generated_text":                  reading.Content, // of Text Generation Inference
			"[].generated_text":               reading.Content,
			"[].text":                         reading.Content, // of several prompts
			"[].meta_info.finish_reason.type": reading.Finish,
			"[].meta_info.completion_tokens":  reading.StrangeTokens, // nobody adds them up
			"details.finish_reason":           reading.Finish,
			"details.generated_tokens":        reading.OutputTokens,
		})),
	}
}

// The fields that generate alone has.
const (
	soFar frame.Field = reading.Own + iota
	index             // of a prompt among several
	ids               // the tokens so far, or the new ones
)

// text finds the new part of each text.
type text struct {
	reading.Plain

	length int
	index  int
	text   bool                    // the message has a text
	ids    bool                    // or the numbers of tokens: servers without a tokenizer have no more
	told   [reading.MaxChoices]int // the length of each text so far
}

// Reset implements reading.Reader.
func (t *text) Reset() { t.length, t.index, t.text, t.ids = 0, 0, false, false }

// Value implements reading.Reader.
func (t *text) Value(_ *reading.Message, v frame.Value) {
	switch v.Field {
	case soFar:
		t.length, t.text = textLength(v), true
	case index:
		if n, ok := v.Int(); ok && n < reading.MaxChoices {
			t.index = int(n)
		}
	case ids:
		t.ids = v.Kind == frame.Array
	}
}

// textLength is the length of v in bytes: null has none.
func textLength(v frame.Value) int {
	if v.Kind != frame.String {
		return 0
	}
	return v.Len
}

// EndMessage implements reading.Reader. A text that is not longer than before is new.
func (t *text) EndMessage(m *reading.Message, _ []byte) {
	m.SetIndex(t.index)
	if t.ids && !t.text {
		m.AddContent(1) // of unknown length
		return
	}
	told := &t.told[t.index]
	switch {
	case t.length > *told:
		m.AddContent(t.length - *told)
		*told = t.length
	case t.length > 0 && m.Reason() == reading.Unfinished:
		m.AddContent(t.length)
	}
}
