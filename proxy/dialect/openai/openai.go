// Package openai reads the APIs that OpenAI defined and that most model servers
// speak: chat completions, legacy completions, Responses, embeddings, images, sound,
// rerank and moderation.
package openai

import (
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set {
	return slices.Concat(dialect.Set{Chat(), Completions(), Responses(), Embeddings(), Images()}, speech(), whole())
}

// terminator is the data of the last event of a stream.
const terminator = "[DONE]"

// post matches a request to a path with this ending. Prefixes differ by vendor.
func post(suffix string) func(h *dialect.Head) bool {
	return func(h *dialect.Head) bool {
		return h.Method == "POST" && strings.HasSuffix(strings.TrimSuffix(h.Path, "/"), suffix)
	}
}

// deployment is the name of the Azure deployment in the path, if there is one.
func deployment(h *dialect.Head) string {
	_, rest, _ := strings.Cut(h.Path, deployments)
	name, _, _ := strings.Cut(rest, "/")
	return name[:min(len(name), frame.MaxText)] // as much as is kept of a model's name
}

const deployments = "/openai/deployments/"

// completionPaths are the places that chat completions and legacy completions share.
func completionPaths() frame.Paths {
	return reading.Join(frame.Paths{
		"id":                       frame.Varying,
		"created":                  frame.Varying,
		"obfuscation":              frame.Varying,
		"model":                    reading.Model,
		"object":                   reading.Kind,
		"error":                    reading.Failure,
		"errors":                   reading.Failure,
		"base_resp.status_code":    reading.Status, // MiniMax
		"message":                  reading.Blame,
		"msg":                      reading.Blame,
		"detail":                   reading.Blame,
		"error_msg":                reading.Blame,
		"choices.[]":               reading.Choice,
		"choices.[].index":         reading.Index,
		"choices.[].finish_reason": reading.Finish,
		"choices.[].delta":         reading.Delta,
		"choices.[].error":         reading.Failure,
		"choices.[].token_ids.[]":  reading.TokenID,
		"x_groq.error":             reading.Failure,
		"timings.prompt_n":         reading.TimedInput, // llama.cpp
		"timings.cache_n":          reading.TimedCached,
		"timings.predicted_n":      reading.TimedOutput,
		"timings.prompt_ms":        reading.PrefillMillis, // from the start of the prompt to the first token
		"timings.predicted_ms":     reading.DecodeMillis,
	}, serverPaths(), metricsPaths(), reading.Under("usage.", usagePaths()), reading.Under("x_groq.usage.", usagePaths()),
		reading.Under("choices.[].usage.", usagePaths())) // Moonshot
}

// usagePaths are the places of counts in a usage object of chat completions, wherever a
// server has them, and of the times that Groq has beside them.
func usagePaths() frame.Paths {
	return frame.Paths{
		"prompt_tokens":                                        reading.InputTokens,
		"input_tokens":                                         reading.InputTokens, // MLX
		"completion_tokens":                                    reading.OutputTokens,
		"output_tokens":                                        reading.OutputTokens,
		"total_tokens":                                         reading.TotalTokens,
		"prompt_tokens_details.cached_tokens":                  reading.CachedTokens,
		"input_tokens_details.cached_tokens":                   reading.CachedTokens,
		"prompt_tokens_details.cache_write_tokens":             reading.WrittenTokens,
		"prompt_tokens_details.audio_tokens":                   reading.AudioTokens,
		"prompt_cache_hit_tokens":                              reading.CachedTokens, // DeepSeek
		"cached_tokens":                                        reading.CachedTokens, // Moonshot
		"num_cached_tokens":                                    reading.CachedTokens, // Mistral
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

// metricsPaths are the places of the times that vLLM reports with
// --enable-per-request-metrics, in all of its APIs. Its time to the first token counts
// from the scheduling on.
// https://docs.vllm.ai/en/latest/features/per_request_metrics
func metricsPaths() frame.Paths {
	return frame.Paths{
		"metrics.queue_time_ms":          reading.QueueMillis,
		"metrics.time_to_first_token_ms": reading.PrefillMillis,
		"metrics.generation_time_ms":     reading.DecodeMillis,
	}
}
