package triton_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/triton"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "generate", Dialect: triton.Generate(),
		Event: `data: {"model_name":"llama","model_version":"1","text_output":"%[1]s"}` + "\n\n"},
	{Name: "unknown event", Dialect: triton.Generate(), Unknown: true,
		Event: `data: {"model_name":"llama","model_version":"1","progress_hint":{"phase":"%[1]s"}}` + "\n\n"},
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
