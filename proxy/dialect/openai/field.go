package openai

import (
	"maps"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// The fields of requests.
const (
	askModel frame.Field = iota + 1
	askStream
	askCount
	askUsage
	askEcho
	askPrompt
	askPromptPart
)

// The fields of responses. Each stands for every place where one of the APIs or
// their imitators have it.
const (
	model frame.Field = iota + 1
	object
	failure   // an error, unless it is null
	choice    // one of several answers
	index     // of the choice
	finish    // its finish_reason
	partial   // a delta
	whole     // generated text in a message that is no delta
	content   // generated text, or the name or arguments of a tool call
	reasoning // text that was generated before the answer
	detail    // reasoning, or a part of it, once more
	summary   // text that another model made of the reasoning
	logprob   // of a token
	tokenID

	promptTokens
	completionTokens
	totalTokens
	cachedTokens
	writtenTokens
	reasoningTokens

	timedPrompt // of llama.cpp: tokens, less cached ones
	timedCached
	timedTokens

	queueMillis // times inside the server, as exchange.Engine has them
	prefillMillis
	decodeMillis
	queueSeconds
	prefillSeconds
	decodeSeconds

	eventType
	delta
	status
	incomplete // why a response is incomplete
	itemType
	itemName
)

// usagePaths are the places of counts in a usage object of chat completions, with
// those that DeepSeek and Moonshot have, and of the times that Groq has beside them.
var usagePaths = frame.Paths{
	"prompt_tokens":                              promptTokens,
	"completion_tokens":                          completionTokens,
	"total_tokens":                               totalTokens,
	"prompt_tokens_details.cached_tokens":        cachedTokens,
	"prompt_tokens_details.cache_write_tokens":   writtenTokens,
	"prompt_cache_hit_tokens":                    cachedTokens,
	"cached_tokens":                              cachedTokens,
	"completion_tokens_details.reasoning_tokens": reasoningTokens,
	"queue_time":                                 queueSeconds,
	"prompt_time":                                prefillSeconds,
	"completion_time":                            decodeSeconds,
}

// metricsPaths are the places of the times that vLLM tells with --enable-per-request-metrics,
// in all of its APIs. Its time to the first token counts from the scheduling on.
// https://docs.vllm.ai/en/latest/features/per_request_metrics
var metricsPaths = frame.Paths{
	"metrics.queue_time_ms":          queueMillis,
	"metrics.time_to_first_token_ms": prefillMillis,
	"metrics.generation_time_ms":     decodeMillis,
}

// sharedPaths are places that chat completions and legacy completions share.
var sharedPaths = join(frame.Paths{
	"id":                       frame.Varying,
	"created":                  frame.Varying,
	"obfuscation":              frame.Varying,
	"model":                    model,
	"object":                   object,
	"error":                    failure,
	"choices.[]":               choice,
	"choices.[].index":         index,
	"choices.[].finish_reason": finish,
	"choices.[].delta":         partial,
	"choices.[].error":         failure,
	"choices.[].token_ids.[]":  tokenID,
	"x_groq.error":             failure,
	"timings.prompt_n":         timedPrompt,
	"timings.cache_n":          timedCached,
	"timings.predicted_n":      timedTokens,
	"timings.prompt_ms":        prefillMillis, // from the start of the prompt to the first token
	"timings.predicted_ms":     decodeMillis,
}, metricsPaths, under("usage.", usagePaths), under("x_groq.usage.", usagePaths))

// under returns paths below a prefix.
func under(prefix string, paths frame.Paths) frame.Paths {
	below := make(frame.Paths, len(paths))
	for path, field := range paths {
		below[prefix+path] = field
	}
	return below
}

// as returns paths that all stand for one field.
func as(field frame.Field, paths frame.Paths) frame.Paths {
	same := make(frame.Paths, len(paths))
	for path := range paths {
		same[path] = field
	}
	return same
}

// join returns all of several paths.
func join(all ...frame.Paths) frame.Paths {
	joined := frame.Paths{}
	for _, paths := range all {
		maps.Copy(joined, paths)
	}
	return joined
}
