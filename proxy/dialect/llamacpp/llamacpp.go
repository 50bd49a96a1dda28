// Package llamacpp reads the native API of llama.cpp's server.
package llamacpp

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Completion()} }

// Completion is completion and infill.
// https://github.com/ggml-org/llama.cpp/tree/master/tools/server
func Completion() dialect.Dialect {
	return &reading.API{
		Name: "llamacpp-completion",
		Guide: reading.Guide{
			Request:    "`POST …/completion`, `/infill`",
			FirstToken: "`content`",
			Usage:      "the event with `stop`",
			End:        "`stop` is true",
			Reference:  "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
		},
		Operation: exchange.TextCompletion,
		Matches: func(h *dialect.Head) bool {
			path := strings.TrimSuffix(h.Path, "/")
			return h.Method == "POST" && (strings.HasSuffix(path, "/completion") || strings.HasSuffix(path, "/infill"))
		},
		Provider:   func(*dialect.Head) string { return "llama_cpp" },
		Single:     true,
		Terminator: "[DONE]", // of old versions
		NewReader:  func() reading.Reader { return new(part) },
		Request:    frame.MustShape(frame.Paths{"model": reading.AskModel, "stream": reading.AskStream}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"model":                reading.Model,
			"content":              reading.Content,
			"tokens.[]":            reading.TokenID,
			"stop":                 stop,
			"stop_type":            reading.Finish,
			"tokens_evaluated":     reading.InputTokens,
			"tokens_predicted":     reading.OutputTokens,
			"timings.cache_n":      reading.CachedTokens,
			"timings.prompt_ms":    reading.PrefillMillis,
			"timings.predicted_ms": reading.DecodeMillis,
		})),
	}
}

// stop says that an event is the last one.
const stop = reading.Own

// part finds the end of a stream.
type part struct {
	reading.Plain
	last bool
}

// Reset implements reading.Reader.
func (p *part) Reset() { p.last = false }

// Value implements reading.Reader.
func (p *part) Value(_ *reading.Message, v frame.Value) { p.last = v.Kind == frame.True }

// EndMessage implements reading.Reader. Old versions give no reason.
func (p *part) EndMessage(m *reading.Message, _ []byte) {
	if !p.last {
		return
	}
	m.Last()
	if m.Reason() == reading.Unfinished {
		m.End(reading.Stopped)
	}
}
