package live_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/live"
)

// steadyStreams are the middles of answers.
var steadyStreams = []dialecttest.Steady{
	{Name: "text", Dialect: live.Live(), Form: ".seq",
		Event: `{"serverContent":{"modelTurn":{"parts":[{"text":"%[1]s"}]}},"usageMetadata":{"promptTokenCount":9,"responseTokenCount":%[2]d,"totalTokenCount":99}}`},
	{Name: "sound", Dialect: live.Live(), Form: ".seq",
		Event: `{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"%[3]s"}}]}}}`},
	{Name: "unknown event", Dialect: live.Live(), Form: ".seq", Unknown: true,
		Event: `{"serverHint":{"phase":{"steps":[{"name":"%[1]s"}]}},"hintMetadata":{"stepCount":9,"doneStepCount":%[2]d,"totalStepCount":99}}`},
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
