package openai

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Completions is the legacy completions API.
// https://platform.openai.com/docs/api-reference/completions
func Completions() dialect.Dialect {
	completions, chat := compatible.Post("/completions"), compatible.Post("/chat/completions")
	return &reading.API{
		Name: "openai-completions",
		Guide: reading.Guide{
			Request:    "`POST …/completions`",
			FirstToken: "text, without the prompt that `echo` puts before it",
			Usage:      "as `openai-chat`",
			End:        "`[DONE]`",
			Reference:  "https://platform.openai.com/docs/api-reference/completions",
		},
		Operation:  exchange.TextCompletion,
		Matches:    func(h *dialect.Head) bool { return completions(h) && !chat(h) },
		Provider:   compatible.Provider,
		PathModel:  compatible.Deployment,
		Servers:    servers,
		Unnamed:    compatible.Unnamed,
		ServerOf:   serverOf,
		Terminator: compatible.Terminator,
		NewReader:  func() reading.Reader { return new(echo) },
		Request: frame.MustShape(frame.Paths{
			"model":                        reading.AskModel,
			"stream":                       reading.AskStream,
			"n":                            reading.AskChoices,
			"stream_options.include_usage": reading.AskUsage,
			"echo":                         askEcho,
			"prompt":                       reading.AskPrompt,
			"prompt.[]":                    reading.AskPromptPart,
		}),
		Response: frame.MustShape(reading.Join(completionPaths(), frame.Paths{
			"choices.[].reasoning":          reading.Reasoning,
			"choices.[].reasoning_content":  reading.Reasoning,
			"choices.[].logprobs.tokens.[]": reading.Logprob,
		})),
	}
}

// askEcho is the field of requests that legacy completions alone have.
const askEcho frame.Field = reading.AskOwn

// echo leaves the prompt out of the generated content, where a request asks that every
// choice begins with it.
type echo struct {
	reading.Plain

	asked   bool
	prompts int    // as text or as tokens
	prompt  int    // length of the last one that is text, in bytes
	past    uint16 // the choices whose prompt has passed
}

// Ask implements reading.Reader.
func (e *echo) Ask(v frame.Value) {
	switch v.Field {
	case askEcho:
		e.asked = v.Kind == frame.True
	case reading.AskPrompt, reading.AskPromptPart:
		if v.Kind == frame.String {
			e.prompt = v.Len
		}
		if v.Kind == frame.String || v.Field == reading.AskPromptPart {
			e.prompts++
		}
	}
}

// EndChoice implements reading.Reader. It takes the prompt out of the first content of
// a choice. A prompt of unknown length takes all of that content with it.
func (e *echo) EndChoice(m *reading.Message) {
	i := m.Index()
	if !e.asked || m.Generated() == 0 || i < 0 || i >= reading.MaxChoices || e.past&(1<<i) != 0 {
		return
	}
	e.past |= 1 << i
	generated := 0
	if e.prompts == 1 && e.prompt > 0 {
		generated = max(0, m.Generated()-e.prompt)
	}
	m.SetGenerated(generated)
}
