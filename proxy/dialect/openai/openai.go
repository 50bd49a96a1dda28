// Package openai reads the APIs that OpenAI defined and that most model servers
// speak: chat completions, legacy completions, Responses, embeddings, images, sound,
// rerank and moderation.
package openai

import (
	"slices"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// Dialects returns the dialects of the family.
func Dialects() dialect.Set {
	return slices.Concat(dialect.Set{Chat(), Completions(), Embeddings(), Images()}, speech(), whole())
}

// completionPaths are the places that chat completions and legacy completions share. Some
// servers answer every path as chat.
func completionPaths() frame.Paths {
	return reading.Join(reading.Under("data.", wrappedPaths()), frame.Paths{
		"model":            reading.Model,
		"choices.[]":       reading.Choice,
		"choices.[].index": reading.Index,
		"choices.[].error": reading.Failure,
		"x_groq.error":     reading.Failure,
		"x_groq.usage.prompt_tokens_details.cached_tokens":        reading.CachedTokens,
		"x_groq.usage.completion_tokens_details.reasoning_tokens": reading.ReasoningTokens,
		"x_groq.usage.queue_time":                                 reading.QueueSeconds,
		"x_groq.usage.prompt_time":                                reading.PrefillSeconds,
		"x_groq.usage.completion_time":                            reading.DecodeSeconds,
		"timings.prompt_n":                                        reading.TimedInput, // llama.cpp
		"timings.cache_n":                                         reading.TimedCached,
		"timings.predicted_n":                                     reading.TimedOutput,
		"timings.prompt_ms":                                       reading.PrefillMillis, // from the start of the prompt to the first token
		"timings.predicted_ms":                                    reading.DecodeMillis,
		"usage.[].*":                                              reading.StrangeTokens,
		"usageMetadata.*":                                         reading.StrangeTokens,
		"usage_metadata.*":                                        reading.StrangeTokens,
	}, compatible.ChatPaths(), compatible.FailurePaths(), serverPaths(), compatible.MetricsPaths(), reading.Under("usage.", compatible.UsagePaths()),
		reading.Under("x_groq.usage.", countPaths()),
		reading.Under("choices.[].delta.usage.", countPaths()),
		reading.Under("choices.[].usage.", compatible.UsagePaths())) // Moonshot
}

// wrappedPaths are the places in an answer that a gateway puts into a field of its envelope,
// as in {"code":0,"data":{"choices":…}}.
func wrappedPaths() frame.Paths {
	return reading.Join(frame.Paths{
		"model":                      reading.Model,
		"choices.[]":                 reading.Choice,
		"choices.[].index":           reading.Index,
		"choices.[].finish_reason":   reading.Finish,
		"choices.[].delta":           reading.Delta,
		"choices.[].delta.content":   reading.Content,
		"choices.[].message.content": reading.Whole,
	}, reading.Under("usage.", countPaths()))
}

// countPaths are the places of the counts that every usage object of OpenAI has.
func countPaths() frame.Paths {
	return frame.Paths{
		"prompt_tokens":     reading.InputTokens,
		"completion_tokens": reading.OutputTokens,
		"total_tokens":      reading.TotalTokens,
	}
}
