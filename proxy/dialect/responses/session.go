package responses

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// WebSocket is the Responses API over WebSocket: its messages are the events of a stream
// over HTTP.
// https://platform.openai.com/docs/guides/websocket-mode
func WebSocket() dialect.Dialect {
	return Session(nil, &reading.API{
		Name: "openai-responses-websocket",
		Guide: reading.Guide{
			Request:    "a message `response.create` in a WebSocket that began with `GET …/responses`",
			FirstToken: "as `openai-responses`",
			Usage:      "`response.usage` of the last event",
			End:        "`response.completed`, `.incomplete`, `.failed`, `.cancelled`, or `error`",
			Reference:  "https://platform.openai.com/docs/guides/websocket-mode",
		},
		Matches: compatible.Opens("/responses"),
		Role:    RoleOf,
	})
}

// Session completes an API whose exchanges share a WebSocket, and whose messages are the
// events of Responses. Its envelopes have more places than those of Responses.
func Session(more frame.Paths, a *reading.API) *reading.API {
	a.Envelope = frame.MustShape(reading.Join(envelopePaths(), more))
	a.Operation = exchange.Chat
	a.Provider = compatible.Provider
	a.Streams = func(*dialect.Head) bool { return true }
	a.Single = true
	a.Framing = reading.Sequence
	a.NewReader = func() reading.Reader { return &response{session: true} }
	a.Request = frame.MustShape(frame.Paths{"model": reading.AskModel, "response.model": reading.AskModel})
	a.Response = responseShape
	return a
}
