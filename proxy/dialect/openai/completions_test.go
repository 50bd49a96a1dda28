package openai_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

var completionsCases = []exchangeCase{
	{name: "the first chunk is the first token", file: "completions.sse", ask: asksUsage,
		want: `stream complete model=instruct finish=length usage=reported in=4 out=5 streamed=5 events=5@1 tokens@1-3 1:0/4 2:0/5 3:0/7`},
	{name: "times of vLLM", file: "completions_vllm_metrics.sse", ask: asksUsage,
		want: `stream complete model=instruct finish=length usage=reported in=4 out=2 streamed=2 engine=12.3ms/85.2ms/1.2405s events=3@1 tokens@1-2 1:0/4 2:0/5`},
	{name: "the prompt is not generated", file: "completions_echo.sse", ask: `{"prompt":"Say hi:","echo":true,"stream":true}`,
		want: `stream complete model=instruct finish=stop usage=counted out=2 streamed=2 events=3@1 tokens@1-2 1:0/6 2:1/4`},
	{name: "a prompt of unknown length is not generated", file: "completions_echo.sse", ask: `{"prompt":[1,2,3],"echo":true,"stream":true}`,
		want: `stream complete model=instruct finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@2-2 2:1/4`},
	{name: "several prompts", file: "completions_batch.sse", ask: `{"prompt":["a","b"],"stream":true}`,
		want: `stream complete model=instruct finish=stop,length usage=reported in=8 out=4 streamed=4 events=5@1 tokens@1-2 1:0/3 2:0/3`},
	{name: "cut", file: "completions_cut.sse", ask: asks,
		want: `stream model=instruct finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:0/3 2:0/4`},
	{name: "not streamed", file: "completions.json",
		want: `complete model=instruct finish=stop usage=reported in=4 out=5`},
}

func TestCompletions(t *testing.T) { run(t, openai.Completions(), completionsCases) }

func FuzzCompletions(f *testing.F) { fuzz(f, openai.Completions(), completionsCases) }
