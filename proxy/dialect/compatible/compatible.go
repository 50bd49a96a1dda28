// Package compatible holds what the APIs have in common that OpenAI defined and that many
// others imitate: who serves them, and where they report counts and times.
package compatible

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// Terminator is the data of the last event of a stream.
const Terminator = "[DONE]"

// Post matches a request to a path with this ending. Prefixes differ by vendor.
func Post(suffix string) func(h *dialect.Head) bool {
	return func(h *dialect.Head) bool {
		return h.Method == "POST" && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), suffix)
	}
}

// Opens matches the request that opens a WebSocket at a path with this ending.
func Opens(suffix string) func(h *dialect.Head) bool {
	return func(h *dialect.Head) bool {
		return h.Upgrade == "websocket" && h.Method == "GET" && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), suffix)
	}
}

// UsagePaths are the places of counts in a usage object of chat completions, wherever a
// server has them, and of the times that Groq has beside them.
func UsagePaths() frame.Paths {
	return frame.Paths{
		"prompt_tokens":                                        reading.InputTokens,
		"input_tokens":                                         reading.InputTokens, // MLX
		"completion_tokens":                                    reading.OutputTokens,
		"output_tokens":                                        reading.OutputTokens,
		"total_tokens":                                         reading.TotalTokens,
		"prompt_tokens_details.cached_tokens":                  reading.CachedTokens,
		"input_tokens_details.cached_tokens":                   reading.CachedTokens,
		"prompt_tokens_details.cache_write_tokens":             reading.WrittenTokens,
		"prompt_tokens_details.cache_creation_input_tokens":    reading.WrittenTokens, // Qwen
		"prompt_tokens_details.cache_creation_tokens":          reading.WrittenTokens, // LiteLLM
		"prompt_tokens_details.cached_creation_tokens":         reading.WrittenTokens, // One API and its descendants
		"prompt_tokens_details.audio_tokens":                   reading.AudioTokens,
		"prompt_tokens_details.image_tokens":                   reading.ImageTokens,
		"completion_tokens_details.audio_tokens":               reading.SpokenTokens,
		"prompt_cache_hit_tokens":                              reading.CachedTokens, // DeepSeek
		"cached_tokens":                                        reading.CachedTokens, // Moonshot
		"num_cached_tokens":                                    reading.CachedTokens, // Mistral
		"cache_read_input_tokens":                              reading.CachedTokens, // Claude, at gateways
		"cache_creation_input_tokens":                          reading.WrittenTokens,
		"completion_tokens_details.reasoning_tokens":           reading.ReasoningTokens,
		"completion_tokens_details.rejected_prediction_tokens": reading.RejectedTokens,
		"output_tokens_details.reasoning_tokens":               reading.ReasoningTokens,
		"reasoning_tokens":                                     reading.ReasoningTokens, // SGLang, Perplexity
		"queue_time":                                           reading.QueueSeconds,
		"prompt_time":                                          reading.PrefillSeconds,
		"completion_time":                                      reading.DecodeSeconds,
		"*":                                                    reading.StrangeTokens,
	}
}

// MetricsPaths are the places of the times that vLLM reports with
// --enable-per-request-metrics, in all of its APIs. Its time to the first token counts
// from the scheduling on.
// https://docs.vllm.ai/en/latest/features/per_request_metrics
func MetricsPaths() frame.Paths {
	return frame.Paths{
		"metrics.queue_time_ms":          reading.QueueMillis,
		"metrics.time_to_first_token_ms": reading.PrefillMillis,
		"metrics.generation_time_ms":     reading.DecodeMillis,
	}
}
