// Package realtime reads OpenAI's Realtime API, whose events are those of Responses, and its
// sessions that transcribe.
package realtime

import (
	"cmp"
	"net/url"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Transcription(), Realtime()} }

// Realtime is the Realtime API over WebSocket. Its query names the model, or the deployment
// at Azure.
// https://platform.openai.com/docs/api-reference/realtime
func Realtime() dialect.Dialect {
	transcribing := transcription()
	transcribing.PathModel = nil // the query names the model that would have answered
	return responses.Session(kindPaths(), &reading.API{
		Name: "openai-realtime",
		Guide: reading.Guide{
			Request:    "a message `response.create` in a WebSocket that began with `GET …/realtime`, or speech that the server saw end",
			FirstToken: "text, sound, a transcript or the arguments of a call in a `.delta`; the name of a call",
			Usage:      "`response.usage` of the last event",
			End:        "`response.done`, or `error` in place of an answer",
			Reference:  "https://platform.openai.com/docs/api-reference/realtime",
		},
		Matches:   compatible.Opens("/realtime"),
		PathModel: modelInQuery,
		Media:     true,
		Role:      roleOf,
		Becomes: func(word []byte) dialect.Sessions {
			if transcribesBy(word) {
				return transcribing
			}
			return nil
		},
	})
}

// modelInQuery is the model, or the deployment at Azure, that the query names.
func modelInQuery(h *dialect.Head) string {
	query, _ := url.ParseQuery(h.Query) // it leaves out what it cannot read
	name := cmp.Or(query.Get("model"), query.Get("deployment"))
	return name[:min(len(name), frame.MaxText)] // as much as is kept of a model's name
}
