package sagemaker_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/sagemaker"
)

// steadyStreams are the middles of streams.
var steadyStreams = []dialecttest.Steady{
	{Name: "lines", Dialect: sagemaker.Invoke(), Form: ".parts",
		Event: "PayloadPart\t" + `{"outputs":["%[1]s"]}` + "¶\n"},
	{Name: "unknown event", Dialect: sagemaker.Invoke(), Form: ".parts", Unknown: true,
		Event: "PayloadPart\t" + `{"hint":["%[1]s"]}` + "¶\n"},
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
