package realtime

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// transcriptionShape has the places in a message that say which item it belongs to. The beta
// of the API has the model at other places.
var transcriptionShape = frame.MustShape(frame.Paths{
	"type":    eventType,
	"item_id": reading.Lane,
	"session.audio.input.transcription.model": reading.AnswerModel,
	"session.input_audio_transcription.model": reading.AnswerModel,
	"input_audio_transcription.model":         reading.AnswerModel,
})

// The types of the messages about the transcript of an item.
const (
	transcriptDelta     = "conversation.item.input_audio_transcription.delta"
	transcriptSegment   = "conversation.item.input_audio_transcription.segment"
	transcriptCompleted = "conversation.item.input_audio_transcription.completed"
	transcriptFailed    = "conversation.item.input_audio_transcription.failed"
)

// transcriptionSignal reads what the type of a message says of its item. An error that is
// about an item comes as the failure of its transcript.
func transcriptionSignal(e *dialect.Envelope, v frame.Value) {
	if e.Role != dialect.Unknown { // of several types the first counts
		return
	}
	e.Role = dialect.Unrelated
	switch string(v.Text) {
	case "input_audio_buffer.speech_stopped":
		e.Role = dialect.Prompts
	case "input_audio_buffer.speech_started":
		e.Role = dialect.Retracts
	case "input_audio_buffer.committed":
		e.Role = dialect.Accepts
	case transcriptDelta, transcriptSegment:
		e.Role = dialect.Answers
	case transcriptCompleted, transcriptFailed:
		e.Role, e.Last = dialect.Answers, true
	case "session.created", "session.updated", "transcription_session.created", "transcription_session.updated":
		e.Role = dialect.Informs
	case "session.update", "transcription_session.update": // the model comes later in the message
		e.Role = dialect.Unknown
	}
}
