package llamacpp_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/llamacpp"
)

func completionSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: llamacpp.Completion(), Cases: []dialecttest.Case{
		{Name: "text", File: "completion.sse", Ask: `{"prompt":"Say hi","stream":true}`,
			Want: `stream complete model=m.gguf finish=stop usage=reported in=9 out=3 cached=4 streamed=3 engine=0s/20.5ms/60.5ms events=3@1 tokens@1-2 1:1/2 2:1/6`},
		{Name: "a limit, and a terminator", File: "completion_limit.sse", Ask: `{"prompt":"Say hi","stream":true}`,
			Want: `stream complete model=m.gguf finish=length usage=reported in=9 out=3 cached=4 streamed=3 engine=0s/20.5ms/60.5ms events=2@1 tokens@1-1 1:1/2`},
		{Name: "cut", File: "completion_cut.sse", Ask: `{"prompt":"Say hi","stream":true}`,
			Want: `stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:1/2`},
		{Name: "an error in the stream", File: "completion_error.sse", Ask: `{"prompt":"Say hi","stream":true}`,
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:1/2`},
		{Name: "not streamed", File: "completion.json",
			Want: `complete model=m.gguf finish=stop usage=reported in=9 out=3 cached=4 engine=0s/20.5ms/60.5ms`},
	}}
}

func TestCompletion(t *testing.T) { completionSuite().Check(t) }

func FuzzCompletion(f *testing.F) { completionSuite().Fuzz(f) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	completionSuite().CheckChunking(t)
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) {
	completionSuite().CheckLineEnds(t)
}
