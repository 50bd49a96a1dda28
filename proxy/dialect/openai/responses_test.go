package openai_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

var responsesCases = []exchangeCase{
	{name: "hidden reasoning is not streamed", file: "responses.sse", ask: asks,
		want: `stream complete model=gpt-x finish=stop usage=reported in=9 out=74 cached=3 written=0 reasoning=64 streamed=10 events=11@1 tokens@8-9 8:0/2 9:0/6`},
	{name: "tool call, and the output of a hosted tool", file: "responses_tools.sse", ask: asks,
		want: `stream complete model=gpt-x finish=tool_calls usage=reported in=40 out=18 cached=0 written=0 reasoning=0 streamed=18 events=7@1 tokens@2-4 2:0/8 3:0/7 4:0/7`},
	{name: "error, nested", file: "responses_error.sse", ask: asks,
		want: `stream complete failed model=gpt-x finish=error usage=counted out=1 streamed=1 events=4@1 tokens@2-2 2:0/2`},
	{name: "error, flat", file: "responses_error_flat.sse", ask: asks,
		want: `stream complete failed model=gpt-x finish=error usage= events=2@1`},
	{name: "incomplete", file: "responses_incomplete.sse", ask: asks,
		want: `stream complete model=gpt-x finish=length usage=reported in=9 out=16 cached=0 written=0 reasoning=0 streamed=16 events=3@1 tokens@2-2 2:0/2`},
	{name: "a summary of the reasoning", file: "responses_summary.sse", ask: asks,
		want: `stream complete model=gpt-x finish=stop usage=reported in=9 out=66 cached=0 written=0 reasoning=64 events=4@1 tokens@2-3 2:0/12 3:0/2`},
	{name: "streamed reasoning", file: "responses_reasoning.sse", ask: asks,
		want: `stream complete model=gpt-x finish=stop usage=reported in=9 out=66 cached=0 written=0 reasoning=64 streamed=66 events=4@1 tokens@2-3 2:0/2 3:0/2`},
	{name: "a subset", file: "responses_subset.sse", ask: asks,
		want: `stream complete model=local finish=stop usage=reported in=5 out=2 streamed=2 events=4@1 tokens@2-2 2:0/2 notes=unknown_event_type`},
	{name: "cut", file: "responses_cut.sse", ask: asks,
		want: `stream model= finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:0/2 2:0/4`},
	{name: "replay", file: "responses_incomplete.sse",
		want: `stream complete replay model=gpt-x finish=length usage=reported in=9 out=16 cached=0 written=0 reasoning=0 streamed=16 events=3@1 tokens@2-2 2:0/2 notes=replay`,
		head: dialect.Head{Method: "GET", Path: "/v1/responses/resp_1", Query: "stream=true&starting_after=0"}},
	{name: "times of vLLM", file: "responses_vllm_metrics.sse", ask: asks,
		want: `stream complete model=llama-3 finish=stop usage=reported in=9 out=2 cached=0 reasoning=0 streamed=2 engine=12.3ms/85.2ms/1.2405s events=4@1 tokens@2-3 2:0/2 3:0/6`},
	{name: "times of vLLM, not streamed", file: "responses_vllm_metrics.json",
		want: `complete model=llama-3 finish=stop usage=reported in=9 out=2 cached=0 reasoning=0 engine=12.3ms/85.2ms/1.2405s`},
	{name: "not streamed", file: "responses.json",
		want: `complete model=gpt-x finish=stop usage=reported in=9 out=2 cached=0 written=0 reasoning=0`},
	{name: "not streamed, tool call", file: "responses_tools.json",
		want: `complete model=gpt-x finish=tool_calls usage=reported in=9 out=2 cached=0 written=0 reasoning=0`},
	{name: "in the background", file: "responses_queued.json",
		want: `complete model=gpt-x finish= usage=`},
	{name: "failed", file: "responses_failed.json",
		want: `complete failed model=gpt-x finish=error usage=`},
}

func TestResponses(t *testing.T) { run(t, openai.Responses(), responsesCases) }

func FuzzResponses(f *testing.F) { fuzz(f, openai.Responses(), responsesCases) }
