package bedrock

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Invoke is InvokeModel and InvokeModelWithResponseStream. Each model answers in a format
// of its own, and Bedrock adds the same metrics to the end of all of them. The identifier
// of a profile does not always say which model stands behind it, so that this dialect
// reads all formats.
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
func Invoke() dialect.Dialect {
	return &reading.API{
		Name: "bedrock-invoke",
		Guide: reading.Guide{
			Request:    "`POST …/model/MODEL/invoke`, `/invoke-with-response-stream`",
			FirstToken: "text in the format of Nova, Titan, Llama, Command, Mistral, Claude or OpenAI",
			Usage:      "`amazon-bedrock-invocationMetrics`, or the model's own counts",
			End:        "the metrics, or an exception",
			Reference:  "https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html",
		},
		Operation:  exchange.Chat,
		Matches:    func(h *dialect.Head) bool { return call(h) == "invoke" || invokesInStream(h) },
		Provider:   provider,
		PathModel:  anthropic.BedrockModel,
		Streams:    invokesInStream,
		Single:     true,
		CacheApart: true,
		Framing:    reading.Wrapped,
		Endless:    true, // a guardrail that answers in place of the model adds no end
		NewReader:  func() reading.Reader { return new(chunk) },
		Request:    frame.MustShape(frame.Paths{}),
		Response: frame.MustShape(reading.Join(
			metricsPaths(), novaPaths(), titanPaths(), llamaPaths(), coherePaths(), mistralPaths(), openaiPaths(),
			anthropic.AnswerPaths(), // of Claude behind a profile whose name does not say so
		)),
	}
}

func invokesInStream(h *dialect.Head) bool { return call(h) == "invoke-with-response-stream" }

// metrics is the object of metrics, with which a stream ends.
const metrics = reading.Own

// metricsPaths are the places in the metrics. The model is older than the counts of the
// cache, which come with newer ones.
func metricsPaths() frame.Paths {
	const object = "amazon-bedrock-invocationMetrics"
	return frame.Paths{
		object:                                metrics,
		object + ".inputTokenCount":           reading.InputTokens,
		object + ".outputTokenCount":          reading.OutputTokens,
		object + ".cacheReadInputTokenCount":  reading.CachedTokens,
		object + ".cacheWriteInputTokenCount": reading.WrittenTokens,
		object + ".firstByteLatency":          reading.PrefillMillis,
	}
}

// novaPaths are the places in the events of Amazon Nova, which are those of Converse below
// their names, and in its whole answers.
func novaPaths() frame.Paths {
	return reading.Join(
		reading.Under("contentBlockStart.", blockPaths()),
		reading.Under("contentBlockDelta.", blockPaths()),
		frame.Paths{"messageStop.stopReason": reading.Finish, "stopReason": reading.Finish},
		reading.Under("metadata.usage.", usagePaths()),
		reading.Under("usage.", usagePaths()),
	)
}

// titanPaths are those of Amazon Titan.
func titanPaths() frame.Paths {
	return frame.Paths{
		"outputText":                  reading.Content,
		"completionReason":            reading.Finish,
		"inputTextTokenCount":         reading.InputTokens,
		"totalOutputTextTokenCount":   reading.OutputTokens,
		"results.[].completionReason": reading.Finish,
		"results.[].tokenCount":       reading.OutputTokens,
	}
}

// llamaPaths are those of Meta's Llama.
func llamaPaths() frame.Paths {
	return frame.Paths{
		"generation":             reading.Content,
		"stop_reason":            reading.Finish,
		"prompt_token_count":     reading.InputTokens,
		"generation_token_count": reading.OutputTokens,
	}
}

// coherePaths are those of Cohere's Command, and of Claude's text completions.
func coherePaths() frame.Paths {
	return frame.Paths{
		"text":                         reading.Content,
		"completion":                   reading.Content,
		"finish_reason":                reading.Finish,
		"generations.[].finish_reason": reading.Finish,
	}
}

// mistralPaths are those of Mistral and of AI21.
func mistralPaths() frame.Paths {
	return frame.Paths{
		"outputs.[].text":                    reading.Content,
		"outputs.[].stop_reason":             reading.Finish,
		"completions.[].finishReason.reason": reading.Finish,
	}
}

// openaiPaths are those of models that OpenAI's chat format came with: gpt-oss, DeepSeek,
// imported ones.
func openaiPaths() frame.Paths {
	return reading.Join(compatible.ChatPaths(), frame.Paths{
		"choices.[].stop_reason":                           reading.Finish,
		"usage.prompt_tokens":                              reading.InputTokens,
		"usage.completion_tokens":                          reading.OutputTokens,
		"usage.total_tokens":                               reading.TotalTokens,
		"usage.completion_tokens_details.reasoning_tokens": reading.ReasoningTokens,
	})
}

// chunk finds the end of a stream.
type chunk struct {
	reading.Plain
	last bool
}

// Reset implements reading.Reader.
func (c *chunk) Reset() { c.last = false }

// Value implements reading.Reader.
func (c *chunk) Value(_ *reading.Message, v frame.Value) { c.last = c.last || v.Kind == frame.Object }

// EndMessage implements reading.Reader.
func (c *chunk) EndMessage(m *reading.Message, _ []byte) {
	if c.last {
		m.Last()
	}
}
