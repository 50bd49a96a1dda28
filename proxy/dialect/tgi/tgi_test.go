package tgi_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/tgi"
)

func generateSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: tgi.Generate(), Cases: []dialecttest.Case{
		{Name: "text, with details", File: "generate.sse", Head: dialect.Head{Method: "POST", Path: "/generate_stream"},
			Want: `stream complete model= finish=stop usage=reported in=7 out=3 streamed=3 events=3@1 tokens@1-2 1:1/2 2:1/6`},
		{Name: "no details", File: "generate_plain.sse", Head: dialect.Head{Method: "POST", Path: "/generate_stream"},
			Want: `stream complete model= finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:1/2 2:1/6`},
		{Name: "cut", File: "generate_cut.sse", Head: dialect.Head{Method: "POST", Path: "/generate_stream"},
			Want: `stream model= finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:1/2 2:1/6`},
		{Name: "an error as the first event", File: "generate_error.sse", Head: dialect.Head{Method: "POST", Path: "/generate_stream"},
			Want: `stream failed model= finish= usage= events=1@1`},
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
