package realtime

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
)

// roleOf is what a message of this type is for in Realtime. There an answer that is open ends
// with response.done, whatever error comes before. What a session becomes by the wish of the
// client stands later in the message.
func roleOf(name []byte) dialect.Role {
	switch string(name) {
	case "error":
		return dialect.Refuses
	case "transcription_session.created", "transcription_session.updated":
		return dialect.Informs
	case "session.update", "transcription_session.update":
		return dialect.Unknown
	}
	return responses.RoleOf(name)
}

// kindPaths are the places in a message of Realtime that tell a session which transcribes, and
// the model that then does. In the beta of the API the type of the message tells it.
func kindPaths() frame.Paths {
	return reading.Join(reading.As(reading.LaterModel, modelPaths()), frame.Paths{
		"session.type":   reading.SessionKind,
		"session.object": reading.SessionKind,
	})
}

// transcribesBy tells whether a word of a message says that the session transcribes.
func transcribesBy(word []byte) bool {
	switch string(word) {
	case "transcription", "realtime.transcription_session",
		"transcription_session.created", "transcription_session.updated", "transcription_session.update":
		return true
	}
	return false
}

// modelPaths are the places of the model that transcribes. The beta of the API has it at
// other places.
func modelPaths() frame.Paths {
	return reading.As(reading.AnswerModel, frame.Paths{
		"session.audio.input.transcription.model": 0,
		"session.input_audio_transcription.model": 0,
		"input_audio_transcription.model":         0,
	})
}

// transcriptionShape has the places in a message that say which item it belongs to.
var transcriptionShape = frame.MustShape(reading.Join(modelPaths(), frame.Paths{
	"type":    eventType,
	"item_id": reading.Lane,
}))

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
