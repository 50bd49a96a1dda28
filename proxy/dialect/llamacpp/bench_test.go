package llamacpp_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/llamacpp"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "completion", Dialect: llamacpp.Completion(),
		Event: `data: {"index":0,"content":"%[1]s","tokens":[%[2]d],"stop":false,"id_slot":0,"tokens_predicted":%[2]d,"tokens_evaluated":9}` + "\n\n"},
	{Name: "unknown event", Dialect: llamacpp.Completion(), Unknown: true,
		Event: `data: {"index":0,"hint":"%[1]s","steps":[%[2]d],"id_slot":0,"steps_done":%[2]d,"steps_in_all":9}` + "\n\n"},
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
