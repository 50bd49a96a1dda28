package bedrock_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/bedrock"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "converse", Dialect: bedrock.Converse(), Form: ".frames",
		Event: "contentBlockDelta\t" + `{"contentBlockIndex":0,"delta":{"text":"%[1]s"},"p":"%[3]s"}` + "\n"},
	{Name: "invoke", Dialect: bedrock.Invoke(), Form: ".wrapped",
		Event: "chunk\t" + `{"generation":"%[1]s","prompt_token_count":null,"generation_token_count":%[2]d,"stop_reason":null}` + "\n"},
	{Name: "unknown event", Dialect: bedrock.Converse(), Form: ".frames", Unknown: true,
		Event: "contentBlockHint\t" + `{"contentBlockIndex":0,"hint":{"phase":"%[1]s","steps":[{"n":%[2]d}]},"p":"%[3]s"}` + "\n"},
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
