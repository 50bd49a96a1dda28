// Package live reads the Live API of Gemini models, as the Gemini API and Vertex AI speak
// it: a WebSocket in which the model answers turn by turn.
package live

import (
	"bytes"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/gemini"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set { return dialect.Set{Live()} }

// Live is BidiGenerateContent. The first message of the client names the model. The server
// sends its JSON in binary messages.
// https://ai.google.dev/api/live
func Live() dialect.Dialect {
	return &reading.API{
		Name: "gemini-live",
		Guide: reading.Guide{
			Request:    "`clientContent` with `turnComplete`, or `toolResponse`, in a WebSocket that began with `GET …BidiGenerateContent`; speech and `realtimeInput.text` that the model answers",
			FirstToken: "text, a thought, code or sound in a part of `modelTurn`, `outputTranscription`, the name of a function; unknown text in a part, with a note",
			Usage:      "the last `usageMetadata` of the turn",
			End:        "`turnComplete`, or `toolCall`",
			Reference:  "https://ai.google.dev/api/live",
		},
		Operation: exchange.GenerateContent,
		Matches: func(h *dialect.Head) bool {
			return h.Upgrade == "websocket" && h.Method == "GET" &&
				(strings.HasSuffix(h.Path, "BidiGenerateContent") || strings.HasSuffix(h.Path, "BidiGenerateContentConstrained"))
		},
		Provider: func(h *dialect.Head) string {
			if strings.Contains(h.Path, "google.cloud.aiplatform") {
				return "gcp.vertex_ai"
			}
			return "gcp.gemini"
		},
		Streams:        func(*dialect.Head) bool { return true },
		Single:         true,
		ReasoningApart: true,
		Framing:        reading.Sequence,
		Envelope:       signalShape,
		Signal:         signal,
		NewReader:      func() reading.Reader { return new(turn) },
		Request:        frame.MustShape(frame.Paths{}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"serverContent.outputTranscription.text": reading.Content,
			"serverContent.turnComplete":             turnComplete,
			"serverContent.turnCompleteReason":       turnReason,
			"serverContent.interrupted":              interrupted,
			"toolCall.functionCalls.[]":              gemini.Call,
			"toolCall.functionCalls.[].name":         reading.Content,
			"usageMetadata.responseTokenCount":       reading.OutputTokens,
		}, reading.Breakdown("usageMetadata.responseTokensDetails", reading.OutputParts, "modality", "tokenCount"),
			reading.Under("serverContent.modelTurn.parts.[]", gemini.PartPaths()), reading.Under("usageMetadata.", gemini.UsagePaths()))),
	}
}

// The fields that Live alone has, in a response.
const (
	turnComplete = gemini.Own + iota
	turnReason
	interrupted
)

// turn reads what only Live says in a message.
type turn struct {
	gemini.Parts
	ends    bool // the turn
	reason  reading.Reason
	stopped bool // the client interrupted the answer, in this message or before
}

// Reset implements reading.Reader.
func (t *turn) Reset() {
	t.Parts.Reset()
	t.ends, t.reason = false, reading.Stopped
}

// Value implements reading.Reader.
func (t *turn) Value(m *reading.Message, v frame.Value) {
	switch v.Field {
	case turnComplete:
		t.ends = v.Kind == frame.True
	case turnReason:
		t.reason = turnReasonOf(v)
	case interrupted:
		t.stopped = t.stopped || v.Kind == frame.True
	default:
		t.Parts.Value(m, v)
	}
}

// EndMessage implements reading.Reader.
func (t *turn) EndMessage(m *reading.Message, event []byte) {
	t.Parts.EndMessage(m, event)
	switch {
	case m.Failed():
		m.End(reading.Erred)
		m.Last()
	case t.ends && t.stopped:
		m.Cancel()
	case t.ends:
		m.End(t.reason)
		m.Last()
	case t.Calls():
		m.End(reading.ToolCalls)
		m.Last()
	}
}

// turnReasonOf is why a turn is complete. Most reasons that the API has are filters of the
// input or of the output.
func turnReasonOf(v frame.Value) reading.Reason {
	switch {
	case v.Kind != frame.String, string(v.Text) == "TURN_COMPLETE_REASON_UNSPECIFIED", string(v.Text) == "NEED_MORE_INPUT":
		return reading.Stopped
	case bytes.HasPrefix(v.Text, []byte("MALFORMED")):
		return reading.Erred
	}
	return reading.Filtered
}
