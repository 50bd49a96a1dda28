package cohere_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/cohere"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "chat", Dialect: cohere.Chat(),
		Event: "event: content-delta\n" + `data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"%[1]s"}}}}` + "\n\n"},
	{Name: "unknown event", Dialect: cohere.Chat(), Unknown: true,
		Event: "event: content-hint\n" + `data: {"type":"content-hint","index":0,"hint":{"phase":{"name":"%[1]s","steps":[{"n":%[2]d}]}}}` + "\n\n"},
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
