package tgi_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/tgi"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "generate", Dialect: tgi.Generate(),
		Event: `data:{"index":%[2]d,"token":{"id":%[2]d,"text":"%[1]s","logprob":-0.1,"special":false},"generated_text":null,"details":null}` + "\n\n"},
	{Name: "unknown event", Dialect: tgi.Generate(), Unknown: true,
		Event: `data:{"index":%[2]d,"hint":{"id":%[2]d,"phase":"%[1]s","share":-0.1,"special":false},"generated_hint":null,"hint_details":null}` + "\n\n"},
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
