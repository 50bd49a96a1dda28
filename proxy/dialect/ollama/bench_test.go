package ollama_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/ollama"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "chat", Dialect: ollama.Chat(), Form: ".ndjson",
		Event: `{"model":"llama3","created_at":"2026-01-01T00:00:%[2]d.123456Z","message":{"role":"assistant","content":"%[1]s"},"done":false}` + "\n"},
	{Name: "unknown event", Dialect: ollama.Chat(), Form: ".ndjson", Unknown: true,
		Event: `{"model":"llama3","created_at":"2026-01-01T00:00:%[2]d.123456Z","hint":{"phase":"loading","step":"%[1]s"}}` + "\n"},
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
