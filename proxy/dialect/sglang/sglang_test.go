package sglang_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/sglang"
)

func generateSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: sglang.Generate(), Cases: []dialecttest.Case{
		{Name: "all of the text so far", File: "generate.sse", Ask: `{"text":"Say hi","sampling_params":{},"stream":true}`,
			Want: `stream complete model= finish=stop usage=reported in=5 out=4 cached=0 streamed=4 events=4@1 tokens@1-3 1:1/2 2:1/4 3:2/2`},
		{Name: "the new part of the text", File: "generate_new.sse", Ask: `{"text":"Say hi","sampling_params":{},"stream":true}`,
			Want: `stream complete model= finish=length usage=reported in=5 out=3 cached=0 streamed=3 events=4@1 tokens@1-3 1:1/6 2:1/2 3:1/4`},
		{Name: "an error in the stream", File: "generate_error.sse", Ask: `{"text":"Say hi","sampling_params":{},"stream":true}`,
			Want: `stream complete failed model= finish= usage=running in=5 out=1 cached=0 streamed=1 events=2@1 tokens@1-1 1:1/2`},
		{Name: "cut", File: "generate_cut.sse", Ask: `{"text":"Say hi","sampling_params":{},"stream":true}`,
			Want: `stream model= finish= usage=running in=5 out=1 cached=0 streamed=1 events=1@1 tokens@1-1 1:1/2`},
		{Name: "not streamed", File: "generate.json",
			Want: `complete model= finish=stop usage=reported in=5 out=4 cached=0`},
		{Name: "Text Generation Inference", File: "tgi.json",
			Want: `complete model= finish=length usage=reported out=2`},
	}}
}

func TestGenerate(t *testing.T) { generateSuite().Check(t) }

func FuzzGenerate(f *testing.F) { generateSuite().Fuzz(f) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	generateSuite().CheckChunking(t)
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) {
	generateSuite().CheckLineEnds(t)
}
