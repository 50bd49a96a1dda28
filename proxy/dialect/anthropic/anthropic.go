// Package anthropic reads the Messages API, as Anthropic and the servers that imitate
// it speak it.
package anthropic

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Messages()} }

// Messages is the Messages API.
// https://docs.anthropic.com/en/api/messages
func Messages() dialect.Dialect {
	return &reading.API{
		Name:       "anthropic-messages",
		Operation:  exchange.Chat,
		Matches:    matches,
		Provider:   func(*dialect.Head) string { return "anthropic" },
		Single:     true,
		CacheApart: true,
		Terminator: "[DONE]", // of gateways that translate OpenAI's streams
		NewReader:  func() reading.Reader { return new(message) },
		Request: frame.MustShape(frame.Paths{
			"model":  reading.AskModel,
			"stream": reading.AskStream,
		}),
		Response: frame.MustShape(reading.Join(wholePaths(), eventPaths())),
	}
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
