package sglang_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/sglang"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "new text", Dialect: sglang.Generate(),
		Event: `data: {"text":"%[1]s","output_ids":[1],"meta_info":{"id":"g","prompt_tokens":5,"completion_tokens":%[2]d,"finish_reason":null}}` + "\n\n"},
	{Name: "unknown event", Dialect: sglang.Generate(), Unknown: true,
		Event: `data: {"hint":"%[1]s","hint_ids":[1],"hint_info":{"id":"g","steps":5,"steps_done":%[2]d,"hint_reason":null}}` + "\n\n"},
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
