package responses

import (
	"bytes"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// envelopePaths are the places in a message that say which exchange it belongs to.
func envelopePaths() frame.Paths {
	return frame.Paths{
		"type":                         reading.MessageType,
		"stream_id":                    reading.Lane,
		"response_id":                  reading.ResponseID,
		"response.id":                  reading.ResponseID,
		"event_id":                     reading.EventID,
		"error.event_id":               reading.RefusedID,
		"status":                       reading.ErrorStatus,
		"status_code":                  reading.ErrorStatus,
		"code":                         reading.ErrorStatus, // GitHub Copilot
		"generate":                     reading.Generate,
		"prompt_cache_options.prewarm": reading.Prewarm,
		"session.model":                reading.AnswerModel,
		"rate_limits.[]":               reading.Limit,
		"rate_limits.[].name":          reading.LimitName,
		"rate_limits.[].limit":         reading.LimitSize,
		"rate_limits.[].remaining":     reading.LimitRemaining,
		"rate_limits.[].reset_seconds": reading.LimitReset,
	}
}

// RoleOf is what a message of this type is for.
func RoleOf(name []byte) dialect.Role {
	switch string(name) {
	case "response.create":
		return dialect.Asks
	case "response.created":
		return dialect.Opens
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done":
		return dialect.Ends
	case "error":
		return dialect.Fails
	case "input_audio_buffer.speech_stopped", "input_audio_buffer.committed":
		return dialect.Prompts
	case "input_audio_buffer.speech_started":
		return dialect.Retracts
	case "rate_limits.updated", "session.created", "session.updated":
		return dialect.Informs
	case "response.cancel", "response.steer", "response.steer.accepted", "response.steer.pending", "response.steer.failed":
		return dialect.Unrelated
	}
	if bytes.HasPrefix(name, []byte("response.")) {
		return dialect.Continues
	}
	return dialect.Unrelated
}
