package anthropic

import (
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// AnswerPaths are the places in a whole message and in the events of a stream, but for
// their types.
func AnswerPaths() frame.Paths {
	return reading.Join(reading.ErrorPaths(), wholePaths(), eventPaths())
}

// typePath is the place of the type of an event, of a message or of an error.
func typePath() frame.Paths { return frame.Paths{"type": eventType} }

// wholePaths are the places in a whole message, and in an error. Some gateways send the
// whole message as the only event of a stream.
func wholePaths() frame.Paths {
	return reading.Join(frame.Paths{
		"model":               reading.Model,
		"stop_reason":         reading.Finish,
		"content.[].id":       reading.ToolCallID,
		"content.[].name":     reading.Content, // of a tool
		"content.[].text":     reading.Content,
		"content.[].thinking": reading.Reasoning,
	}, reading.Under("usage.", reading.Join(inputPaths(), outputPaths())))
}

// eventPaths are the places in the events of a stream. The first event has the message
// so far, and a count of output tokens that only fills a place. The counts of
// message_delta, where wholePaths has them, replace those of the first event.
func eventPaths() frame.Paths {
	return reading.Join(frame.Paths{
		"message.model":             reading.Model,
		"delta.stop_reason":         reading.Finish,
		"content_block.id":          reading.ToolCallID,
		"content_block.name":        reading.Content, // of a tool
		"content_block.text":        reading.Content,
		"content_block.thinking":    reading.Reasoning,
		"content_block.source.data": reading.Content, // of a picture
		"delta.text":                reading.Content,
		"delta.content":             reading.Content, // of a compaction: the model's summary of the conversation
		"delta.thinking":            reading.Reasoning,
		"delta.partial_json":        reading.Content, // the arguments of a tool
		"delta.*":                   reading.Payload,
		"delta.*.*":                 reading.Payload,
		"delta.citation":            frame.Known, // of a document
		"delta.type":                frame.Known,
		"delta.signature":           frame.Known,
		"delta.stop_sequence":       frame.Known,
		"delta.role":                frame.Known,
	}, reading.Under("message.usage.", inputPaths()), reading.Under("delta.usage.", outputPaths()))
}

// inputPaths are the places of the counts of a prompt in a usage object.
func inputPaths() frame.Paths {
	return frame.Paths{
		"input_tokens":                             reading.InputTokens,
		"cache_read_input_tokens":                  reading.CachedTokens,
		"cache_creation_input_tokens":              reading.WrittenTokens,
		"cache_creation.ephemeral_1h_input_tokens": reading.HourTokens,
		"cache_creation.ephemeral_5m_input_tokens": frame.Known, // the rest of those written
	}
}

// outputPaths are the places of the counts of an answer in a usage object.
func outputPaths() frame.Paths {
	return frame.Paths{
		"output_tokens":                         reading.OutputTokens,
		"output_tokens_details.thinking_tokens": reading.ReasoningTokens,
		"*":                                     reading.StrangeTokens,
	}
}

// eventType is the type of an event, of a message or of an error.
const eventType = reading.Own

// event is the meaning of a type.
type event uint8

const (
	unknownEvent event = iota
	wholeMessage
	messageStart
	messageStop
	blockStop
	progress // all else that happens between the two
	failure
)

// eventOf is the meaning of a type.
func eventOf(name []byte) event {
	switch string(name) {
	case "message":
		return wholeMessage
	case "message_start":
		return messageStart
	case "message_stop":
		return messageStop
	case "content_block_stop":
		return blockStop
	case "content_block_start", "content_block_delta", "message_delta", "ping":
		return progress
	case "error":
		return failure
	}
	return unknownEvent
}

// message reads the types of events.
type message struct {
	reading.Plain

	event event
	begun bool // message_start came
	fed   bool // content came
}

// Reset implements reading.Reader.
func (r *message) Reset() { r.event = unknownEvent }

// Value implements reading.Reader.
func (r *message) Value(_ *reading.Message, v frame.Value) {
	if v.Kind == frame.String {
		r.event = eventOf(v.Text)
	}
}

// EndMessage implements reading.Reader.
func (r *message) EndMessage(m *reading.Message, name []byte) {
	if r.event == unknownEvent {
		r.event = eventOf(name)
	}
	if r.event == blockStop && r.fed && m.Generated() > 0 { // a gateway that sends the block once more
		m.SetGenerated(0)
		m.Note(reading.RepeatedContent)
	}
	r.fed = r.fed || m.Generated() > 0
	switch {
	case r.event == failure:
		m.Fail()
		if m.Streamed() {
			m.End(reading.Erred)
			m.Last()
		}
	case r.event == messageStop, r.event == wholeMessage && m.Streamed():
		m.Last()
	case r.event == messageStart:
		if r.begun {
			m.Note(reading.RepeatedStart)
		}
		r.begun = true
	case r.event == unknownEvent && m.Streamed():
		m.Note(reading.UnknownEventType)
	}
}
