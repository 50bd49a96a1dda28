package openai

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Completions is the legacy completions API.
// https://platform.openai.com/docs/api-reference/completions
func Completions() dialect.Dialect {
	completions, chat := post("/completions"), post("/chat/completions")
	return &api{
		name:      "openai-completions",
		operation: exchange.TextCompletion,
		match:     func(h *dialect.Head) bool { return completions(h) && !chat(h) },
		request: frame.MustShape(frame.Paths{
			"model":                        askModel,
			"stream":                       askStream,
			"n":                            askCount,
			"stream_options.include_usage": askUsage,
			"echo":                         askEcho,
			"prompt":                       askPrompt,
			"prompt.[]":                    askPromptPart,
		}),
		response: frame.MustShape(join(sharedPaths, frame.Paths{
			"choices.[].text":               content,
			"choices.[].reasoning":          reasoning,
			"choices.[].logprobs.tokens.[]": logprob,
		})),
	}
}

// dropEcho takes the prompt, with which every choice begins, from the content of
// the choice that was read. Its tokens were not generated.
func (d *decoder) dropEcho() {
	m := &d.message
	if m.content == m.before || m.index >= maxChoices || d.echoed&(1<<m.index) != 0 {
		return
	}
	d.echoed |= 1 << m.index
	m.tokens = tokens{}
	generated := 0
	if n, ok := d.request.promptLen(); ok {
		generated = max(0, m.content-m.before-n)
	}
	m.content = m.before + generated
}
