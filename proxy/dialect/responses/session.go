package responses

import (
	"cmp"
	"net/url"
	"strings"

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
	return session(&reading.API{
		Name: "openai-responses-websocket",
		Guide: reading.Guide{
			Request:    "a message `response.create` in a WebSocket that began with `GET …/responses`",
			FirstToken: "as `openai-responses`",
			Usage:      "`response.usage` of the last event",
			End:        "`response.completed`, `.incomplete`, `.failed`, `.cancelled`, or `error`",
			Reference:  "https://platform.openai.com/docs/guides/websocket-mode",
		},
		Matches: opens("/responses"),
		Role:    roleOf,
	})
}

// Realtime is the Realtime API over WebSocket. Its query names the model, or the deployment
// at Azure.
// https://platform.openai.com/docs/api-reference/realtime
func Realtime() dialect.Dialect {
	return session(&reading.API{
		Name: "openai-realtime",
		Guide: reading.Guide{
			Request:    "a message `response.create` in a WebSocket that began with `GET …/realtime`, or speech that the server saw end",
			FirstToken: "text, sound, a transcript or the arguments of a call in a `.delta`; the name of a call",
			Usage:      "`response.usage` of the last event",
			End:        "`response.done`, or `error` in place of an answer",
			Reference:  "https://platform.openai.com/docs/api-reference/realtime",
		},
		Matches:   opens("/realtime"),
		PathModel: modelInQuery,
		Media:     true,
		Role:      realtimeRoleOf,
	})
}

// session completes an API whose exchanges share a WebSocket.
func session(a *reading.API) *reading.API {
	a.Envelope = envelopeShape
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

// opens matches the request that opens a session at a path with this ending.
func opens(suffix string) func(h *dialect.Head) bool {
	return func(h *dialect.Head) bool {
		return h.Upgrade == "websocket" && h.Method == "GET" && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), suffix)
	}
}

// modelInQuery is the model, or the deployment at Azure, that the query names.
func modelInQuery(h *dialect.Head) string {
	query, _ := url.ParseQuery(h.Query) // it leaves out what it cannot read
	name := cmp.Or(query.Get("model"), query.Get("deployment"))
	return name[:min(len(name), frame.MaxText)] // as much as is kept of a model's name
}
