package gemini

import (
	"bytes"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Live is BidiGenerateContent: a WebSocket in which the model answers turn by turn. The first
// message of the client names the model. The server sends its JSON in binary messages.
// https://ai.google.dev/api/live
func Live() dialect.Dialect {
	return &reading.API{
		Name: "gemini-live",
		Guide: reading.Guide{
			Request:    "`clientContent` with `turnComplete`, or `toolResponse`, in a WebSocket that began with `GET …BidiGenerateContent`; speech and `realtimeInput.text` that the model answers",
			FirstToken: "text, a thought or sound in a part of `modelTurn`, `outputTranscription`, the name of a function",
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
		NewReader:      func() reading.Reader { return new(live) },
		Request:        frame.MustShape(frame.Paths{}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"serverContent.outputTranscription.text": reading.Content,
			"serverContent.turnComplete":             turnComplete,
			"serverContent.turnCompleteReason":       turnReason,
			"serverContent.interrupted":              interrupted,
			"toolCall.functionCalls.[]":              partCall,
			"toolCall.functionCalls.[].name":         reading.Content,
			"usageMetadata.responseTokenCount":       reading.OutputTokens,
		}, reading.Under("serverContent.modelTurn.parts.[]", partPaths()), reading.Under("usageMetadata.", usagePaths()))),
	}
}

// The fields that Live alone has, in a response.
const (
	turnComplete = blockReason + 1 + iota
	turnReason
	interrupted
)

// live reads what only Live says in a message.
type live struct {
	candidate
	ends    bool // the turn
	reason  reading.Reason
	stopped bool // the client interrupted the answer, in this message or before
}

// Reset implements reading.Reader.
func (l *live) Reset() {
	l.candidate.Reset()
	l.ends, l.reason = false, reading.Stopped
}

// Value implements reading.Reader.
func (l *live) Value(m *reading.Message, v frame.Value) {
	switch v.Field {
	case turnComplete:
		l.ends = v.Kind == frame.True
	case turnReason:
		l.reason = turnReasonOf(v)
	case interrupted:
		l.stopped = l.stopped || v.Kind == frame.True
	default:
		l.candidate.Value(m, v)
	}
}

// EndMessage implements reading.Reader.
func (l *live) EndMessage(m *reading.Message, event []byte) {
	l.candidate.EndMessage(m, event)
	switch {
	case m.Failed():
		m.End(reading.Erred)
		m.Last()
	case l.ends && l.stopped:
		m.Cancel()
	case l.ends:
		m.End(l.reason)
		m.Last()
	case l.call:
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

// The fields of envelopes that Live alone has.
const (
	setupModel  frame.Field = reading.Own + iota
	asksNow                 // true: the server is to answer
	toolAnswer              // results of functions
	scheduling              // of such a result
	silentInput             // sound or pictures, after which the server decides itself whether to answer
	speechEnds              // or a text that was typed
	speechBegins
	activity // of the voice
	answers  // a part of an answer
	generated
	breaksOff // the answer
	ends
	calls
	failure
	besides // what belongs to no answer
)

// signalShape has the places in a message that say which turn it belongs to. The API takes
// the names of a client in two spellings, and Google's SDK for Python mixes them.
var signalShape = frame.MustShape(frame.Paths{
	"setup.model":                                   setupModel,
	"clientContent.turnComplete":                    asksNow,
	"clientContent.turn_complete":                   asksNow,
	"client_content.turnComplete":                   asksNow,
	"client_content.turn_complete":                  asksNow,
	"toolResponse":                                  toolAnswer,
	"tool_response":                                 toolAnswer,
	"toolResponse.functionResponses.[].scheduling":  scheduling,
	"tool_response.functionResponses.[].scheduling": scheduling,
	"realtimeInput.audio":                           silentInput,
	"realtimeInput.video":                           silentInput,
	"realtimeInput.mediaChunks":                     silentInput,
	"realtimeInput.text":                            speechEnds,
	"realtimeInput.activityEnd":                     speechEnds,
	"realtimeInput.audioStreamEnd":                  speechEnds,
	"realtimeInput.activityStart":                   speechBegins,
	"realtime_input.audio":                          silentInput,
	"realtime_input.video":                          silentInput,
	"realtime_input.mediaChunks":                    silentInput,
	"realtime_input.media_chunks":                   silentInput,
	"realtime_input.text":                           speechEnds,
	"realtime_input.activityEnd":                    speechEnds,
	"realtime_input.activity_end":                   speechEnds,
	"realtime_input.audioStreamEnd":                 speechEnds,
	"realtime_input.audio_stream_end":               speechEnds,
	"realtime_input.activityStart":                  speechBegins,
	"realtime_input.activity_start":                 speechBegins,

	"setupComplete":                              besides,
	"sessionResumptionUpdate":                    besides,
	"goAway":                                     besides,
	"toolCallCancellation":                       besides,
	"voiceActivity.voiceActivityType":            activity,
	"voiceActivityDetectionSignal.vadSignalType": activity,
	"serverContent.modelTurn":                    answers,
	"serverContent.outputTranscription":          answers,
	"serverContent.generationComplete":           generated,
	"serverContent.interrupted":                  breaksOff,
	"serverContent.turnComplete":                 ends,
	"toolCall":                                   calls,
	"error":                                      failure,
	"error.code":                                 reading.ErrorStatus,
})

// signal reads what a message says of its turn.
func signal(e *dialect.Envelope, v frame.Value) {
	if v.Kind == frame.End || v.Kind == frame.Null || v.Kind == frame.False {
		return
	}
	switch v.Field {
	case setupModel: // models/NAME, or the name behind a project and a publisher
		e.Model = string(v.Text[1+bytes.LastIndexByte(v.Text, '/'):])
	case asksNow, toolAnswer:
		e.Role = dialect.Asks
	case scheduling:
		if string(v.Text) == "SILENT" { // the model takes note of the result and says nothing
			e.Role = dialect.Unrelated
		}
	case silentInput, besides:
		e.Role = dialect.Unrelated
	case speechEnds:
		e.Role = dialect.Prompts
	case speechBegins:
		e.Role = dialect.Retracts
	case activity:
		e.Role = activityOf(v.Text)
	default:
		signalAnswer(e, v.Field)
	}
}

// signalAnswer reads what a message says of the answer that it belongs to.
func signalAnswer(e *dialect.Envelope, f frame.Field) {
	switch f {
	case answers:
		e.Role = dialect.Answers
	case calls:
		e.Role, e.Last = dialect.Answers, true
	case generated:
		e.Generated = true
	case breaksOff:
		if e.Role == dialect.Unknown {
			e.Role = dialect.Interrupts
		}
	case ends:
		e.Last = true
		if e.Role == dialect.Unknown {
			e.Role = dialect.Ends
		}
	case failure:
		e.Role = dialect.Fails
	}
}

// activityOf is what the server tells of the user's voice, in the words of either signal.
func activityOf(word []byte) dialect.Role {
	switch string(word) {
	case "ACTIVITY_END", "VAD_SIGNAL_TYPE_EOS":
		return dialect.Prompts
	case "ACTIVITY_START", "VAD_SIGNAL_TYPE_SOS":
		return dialect.Retracts
	}
	return dialect.Unrelated
}
