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
	return reading.Join(frame.Paths{
		"model":                reading.Model,
		"choices.[]":           reading.Choice,
		"choices.[].index":     reading.Index,
		"choices.[].error":     reading.Failure,
		"x_groq.error":         reading.Failure,
		"timings.prompt_n":     reading.TimedInput, // llama.cpp
		"timings.cache_n":      reading.TimedCached,
		"timings.predicted_n":  reading.TimedOutput,
		"timings.prompt_ms":    reading.PrefillMillis, // from the start of the prompt to the first token
		"timings.predicted_ms": reading.DecodeMillis,
	}, compatible.ChatPaths(), compatible.FailurePaths(), serverPaths(), compatible.MetricsPaths(), reading.Under("usage.", compatible.UsagePaths()), frame.Paths{"usage.[].*": reading.StrangeTokens},
		reading.Under("x_groq.usage.", compatible.UsagePaths()),
		reading.Under("choices.[].usage.", compatible.UsagePaths())) // Moonshot
}
