package live

import (
	"bytes"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

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
