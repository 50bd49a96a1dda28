package openai

import (
	"bytes"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Images is the API that makes and edits pictures, whole or in a stream of partial ones.
// https://platform.openai.com/docs/api-reference/images
func Images() dialect.Dialect {
	makes, edits, varies := compatible.Post("/images/generations"), compatible.Post("/images/edits"), compatible.Post("/images/variations")
	return &reading.API{
		Name: "openai-images",
		Guide: reading.Guide{
			Request:    "`POST …/images/generations`, `/edits`, `/variations`",
			FirstToken: "a partial or whole picture",
			Usage:      "`usage`",
			End:        "a type that ends in `.completed`",
			Reference:  "https://platform.openai.com/docs/api-reference/images",
		},
		Operation:  exchange.ImageGeneration,
		Matches:    func(h *dialect.Head) bool { return makes(h) || edits(h) || varies(h) },
		Provider:   compatible.Provider,
		PathModel:  compatible.Deployment,
		Single:     true,
		Media:      true,
		Terminator: compatible.Terminator,
		NewReader:  func() reading.Reader { return new(closing) },
		Request:    asks,
		Response: frame.MustShape(reading.Join(frame.Paths{
			"type":     eventType,
			"model":    reading.Model,
			"b64_json": reading.Content,
			"url":      reading.Content, // of a picture that is fetched
		}, compatible.FailurePaths(), reading.Under("usage.", compatible.UsagePaths()))),
	}
}

// speech returns the APIs between text and sound.
// https://platform.openai.com/docs/api-reference/audio
func speech() dialect.Set {
	writes, translates := compatible.Post("/audio/transcriptions"), compatible.Post("/audio/translations")
	return dialect.Set{
		sound("openai-speech", exchange.Speech, compatible.Post("/audio/speech"), "`POST …/audio/speech`"),
		sound("openai-transcription", exchange.Transcription, func(h *dialect.Head) bool { return writes(h) || translates(h) },
			"`POST …/audio/transcriptions`, `/audio/translations`"),
	}
}

// sound is one of the APIs between text and sound. Text and sound both come in events, if
// the client asks for that.
func sound(name string, operation exchange.Operation, matches func(*dialect.Head) bool, request string) dialect.Dialect {
	return &reading.API{
		Name: name,
		Guide: reading.Guide{
			Request: request, FirstToken: "text or sound in a delta", Usage: "`usage`", End: "a type that ends in `.done`",
			Reference: "https://platform.openai.com/docs/api-reference/audio",
		},
		Operation:  operation,
		Matches:    matches,
		Provider:   compatible.Provider,
		PathModel:  compatible.Deployment,
		Single:     true,
		Media:      true,
		Terminator: compatible.Terminator,
		NewReader:  func() reading.Reader { return new(closing) },
		Request:    asks,
		Response: frame.MustShape(reading.Join(frame.Paths{
			"type":                     eventType,
			"model":                    reading.Model,
			"delta":                    reading.Content, // of a transcript
			"audio":                    reading.Content,
			"text":                     textSoFar,
			"choices.[].delta.content": reading.Content, // vLLM, whose chunks are those of chat
			"choices.[].finish_reason": reading.Finish,
			"usage.seconds":            reading.BilledSeconds,
			"*":                        otherText,
			"id":                       frame.Known,
			"object":                   frame.Known,
			"item_id":                  frame.Known,
			"segment_id":               frame.Known,
			"language":                 frame.Known,
			"speaker":                  frame.Known,
			"obfuscation":              frame.Known,
		}, compatible.FailurePaths(), reading.Under("usage.", compatible.UsagePaths()))),
	}
}

// whole returns the APIs that never stream.
func whole() (set dialect.Set) {
	rerank := compatible.Post("/rerank") // of vLLM, Jina, Voyage and others
	for _, a := range []struct {
		name      string
		operation exchange.Operation
		matches   func(*dialect.Head) bool
		guide     reading.Guide
	}{
		{"openai-moderation", exchange.Moderation, compatible.Post("/moderations"),
			reading.Guide{Request: "`POST …/moderations`", Usage: "`usage`", Reference: "https://platform.openai.com/docs/api-reference/moderations"}},
		{"openai-rerank", exchange.Rerank, func(h *dialect.Head) bool { return rerank(h) && !strings.HasSuffix(h.Path, "/v2/rerank") }, // of Cohere
			reading.Guide{Request: "`POST …/rerank`", Usage: "`usage`; the total, if it is alone", Reference: "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html"}},
	} {
		set = append(set, &reading.API{
			Name: a.name, Guide: a.guide, Operation: a.operation, Matches: a.matches, Provider: compatible.Provider, PathModel: compatible.Deployment, Request: asks,
			Response: frame.MustShape(reading.Join(frame.Paths{
				"model":                          reading.Model,
				"meta.billed_units.input_tokens": reading.InputTokens, // SiliconFlow
				"meta.tokens.input_tokens":       reading.InputTokens,
			}, compatible.FailurePaths(), reading.Under("usage.", compatible.UsagePaths()))),
		})
	}
	return set
}

// asks is the shape of requests of which only the model and the stream matter.
var asks = frame.MustShape(frame.Paths{"model": reading.AskModel, "stream": reading.AskStream})

// The fields that pictures and sound alone have.
const (
	eventType frame.Field = reading.Own + iota
	textSoFar             // of a segment, or of all: it repeats the deltas if there were any
	otherText             // at a place that nobody knows
)

// closing finds the last event of a stream: its type says that something is complete.
type closing struct {
	reading.Plain
	saying

	deltas bool // events with new content came
	texts  bool // or events with whole texts
}

// saying is what one event says.
type saying struct {
	last  bool
	delta bool // its type says that it brings content
	text  int  // length of a whole text
	other int  // length of the text at unknown places
}

// Reset implements reading.Reader.
func (c *closing) Reset() { c.saying = saying{} }

// Value implements reading.Reader.
func (c *closing) Value(_ *reading.Message, v frame.Value) {
	if v.Kind != frame.String {
		return
	}
	switch v.Field {
	case eventType:
		c.last = bytes.HasSuffix(v.Text, []byte(".completed")) || bytes.HasSuffix(v.Text, []byte(".done"))
		c.delta = bytes.HasSuffix(v.Text, []byte(".delta"))
	case textSoFar:
		c.text = v.Len
	case otherText:
		c.other += v.Len
	}
}

// EndMessage implements reading.Reader.
func (c *closing) EndMessage(m *reading.Message, _ []byte) {
	switch {
	case m.Generated() > 0:
		c.deltas = true
	case c.text > 0 && !c.deltas && (!c.last || !c.texts):
		m.AddContent(c.text)
		c.texts = true
	case c.delta && c.other > 0:
		m.AddContent(c.other)
		m.Note(reading.UnknownContent)
		c.deltas = true
	}
	if c.last {
		m.Last()
		m.End(reading.Stopped)
	}
}
