package bedrock

import (
	"bytes"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Converse is Converse and ConverseStream.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
func Converse() dialect.Dialect {
	return &reading.API{
		Name: "bedrock-converse",
		Guide: reading.Guide{
			Request:    "`POST …/model/MODEL/converse`, `/converse-stream`",
			FirstToken: "text, reasoning, a picture or the input of a tool in a delta; the name of a tool; unknown text in a delta, with a note",
			Usage:      "`metadata`; cached and written tokens stand beside the input",
			End:        "`messageStop` and `metadata`, or an exception",
			Reference:  "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html",
		},
		Operation:  exchange.Chat,
		Matches:    func(h *dialect.Head) bool { return call(h) == "converse" || conversesInStream(h) },
		Provider:   provider,
		PathModel:  anthropic.BedrockModel,
		Streams:    conversesInStream,
		Single:     true,
		CacheApart: true,
		Framing:    reading.Binary,
		NewReader:  func() reading.Reader { return new(event) },
		Request:    frame.MustShape(frame.Paths{}),
		Response:   frame.MustShape(reading.Join(reading.ErrorPaths(), conversePaths())),
	}
}

func conversesInStream(h *dialect.Head) bool { return call(h) == "converse-stream" }

// conversePaths are the places in a whole answer and in the events of a stream. The name of
// an event is a header of its message; p is padding.
func conversePaths() frame.Paths {
	return reading.Join(frame.Paths{
		"stopReason":                        reading.Finish,
		"trace.promptRouter.invokedModelId": reading.Model,
	}, blockPaths(), reading.Under("usage.", usagePaths()))
}

// blockPaths are the places of generated content in the start of a block and in its deltas.
func blockPaths() frame.Paths {
	return frame.Paths{
		"start.toolUse.name":          reading.Content,
		"delta.text":                  reading.Content,
		"delta.toolUse.input":         reading.Content,
		"delta.reasoningContent.text": reading.Reasoning,
		"delta.image.source.bytes":    reading.Content,
		"delta.*":                     reading.Payload,
		"delta.*.*":                   reading.Payload,
		"delta.*.*.*":                 reading.Payload,
		"delta.citation":              frame.Known,
		"delta.toolResult":            frame.Known,
	}
}

// usagePaths are the places of counts, which have two names for the cache.
func usagePaths() frame.Paths {
	return reading.Join(frame.Paths{
		"inputTokens":               reading.InputTokens,
		"outputTokens":              reading.OutputTokens,
		"totalTokens":               reading.TotalTokens,
		"cacheReadInputTokens":      reading.CachedTokens,
		"cacheReadInputTokenCount":  reading.CachedTokens,
		"cacheWriteInputTokens":     reading.WrittenTokens,
		"cacheWriteInputTokenCount": reading.WrittenTokens,
	}, reading.Breakdown("cacheDetails", reading.WrittenParts, "ttl", "inputTokens"))
}

// event reads the names of events. The counts come behind the reason why the answer ended, or
// before it; a stream that has only one of them was cut.
type event struct {
	reading.Plain
	stopped, counted bool
}

// EndMessage implements reading.Reader.
func (e *event) EndMessage(m *reading.Message, name []byte) {
	switch string(name) {
	case "metadata":
		e.counted = true
	case "messageStop":
		e.stopped = true
	case "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop":
	default:
		if m.Streamed() && !bytes.HasSuffix(name, []byte("Exception")) {
			m.Note(reading.UnknownEventType)
		}
	}
	if e.stopped && e.counted {
		m.Last()
	}
}
