package triton_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/triton"
)

func generateSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: triton.Generate(), Cases: []dialecttest.Case{
		{Name: "text", File: "generate.sse", Head: dialect.Head{Method: "POST", Path: "/v2/models/llama/generate_stream"},
			Want: `stream complete endless model=llama finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:0/2 2:0/6`},
		{Name: "an error in the stream", File: "generate_error.sse", Head: dialect.Head{Method: "POST", Path: "/v2/models/llama/generate_stream"},
			Want: `stream failed model=llama finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "not streamed", File: "generate.json",
			Want: `complete model=llama finish= usage=`},
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
