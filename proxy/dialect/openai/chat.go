package openai

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Chat is the chat completions API.
// https://platform.openai.com/docs/api-reference/chat
func Chat() dialect.Dialect {
	return &api{
		name:      "openai-chat",
		operation: exchange.Chat,
		match:     post("/chat/completions"),
		request: frame.MustShape(frame.Paths{
			"model":                        askModel,
			"stream":                       askStream,
			"n":                            askCount,
			"stream_options.include_usage": askUsage,
		}),
		// Some servers that cannot stream a request send its whole answer as one event.
		response: frame.MustShape(join(sharedPaths,
			under("choices.[].delta.", messagePaths), under("choices.[].message.", as(whole, messagePaths)),
			frame.Paths{
				"choices.[].logprobs.content.[]": logprob,
				"choices.[].logprobs.refusal.[]": logprob,
			})),
	}
}

// messagePaths are the places of generated content in a message or a delta of it.
var messagePaths = frame.Paths{
	"content":                          content,
	"content.[].text":                  content,
	"content.[].thinking.[].text":      reasoning, // Mistral
	"refusal":                          content,
	"reasoning_content":                reasoning, // DeepSeek, xAI, SGLang, llama.cpp
	"reasoning":                        reasoning, // vLLM, Groq, OpenRouter
	"reasoning_details.[].text":        detail,
	"reasoning_details.[].summary":     summary,
	"tool_calls.[].function.name":      content,
	"tool_calls.[].function.arguments": content,
	"tool_calls.[].custom.name":        content,
	"tool_calls.[].custom.input":       content,
	"function_call.name":               content,
	"function_call.arguments":          content,
	"audio.data":                       content,
	"audio.transcript":                 content,
}
