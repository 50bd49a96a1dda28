package realtime

import (
	"net/url"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Transcription is a session of the Realtime API that writes down what it hears and answers
// nothing. Each stretch of speech is an item, and some models transcribe several at once.
// The query asks for such a session, or a message does, which may be the server's first.
// https://platform.openai.com/docs/guides/realtime-transcription
func Transcription() dialect.Dialect { return transcription() }

func transcription() *reading.API {
	opensRealtime := compatible.Opens("/realtime")
	return &reading.API{
		Name: "openai-realtime-transcription",
		Guide: reading.Guide{
			Request:    "speech that the server got, in a WebSocket that began with `GET …/realtime?intent=transcription`, or in a session of the type `transcription`",
			FirstToken: "text in a `.delta`; a `.segment` or the whole transcript without deltas before it",
			Usage:      "`usage` of the last event; none if it is in seconds",
			End:        "`conversation.item.input_audio_transcription.completed` or `.failed`",
			Reference:  "https://platform.openai.com/docs/guides/realtime-transcription",
		},
		Operation: exchange.Transcription,
		Matches:   func(h *dialect.Head) bool { return opensRealtime(h) && transcribes(h.Query) },
		Provider:  compatible.Provider,
		PathModel: modelInQuery,
		Streams:   func(*dialect.Head) bool { return true },
		Single:    true,
		Framing:   reading.Sequence,
		Envelope:  transcriptionShape,
		Signal:    transcriptionSignal,
		Lanes:     true,
		NewReader: func() reading.Reader { return new(transcript) },
		Request:   frame.MustShape(frame.Paths{}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"type":          eventType,
			"delta":         delta,
			"text":          whole,
			"transcript":    whole,
			"logprobs.[]":   reading.Logprob,
			"usage.seconds": reading.BilledSeconds,
			"usage.input_token_details.cached_tokens": reading.CachedTokens,
			"usage.input_token_details.audio_tokens":  reading.AudioTokens,
		}, reading.Under("usage.", compatible.UsagePaths()))),
	}
}

// transcribes tells whether the query asks for a session that transcribes.
func transcribes(query string) bool {
	values, _ := url.ParseQuery(query) // it leaves out what it cannot read
	return values.Get("intent") == "transcription"
}

// The fields that transcriptions alone have.
const (
	eventType frame.Field = reading.Own + iota
	delta
	whole // a text that may have come in deltas before
)

// transcript reads what only a transcription says in a message.
type transcript struct {
	reading.Plain
	kind  string // the type of the message, if it is about a transcript
	delta int    // its length in bytes
	whole int    // length of a text that may have come in deltas before

	fed, segmented bool // deltas had text; segments had
}

// Reset implements reading.Reader.
func (t *transcript) Reset() { t.kind, t.delta, t.whole = "", 0, 0 }

// Value implements reading.Reader.
func (t *transcript) Value(_ *reading.Message, v frame.Value) {
	if v.Kind != frame.String {
		return
	}
	switch v.Field {
	case eventType:
		t.kind = transcriptKind(v.Text)
	case delta:
		t.delta = v.Len
	case whole:
		t.whole += v.Len
	}
}

// transcriptKind is the type of a message about a transcript; empty for any other.
func transcriptKind(name []byte) string {
	for _, kind := range [...]string{transcriptDelta, transcriptSegment, transcriptCompleted, transcriptFailed} {
		if string(name) == kind {
			return kind
		}
	}
	return ""
}

// EndMessage implements reading.Reader.
func (t *transcript) EndMessage(m *reading.Message, _ []byte) {
	switch t.kind {
	case transcriptDelta:
		t.fed = t.fed || t.delta > 0
		m.AddContent(t.delta)
	case transcriptSegment:
		if !t.fed {
			t.segmented = t.segmented || t.whole > 0
			m.AddContent(t.whole)
		}
	case transcriptCompleted:
		if !t.fed && !t.segmented {
			m.AddContent(t.whole)
		}
		m.Last()
		m.End(reading.Stopped)
	case transcriptFailed:
		m.Last()
		m.End(reading.Erred)
	default:
		m.Note(reading.UnknownEventType)
	}
}
