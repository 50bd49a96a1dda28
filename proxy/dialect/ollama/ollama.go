// Package ollama reads the native API of Ollama: chat, generate and embeddings.
package ollama

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Chat(), Generate(), Embed()} }

// Chat is the chat API.
// https://github.com/ollama/ollama/blob/main/docs/api.md
func Chat() dialect.Dialect {
	return generating("ollama-chat", exchange.Chat, "/api/chat", frame.Paths{
		"message.content":                     reading.Content,
		"message.thinking":                    reading.Reasoning,
		"message.tool_calls.[]":               calls,
		"message.tool_calls.[].function.name": reading.Content,
		"message.images.[]":                   reading.Content,
		"message.*":                           reading.Payload,
		"message.role":                        frame.Known,
		"message.tool_name":                   frame.Known,
	})
}

// Generate is the API that completes a prompt.
func Generate() dialect.Dialect {
	return generating("ollama-generate", exchange.TextCompletion, "/api/generate", frame.Paths{
		"response":     reading.Content,
		"thinking":     reading.Reasoning,
		"image":        reading.Content,
		"*":            reading.Payload,
		"created_at":   frame.Known,
		"remote_model": frame.Known,
		"remote_host":  frame.Known,
	})
}

// Embed is the API of embeddings, and the one that it replaced.
func Embed() dialect.Dialect {
	return &reading.API{
		Name: "ollama-embed",
		Guide: reading.Guide{
			Request:   "`POST …/api/embed`, `/api/embeddings`",
			Usage:     "`prompt_eval_count`",
			Reference: "https://github.com/ollama/ollama/blob/main/docs/api.md",
		},
		Operation: exchange.Embeddings,
		Matches: func(h *dialect.Head) bool {
			return post(h, "/api/embed") || post(h, "/api/embeddings")
		},
		Provider: provider,
		Request:  frame.MustShape(frame.Paths{"model": reading.AskModel}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"model":             reading.Model,
			"prompt_eval_count": reading.InputTokens,
		})),
	}
}

// generating is an API that streams generated text.
func generating(name string, operation exchange.Operation, path string, content frame.Paths) dialect.Dialect {
	return &reading.API{
		Name: name,
		Guide: reading.Guide{
			Request: "`POST …" + path + "`", FirstToken: "text, thinking, the name of a tool, a picture; unknown text, with a note", Usage: "the last line",
			End: "`done` is true", Reference: "https://github.com/ollama/ollama/blob/main/docs/api.md",
		},
		Operation:      operation,
		Matches:        func(h *dialect.Head) bool { return post(h, path) },
		Provider:       provider,
		Single:         true,
		StreamsUnasked: true,
		Framing:        reading.Lines,
		NewReader:      func() reading.Reader { return new(line) },
		Request:        frame.MustShape(frame.Paths{"model": reading.AskModel, "stream": reading.AskStream}),
		Response:       frame.MustShape(reading.Join(reading.ErrorPaths(), answerPaths(), content)),
	}
}

func post(h *dialect.Head, path string) bool {
	return h.Method == "POST" && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), path)
}

func provider(*dialect.Head) string { return "ollama" }

// The fields that Ollama alone has.
const (
	done  frame.Field = reading.Own + iota // whether a line is the last one
	calls                                  // of tools
)

// answerPaths are the places that all answers share. A count or a time that is zero is
// left out. The load of a model is time that a request waits.
func answerPaths() frame.Paths {
	return frame.Paths{
		"model":                reading.Model,
		"done":                 done,
		"done_reason":          reading.Finish,
		"prompt_eval_count":    reading.InputTokens,
		"eval_count":           reading.OutputTokens,
		"load_duration":        reading.QueueNanos,
		"prompt_eval_duration": reading.PrefillNanos,
		"eval_duration":        reading.DecodeNanos,
	}
}

// line reads what only Ollama says in a line.
type line struct {
	reading.Plain
	done   bool
	called bool // this answer calls a tool, in this line or before
}

// Reset implements reading.Reader.
func (l *line) Reset() { l.done = false }

// Value implements reading.Reader.
func (l *line) Value(_ *reading.Message, v frame.Value) {
	switch v.Field {
	case done:
		l.done = v.Kind == frame.True
	case calls:
		l.called = l.called || v.Kind == frame.Object
	}
}

// EndMessage implements reading.Reader. Old versions give no reason, and an answer that
// calls a tool stops like any other.
func (l *line) EndMessage(m *reading.Message, _ []byte) {
	if !l.done {
		return
	}
	m.Last()
	switch reason := m.Reason(); {
	case l.called && (reason == reading.Unfinished || reason == reading.Stopped):
		m.End(reading.ToolCalls)
	case reason == reading.Unfinished:
		m.End(reading.Stopped)
	}
}
