package gemini_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/gemini"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "generate", Dialect: gemini.Generate(),
		Event: `data: {"candidates":[{"content":{"parts":[{"text":"%[1]s"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":%[2]d,"totalTokenCount":99},"modelVersion":"gemini-x","responseId":"r1"}` + "\r\n\r\n"},
	{Name: "interactions", Dialect: gemini.Interactions(),
		Event: `data: {"event_type":"step.delta","index":1,"delta":{"type":"text","text":"%[1]s"},"event_id":"%[3]s"}` + "\n\n"},
	{Name: "unknown event", Dialect: gemini.Generate(), Unknown: true,
		Event: `data: {"hints":[{"phase":{"steps":[{"name":"%[1]s"}],"role":"model"},"index":0}],"hintMetadata":{"stepCount":9,"doneStepCount":%[2]d,"totalStepCount":99},"modelVersion":"gemini-x","responseId":"r1"}` + "\r\n\r\n"},
}

func BenchmarkChunk(b *testing.B) {
	for _, s := range steadyStreams {
		b.Run(s.Name, s.Benchmark)
	}
}

func TestSteadyStreamAllocatesNothing(t *testing.T) {
	for _, s := range steadyStreams {
		t.Run(s.Name, s.CheckAllocations)
	}
}
