package bedrock_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/bedrock"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
)

func converseSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: bedrock.Converse(), Cases: []dialecttest.Case{
		{Name: "text", File: "converse.frames", Head: dialect.Head{Method: "POST", Path: "/model/us.amazon.nova%3A0/converse-stream"},
			Want: `stream complete model= finish=stop usage=reported in=112 out=8 cached=100 written=0 streamed=8 events=6@1 tokens@2-3 2:0/2 3:0/6`},
		{Name: "a tool", File: "converse_tool.frames", Head: dialect.Head{Method: "POST", Path: "/model/us.amazon.nova%3A0/converse-stream"},
			Want: `stream complete model= finish=tool_calls usage=reported in=112 out=8 cached=100 written=0 streamed=8 events=5@1 tokens@2-3 2:0/4 3:0/7`},
		{Name: "reasoning", File: "converse_reasoning.frames", Head: dialect.Head{Method: "POST", Path: "/model/us.amazon.nova%3A0/converse-stream"},
			Want: `stream complete model= finish=stop usage=reported in=112 out=8 cached=100 written=0 streamed=8 events=6@1 tokens@2-4 answer@4 2:0/2 4:0/2`},
		{Name: "cut", File: "converse_cut.frames", Head: dialect.Head{Method: "POST", Path: "/model/us.amazon.nova%3A0/converse-stream"},
			Want: `stream model= finish= usage=counted out=2 streamed=2 events=3@1 tokens@2-3 2:0/2 3:0/6`},
		{Name: "an exception in the stream", File: "converse_exception.frames", Head: dialect.Head{Method: "POST", Path: "/model/us.amazon.nova%3A0/converse-stream"},
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=3@1 tokens@2-2 2:0/2`},
		{Name: "no metadata", File: "converse_no_metadata.frames", Head: dialect.Head{Method: "POST", Path: "/model/us.amazon.nova%3A0/converse-stream"},
			Want: `stream complete model= finish=stop usage=counted out=2 streamed=2 events=5@1 tokens@2-3 2:0/2 3:0/6 notes=no_done`},
		{Name: "an unknown event", File: "converse_unknown.frames", Head: dialect.Head{Method: "POST", Path: "/model/us.amazon.nova%3A0/converse-stream"},
			Want: `stream complete model= finish=stop usage=reported in=112 out=8 cached=100 written=0 streamed=8 events=5@1 tokens@2-2 2:0/2 notes=unknown_event_type`},
		{Name: "not streamed", File: "converse.json",
			Want: `complete model= finish=length usage=reported in=17 out=8 cached=5`},
		{Name: "written to the cache for an hour and for five minutes", File: "converse_cache.json",
			Want: `complete model= finish=stop usage=reported in=1312 out=8 cached=400 written=900 hour=600`},
		{Name: "an error", File: "error.json", Status: 429,
			Want: `complete failed model= finish= usage=`},
	}}
}

func TestConverse(t *testing.T) { converseSuite().Check(t) }

func FuzzConverse(f *testing.F) { converseSuite().Fuzz(f) }

func invokeSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: bedrock.Invoke(), Cases: []dialecttest.Case{
		{Name: "Nova", File: "invoke_nova.wrapped", Head: dialect.Head{Method: "POST", Path: "/model/m/invoke-with-response-stream"},
			Want: `stream complete model= finish=stop usage=reported in=16 out=18 cached=0 streamed=18 engine=0s/1.608s/0s events=4@1 tokens@2-2 2:0/2`},
		{Name: "Titan", File: "invoke_titan.wrapped", Head: dialect.Head{Method: "POST", Path: "/model/m/invoke-with-response-stream"},
			Want: `stream complete model= finish=stop usage=reported in=16 out=18 streamed=18 engine=0s/1.608s/0s events=2@1 tokens@1-2 1:0/2 2:0/4`},
		{Name: "Llama", File: "invoke_llama.wrapped", Head: dialect.Head{Method: "POST", Path: "/model/m/invoke-with-response-stream"},
			Want: `stream complete model= finish=stop usage=reported in=16 out=18 streamed=18 engine=0s/1.608s/0s events=2@1 tokens@1-2 1:1/2 2:17/4`},
		{Name: "Cohere", File: "invoke_cohere.wrapped", Head: dialect.Head{Method: "POST", Path: "/model/m/invoke-with-response-stream"},
			Want: `stream complete model= finish=stop usage=reported in=16 out=18 streamed=18 engine=0s/1.608s/0s events=2@1 tokens@1-1 1:0/2`},
		{Name: "the format of OpenAI", File: "invoke_openai.wrapped", Head: dialect.Head{Method: "POST", Path: "/model/m/invoke-with-response-stream"},
			Want: `stream complete model= finish=stop usage=reported in=16 out=18 streamed=18 engine=0s/1.608s/0s events=2@1 tokens@1-1 1:0/2`},
		{Name: "a guardrail in place of the model", File: "invoke_guardrail.wrapped", Head: dialect.Head{Method: "POST", Path: "/model/m/invoke-with-response-stream"},
			Want: `stream complete endless model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/5`},
		{Name: "an exception in the stream", File: "invoke_exception.wrapped", Head: dialect.Head{Method: "POST", Path: "/model/m/invoke-with-response-stream"},
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "Titan, not streamed", File: "invoke_titan.json",
			Want: `complete model= finish=length usage=reported in=16 out=18`},
		{Name: "Mistral, not streamed", File: "invoke_mistral.json",
			Want: `complete model= finish=stop usage=`},
	}}
}

func TestInvoke(t *testing.T) { invokeSuite().Check(t) }

func FuzzInvoke(f *testing.F) { invokeSuite().Fuzz(f) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	converseSuite().CheckChunking(t)
	invokeSuite().CheckChunking(t)
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) {
	converseSuite().CheckLineEnds(t)
	invokeSuite().CheckLineEnds(t)
}
