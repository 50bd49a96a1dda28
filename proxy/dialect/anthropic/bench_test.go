package anthropic_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "text", Dialect: anthropic.Messages(), Event: "event: content_block_delta\n" +
		`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%[1]s"}      }` + "\n\n"},
	{Name: "thinking", Dialect: anthropic.Messages(), Event: "event: content_block_delta\n" +
		`data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"%[1]s"}}` + "\n\n"},
	{Name: "arguments of a tool", Dialect: anthropic.Messages(), Event: "event: content_block_delta\n" +
		`data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"%[1]s"}  }` + "\n\n"},
	{Name: "unknown event", Dialect: anthropic.Messages(), Unknown: true, Event: "event: content_block_hint\n" +
		`data: {"type":"content_block_hint","index":0,"hint":{"type":"some_hint","phase":"%[1]s","steps":[{"n":%[2]d}]}}` + "\n\n"},
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
