package modelsim

import "time"

// invocationMetrics is what Bedrock adds to the last event of a stream in a model's own format. Tokens
// that the cache held or got stand beside the input.
type invocationMetrics struct {
	Input      int   `json:"inputTokenCount"`
	Output     int   `json:"outputTokenCount"`
	Latency    int64 `json:"invocationLatency"` // in milliseconds
	FirstByte  int64 `json:"firstByteLatency"`
	CacheRead  int   `json:"cacheReadInputTokenCount,omitempty"`
	CacheWrite int   `json:"cacheWriteInputTokenCount,omitempty"`
}

// invokeEncoder words an answer in a model's own format, as InvokeModelWithResponseStream has it.
type invokeEncoder struct {
	encoder
	start time.Time
}

// close adds the metrics to the last event.
func (e *invokeEncoder) close(t tally) []event {
	events := e.encoder.close(t)
	last := &events[len(events)-1]
	metrics := mustJSON(invocationMetrics{
		Input: t.prompt - t.cached - t.written, Output: t.output, CacheRead: t.cached, CacheWrite: t.written,
		Latency: time.Since(e.start).Milliseconds(), FirstByte: time.Unix(0, t.spans.firstAt).Sub(e.start).Milliseconds(),
	})
	last.data = append(append(last.data[:len(last.data)-1], `,"amazon-bedrock-invocationMetrics":`...), metrics...)
	last.data = append(last.data, '}')
	return events
}

// fail is the exception that every model has.
func (e *invokeEncoder) fail(err *apiError) []event { return []event{bedrockFailure(err)} }
