package openai_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

func completionsSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: openai.Completions(), Cases: []dialecttest.Case{
		{Name: "the first chunk is the first token", File: "completions.sse", Ask: asksUsage,
			Want: `stream complete model=instruct finish=length usage=reported in=4 out=5 streamed=5 events=5@1 tokens@1-3 1:0/4 2:0/5 3:0/7`},
		{Name: "times of vLLM", File: "completions_vllm_metrics.sse", Ask: asksUsage,
			Want: `stream complete model=instruct finish=length usage=reported in=4 out=2 streamed=2 engine=12.3ms/85.2ms/1.2405s events=3@1 tokens@1-2 1:0/4 2:0/5`},
		{Name: "the prompt is not generated", File: "completions_echo.sse", Ask: `{"prompt":"Say hi:","echo":true,"stream":true}`,
			Want: `stream complete model=instruct finish=stop usage=counted out=2 streamed=2 events=3@1 tokens@1-2 1:0/6 2:1/4`},
		{Name: "a prompt of unknown length is not generated", File: "completions_echo.sse", Ask: `{"prompt":[1,2,3],"echo":true,"stream":true}`,
			Want: `stream complete model=instruct finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@2-2 2:1/4`},
		{Name: "several prompts", File: "completions_batch.sse", Ask: `{"prompt":["a","b"],"stream":true}`,
			Want: `stream complete model=instruct finish=stop,length usage=reported in=8 out=4 streamed=4 events=5@1 tokens@1-2 1:0/3 2:0/3`},
		{Name: "cut", File: "completions_cut.sse", Ask: asks,
			Want: `stream model=instruct finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:0/3 2:0/4`},
		{Name: "not streamed", File: "completions.json",
			Want: `complete model=instruct finish=stop usage=reported in=4 out=5`},
		{Name: "a batch cut between two prompts", File: "completions_batch_open.sse", Ask: `{"prompt":["a","b"],"stream":true}`,
			Want: `stream model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/3`},
		{Name: "a prompt of tokens is one prompt", File: "completions_batch_open.sse", Ask: `{"prompt":[1,2],"stream":true}`,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/3 notes=no_done`},
		{Name: "a batch of tokens cut between two prompts", File: "completions_batch_open.sse", Ask: `{"prompt":[[1,2],[3]],"stream":true}`,
			Want: `stream model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/3`},
		{Name: "the terminator in the middle of a batch", File: "completions_batch_done.sse", Ask: `{"prompt":["a","b"],"stream":true}`,
			Want: `stream complete model=m finish=stop usage=counted out=2 streamed=2 events=3@1 tokens@1-3 1:0/3 3:0/3 notes=no_finish_reason`},
		{Name: "the whole text in the last chunk", File: "completions_repeated.sse", Ask: asks,
			Want: `stream complete model=m finish=stop usage=counted out=3 streamed=3 events=4@1 tokens@1-3 1:0/8 2:0/8 3:0/6 notes=repeated_content`},
	}}
}

func TestCompletions(t *testing.T) { completionsSuite().Check(t) }

func FuzzCompletions(f *testing.F) { completionsSuite().Fuzz(f) }
