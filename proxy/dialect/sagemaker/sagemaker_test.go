package sagemaker_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/sagemaker"
)

func invokeSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: sagemaker.Invoke(), Cases: []dialecttest.Case{
		{Name: "Text Generation Inference", File: "tgi.parts", Head: dialect.Head{Method: "POST", Path: "/endpoints/e/invocations-response-stream"},
			Want: `stream complete model= finish=length usage=reported out=2 streamed=2 events=2@2 tokens@2-3 2:1/2 3:1/4`},
		{Name: "Text Generation Inference tells the prompt", File: "tgi_prompt.parts", Head: dialect.Head{Method: "POST", Path: "/endpoints/e/invocations-response-stream"},
			Want: `stream complete model= finish=length usage=reported in=7 out=1 streamed=1 events=1@1 tokens@1-1 1:1/2`},
		{Name: "OpenAI's details of usage", File: "openai_details.parts", Head: dialect.Head{Method: "POST", Path: "/endpoints/e/invocations-response-stream"},
			Want: `stream complete model=m finish=stop usage=reported in=5 out=2 cached=4 reasoning=1 streamed=2 events=3@1 tokens@1-2 answer@2 1:0/2 2:0/2`},
		{Name: "the format of OpenAI", File: "openai.parts", Head: dialect.Head{Method: "POST", Path: "/endpoints/e/invocations-response-stream"},
			Want: `stream complete model=m finish=stop usage=reported in=5 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "lines", File: "lines.parts", Head: dialect.Head{Method: "POST", Path: "/endpoints/e/invocations-response-stream"},
			Want: `stream complete endless model= finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:0/2 2:0/4`},
		{Name: "a broken stream", File: "broken.parts", Head: dialect.Head{Method: "POST", Path: "/endpoints/e/invocations-response-stream"},
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "not streamed", File: "tgi.json",
			Want: `complete model= finish=length usage=reported out=2`},
	}}
}

func TestInvoke(t *testing.T) { invokeSuite().Check(t) }

func FuzzInvoke(f *testing.F) { invokeSuite().Fuzz(f) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	invokeSuite().CheckChunking(t)
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) {
	invokeSuite().CheckLineEnds(t)
}
