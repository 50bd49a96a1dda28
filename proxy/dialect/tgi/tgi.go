// Package tgi reads the native API of Hugging Face's Text Generation Inference.
package tgi

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Generate()} }

// Generate is generate_stream: an event is a token. The last one has the whole text once
// more, and the details if the request asks for them. Without details nothing says why the
// text ended. Whole answers at /generate are read by package sglang, which has an API at
// the same path.
// https://huggingface.github.io/text-generation-inference
func Generate() dialect.Dialect {
	return &reading.API{
		Name: "tgi-generate",
		Guide: reading.Guide{
			Request:    "`POST …/generate_stream`",
			FirstToken: "a token that is not special",
			Usage:      "`details` of the last event, if the request asks for them",
			End:        "the event with `generated_text`",
			Reference:  "https://huggingface.github.io/text-generation-inference",
		},
		Operation: exchange.TextCompletion,
		Matches: func(h *dialect.Head) bool {
			return streams(h) && !strings.Contains(h.Path, "/v2/models/") // of Triton
		},
		Provider:     func(*dialect.Head) string { return "tgi" },
		Streams:      streams,
		Single:       true,
		Unterminated: true,
		NewReader:    func() reading.Reader { return new(token) },
		Request:      frame.MustShape(frame.Paths{}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"token.id":                 reading.TokenID,
			"token.text":               tokenText,
			"token.special":            special,
			"generated_text":           wholeText,
			"details.finish_reason":    reading.Finish,
			"details.generated_tokens": reading.OutputTokens,
			"details.input_length":     reading.InputTokens,
		})),
	}
}

func streams(h *dialect.Head) bool {
	return h.Method == "POST" && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), "/generate_stream")
}

// The fields that generate_stream alone has.
const (
	tokenText frame.Field = reading.Own + iota
	special
	wholeText
)

// token reads the token of an event.
type token struct {
	reading.Plain

	said

	told bool // an event had text
}

// said is what one event says.
type said struct {
	text    int
	special bool
	ends    bool // it has the whole text
	whole   int  // length of that
}

// Reset implements reading.Reader.
func (t *token) Reset() { t.said = said{} }

// Value implements reading.Reader.
func (t *token) Value(_ *reading.Message, v frame.Value) {
	switch v.Field {
	case tokenText:
		if v.Kind == frame.String {
			t.text = v.Len
		}
	case special:
		t.special = v.Kind == frame.True
	case wholeText:
		if t.ends = v.Kind == frame.String; t.ends {
			t.whole = v.Len
		}
	}
}

// EndMessage implements reading.Reader. A special token is the end of a sequence, say: it
// is generated and no text. The whole text only repeats the tokens, if there were any.
func (t *token) EndMessage(m *reading.Message, _ []byte) {
	switch {
	case t.text > 0 && !t.special:
		m.AddContent(t.text)
		t.told = true
	case !t.told:
		m.AddContent(t.whole)
	}
	if t.ends {
		m.Last()
	}
}
