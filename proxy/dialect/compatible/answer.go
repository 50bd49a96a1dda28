package compatible

import (
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// ChatPaths are the places of generated content in an answer of chat completions, whole or
// streamed, and of the word that ends it. Some servers that cannot stream a request send
// its whole answer as one event. Perplexity repeats the message so far beside the delta.
// OpenRouter has the reasoning as text and in details.
func ChatPaths() frame.Paths {
	return reading.Join(
		reading.Under("choices.[].delta.", messagePaths()),
		reading.Under("choices.[].message.", reading.As(reading.Whole, messagePaths())),
		frame.Paths{
			"choices.[].delta":                    reading.Delta,
			"choices.[].delta.tool_calls.[].id":   reading.ToolCallID,
			"choices.[].message.tool_calls.[].id": reading.ToolCallID,
			"choices.[].finish_reason":            reading.Finish,
			"choices.[].finish_reason.type":       reading.Finish,  // SGLang, of some versions
			"choices.[].text":                     reading.Content, // servers that answer chat as completions
			"choices.[].logprobs.content.[]":      reading.Logprob,
			"choices.[].logprobs.refusal.[]":      reading.Logprob,
			"choices.[].token_ids.[]":             reading.TokenID,
		})
}

// FailurePaths are the places of errors.
func FailurePaths() frame.Paths {
	return reading.Join(reading.ErrorPaths(), frame.Paths{"object": reading.Kind}) // vLLM has the word error there
}

// messagePaths are the places of generated content in a message or a delta of it.
func messagePaths() frame.Paths {
	return frame.Paths{
		"content":                          reading.Content,
		"content.[].text":                  reading.Content,
		"content.[].image_url.url":         reading.Content,
		"content.[].thinking.[].text":      reading.Reasoning, // Mistral
		"refusal":                          reading.Content,
		"reasoning_content":                reading.Reasoning, // DeepSeek, xAI, SGLang, llama.cpp
		"reasoning_content.[].text":        reading.Reasoning,
		"reasoning":                        reading.Reasoning, // vLLM, Groq, OpenRouter
		"reasoning_text":                   reading.Reasoning, // Copilot
		"thinking":                         reading.Reasoning,
		"reasoning_details.[].text":        reading.Detail,
		"thinking_blocks.[].thinking":      reading.Detail, // LiteLLM
		"reasoning_details.[].summary":     reading.Summary,
		"tool_calls.[].name":               reading.Content, // without the object of the function
		"tool_calls.[].arguments":          reading.Content,
		"tool_calls.[].function.name":      reading.Content,
		"tool_calls.[].function.arguments": reading.Content,
		"tool_calls.[].custom.name":        reading.Content,
		"tool_calls.[].custom.input":       reading.Content,
		"function_call.name":               reading.Content,
		"function_call.arguments":          reading.Content,
		"audio.data":                       reading.Content,
		"audio.transcript":                 reading.Content,
		"images.[]":                        reading.Content,
		"images.[].url":                    reading.Content,
		"images.[].image_url.url":          reading.Content, // OpenRouter
		"images.[].b64_json":               reading.Content,
	}
}

// OtherPaths are the places in a delta of chat completions that have no generated content,
// and those that nobody knows. Text at the latter may be content.
func OtherPaths() frame.Paths {
	paths := reading.As(reading.Payload, frame.Paths{
		"*": 0, "*.*": 0, "*.*.*": 0, "*.[]": 0, "*.[].*": 0, "*.[].*.*": 0,
		"content.*": 0, "reasoning.*": 0, "reasoning_content.*": 0, "thinking.*": 0, // where a text should be
		"content.[]": 0, "content.[].*": 0, "content.[].*.*": 0,
	})
	for _, name := range []string{
		"role", "name", "id", "index", "type", "tool_call_id", "annotations", "citations", "context", "channel",
		"executed_tools", "reasoning_signature", "signature", "encrypted_content", "reasoning_opaque",
		"reasoning_encrypted_content", "content_filter_results", "content_filter_offsets", "provider_specific_fields",
		"extra_content", "finish_reason", "stop_reason", "matched_stop", "end_turn", "logprobs", "token_ids",
		"usage", "cache_control", "metadata", "hidden_states", "created", "object", "model", "status",
		"content.[].type", "content.[].id",
	} {
		paths[name] = frame.Known
	}
	return paths
}
