package gemini

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Interactions is the API of interactions, whose events have their type in event_type.
// https://ai.google.dev/api/interactions-api
func Interactions() dialect.Dialect {
	return &reading.API{
		Name: "gemini-interactions",
		Guide: reading.Guide{
			Request:    "`POST …/interactions`",
			FirstToken: "text, data, the name or arguments of a tool in a `step.delta`; the text of a summary of thoughts; unknown text in a delta, with a note",
			Usage:      "`usage` of the interaction",
			End:        "`interaction.completed`, or `error`",
			Reference:  "https://ai.google.dev/api/interactions-api",
		},
		Operation: exchange.GenerateContent,
		Matches: func(h *dialect.Head) bool {
			return h.Method == "POST" && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), "/interactions")
		},
		Provider:       provider,
		Single:         true,
		ReasoningApart: true,
		NewReader:      func() reading.Reader { return new(interaction) },
		Request:        frame.MustShape(frame.Paths{"model": reading.AskModel, "stream": reading.AskStream}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), deltaPaths(), frame.Paths{
			"event_type": eventType,
		}, reading.Under("metadata.usage.", totalPaths()), interactionPaths(), reading.Under("interaction.", interactionPaths()))),
	}
}

// deltaPaths are the places in the delta of a step. Results are those of tools that the
// provider runs.
func deltaPaths() frame.Paths {
	paths := reading.Under("delta.", frame.Paths{
		"text":         reading.Content,
		"data":         reading.Content, // of a picture or of sound
		"name":         reading.Content, // of a tool
		"arguments":    reading.Content,
		"arguments.*":  reading.Content,
		"content.text": reading.Summary,
		"*":            reading.Payload,
		"*.*":          reading.Payload,
	})
	for _, name := range []string{"type", "id", "call_id", "server_name", "mime_type", "resolution", "signature", "result", "annotations", "is_error"} {
		paths["delta."+name] = frame.Known
	}
	return paths
}

// interactionPaths are the places in an interaction.
func interactionPaths() frame.Paths {
	return reading.Join(frame.Paths{
		"model":  reading.Model,
		"error":  reading.Failure,
		"status": status,
	}, reading.Under("usage.", totalPaths()))
}

// totalPaths are the places of counts in the usage of an interaction.
func totalPaths() frame.Paths {
	return reading.Join(frame.Paths{
		"total_input_tokens":     reading.InputTokens,
		"total_output_tokens":    reading.OutputTokens,
		"total_thought_tokens":   reading.ReasoningTokens,
		"total_reasoning_tokens": reading.ReasoningTokens, // of the first version
		"total_cached_tokens":    reading.CachedTokens,
		"total_tool_use_tokens":  reading.OutsideTokens,
		"total_tokens":           reading.TotalTokens,
	},
		reading.Breakdown("input_tokens_by_modality", reading.InputParts, "modality", "tokens"),
		reading.Breakdown("cached_tokens_by_modality", reading.CachedParts, "modality", "tokens"),
		reading.Breakdown("output_tokens_by_modality", reading.OutputParts, "modality", "tokens"))
}

// The fields that interactions alone have.
const (
	eventType frame.Field = reading.Own + iota
	status
)

// interaction reads what only interactions say in a message.
type interaction struct {
	reading.Plain

	last   bool
	failed bool
	status reading.Reason
}

// Reset implements reading.Reader.
func (i *interaction) Reset() { *i = interaction{} }

// Value implements reading.Reader.
func (i *interaction) Value(_ *reading.Message, v frame.Value) {
	if v.Kind != frame.String {
		return
	}
	switch v.Field {
	case eventType:
		switch string(v.Text) {
		case "interaction.completed", "interaction.complete":
			i.last = true
		case "error":
			i.failed = true
		}
	case status:
		switch string(v.Text) {
		case "completed":
			i.status = reading.Stopped
		case "requires_action":
			i.status = reading.ToolCalls
		case "incomplete":
			i.status = reading.TooLong
		case "failed", "cancelled":
			i.status = reading.Erred
		}
	}
}

// EndMessage implements reading.Reader.
func (i *interaction) EndMessage(m *reading.Message, _ []byte) {
	switch {
	case i.failed || m.Failed():
		m.Fail()
		m.End(reading.Erred)
		m.Last()
	case i.last || !m.Streamed():
		m.End(i.status)
		m.Last()
	}
}
