package openai

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Chat is the chat completions API.
// https://platform.openai.com/docs/api-reference/chat
func Chat() dialect.Dialect {
	completions := compatible.Post("/chat/completions")
	return &reading.API{
		Name: "openai-chat",
		Guide: reading.Guide{
			Request:    "`POST …/chat/completions`; `POST …/serving-endpoints/NAME/invocations` (Databricks)",
			FirstToken: "text, a refusal, reasoning, the name or arguments of a tool call, a picture or sound in a delta; unknown text in a delta, with a note",
			Usage:      "`usage` of the last chunk, or of every chunk, or in a choice; `x_groq.usage`; `timings` of llama.cpp",
			End:        "`[DONE]`",
			Reference:  "https://platform.openai.com/docs/api-reference/chat",
		},
		Operation:  exchange.Chat,
		Matches:    func(h *dialect.Head) bool { return completions(h) || isDatabricks(h) },
		Provider:   compatible.Provider,
		PathModel:  compatible.Deployment,
		Servers:    servers,
		Unnamed:    compatible.Unnamed,
		ServerOf:   serverOf,
		Terminator: compatible.Terminator,
		Request: frame.MustShape(frame.Paths{
			"model":                        reading.AskModel,
			"stream":                       reading.AskStream,
			"n":                            reading.AskChoices,
			"stream_options.include_usage": reading.AskUsage,
		}),
		// Some servers that cannot stream a request send its whole answer as one event.
		// Perplexity repeats the message so far beside the delta. OpenRouter has the
		// reasoning as text and in details.
		Response: frame.MustShape(reading.Join(completionPaths(),
			reading.Under("choices.[].delta.", messagePaths()),
			reading.Under("choices.[].delta.", otherPaths()),
			reading.Under("choices.[].message.", reading.As(reading.Whole, messagePaths())),
			frame.Paths{
				"choices.[].logprobs.content.[]": reading.Logprob,
				"choices.[].logprobs.refusal.[]": reading.Logprob,
			})),
	}
}

// isDatabricks matches a request to a model that Databricks serves:
// /serving-endpoints/NAME/invocations.
func isDatabricks(h *dialect.Head) bool {
	return h.Method == "POST" && strings.Contains(h.Path, "/serving-endpoints/") && strings.HasSuffix(h.Path, "/invocations")
}

// messagePaths are the places of generated content in a message or a delta of it.
func messagePaths() frame.Paths {
	return frame.Paths{
		"content":                          reading.Content,
		"content.[].text":                  reading.Content,
		"content.[].thinking.[].text":      reading.Reasoning, // Mistral
		"refusal":                          reading.Content,
		"reasoning_content":                reading.Reasoning, // DeepSeek, xAI, SGLang, llama.cpp
		"reasoning":                        reading.Reasoning, // vLLM, Groq, OpenRouter
		"reasoning_text":                   reading.Reasoning, // Copilot
		"thinking":                         reading.Reasoning,
		"reasoning_details.[].text":        reading.Detail,
		"reasoning_details.[].summary":     reading.Summary,
		"tool_calls.[].function.name":      reading.Content,
		"tool_calls.[].function.arguments": reading.Content,
		"tool_calls.[].custom.name":        reading.Content,
		"tool_calls.[].custom.input":       reading.Content,
		"function_call.name":               reading.Content,
		"function_call.arguments":          reading.Content,
		"audio.data":                       reading.Content,
		"audio.transcript":                 reading.Content,
		"images.[].image_url.url":          reading.Content, // OpenRouter
		"images.[].b64_json":               reading.Content,
	}
}

// otherPaths are the places in a delta that have no generated content, and those that
// nobody knows. Text at the latter may be content.
func otherPaths() frame.Paths {
	paths := reading.As(reading.Payload, frame.Paths{"*": 0, "*.*": 0, "*.[]": 0, "*.[].*": 0})
	for _, name := range []string{
		"role", "name", "id", "index", "type", "tool_call_id", "annotations", "citations", "context", "channel",
		"executed_tools", "reasoning_signature", "signature", "encrypted_content", "reasoning_opaque",
		"reasoning_encrypted_content", "content_filter_results", "content_filter_offsets", "provider_specific_fields",
		"extra_content", "finish_reason", "stop_reason", "matched_stop", "end_turn", "logprobs", "token_ids",
		"usage", "cache_control", "metadata", "hidden_states", "created", "object", "model", "status",
	} {
		paths[name] = frame.Known
	}
	return paths
}
