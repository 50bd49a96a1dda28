package openai_test

import (
	"math/rand/v2"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

const (
	asks      = `{"model":"gpt-x","stream":true}`
	asksUsage = `{"model":"gpt-x","stream":true,"stream_options":{"include_usage":true}}`
)

var chatCases = []exchangeCase{
	{name: "hidden reasoning is not streamed", file: "chat_openai.sse", ask: asksUsage,
		want: `stream complete model=gpt-x finish=stop usage=reported in=9 out=12 cached=4 reasoning=10 streamed=2 events=6@1 tokens@2-3 2:0/2 3:0/7`},
	{name: "Azure", file: "chat_azure.sse", ask: asksUsage,
		want: `stream complete model=gpt-x-2026 finish=content_filter usage=reported in=20 out=6 reasoning=0 streamed=6 events=7@1 tokens@3-4 3:0/13 4:0/10`},
	{name: "running usage tells the tokens of a chunk", file: "chat_vllm_continuous.sse", ask: asks,
		want: `stream complete model=llama-3 finish=stop usage=reported in=30 out=8 reasoning=4 streamed=8 events=6@1 tokens@2-4 2:1/3 3:2/7 4:4/5`},
	{name: "running usage of a stream that was cut", file: "chat_vllm_cut.sse", ask: asks,
		want: `stream model=llama-3 finish= usage=running in=30 out=4 streamed=4 events=3@1 tokens@2-3 2:1/1 3:3/4 notes=unterminated_event`},
	{name: "error before the terminator", file: "chat_vllm_error.sse", ask: asks,
		want: `stream complete failed model=llama-3 finish= usage=counted out=1 streamed=1 events=3@1 tokens@2-2 2:0/1`},
	{name: "running usage of several choices", file: "chat_vllm_choices.sse", ask: `{"n":2,"stream":true}`,
		want: `stream model=llama-3 finish= usage=running in=30 out=8 streamed=8 events=7@1 tokens@3-7 3:1/1 4:1/1 5:2/4 6:1/2 7:3/6`},
	{name: "a whole answer as one event", file: "chat_vllm_whole.sse", ask: asks,
		want: `stream complete model=llama-3 finish=length usage=reported in=5 out=3 streamed=3 events=1@1 tokens@1-1 1:3/11`},
	{name: "token ids tell the tokens of a chunk", file: "chat_vllm_token_ids.sse", ask: asks,
		want: `stream complete model=llama-3 finish=stop usage=counted out=3 streamed=3 events=4@1 tokens@2-3 2:2/3 3:1/2`},
	{name: "null where there is nothing", file: "chat_sglang.sse", ask: asksUsage,
		want: `stream complete model=qwen finish=stop usage=reported in=5 out=4 streamed=4 events=7@1 tokens@2-4 2:0/2 3:0/3 4:0/1`},
	{name: "timings in place of usage", file: "chat_llamacpp.sse", ask: asks,
		want: `stream complete model=gpt-oss finish=stop usage=reported in=20 out=5 cached=12 streamed=5 engine=0s/20.5ms/80.1ms events=5@1 tokens@2-5 2:0/2 3:0/1 5:0/4`},
	{name: "timings tell the tokens of a chunk", file: "chat_llamacpp_timed.sse", ask: asks,
		want: `stream complete model=gpt-oss finish=stop usage=reported in=20 out=5 cached=12 streamed=5 engine=0s/20.5ms/80.1ms events=4@1 tokens@2-3 2:1/1 3:3/4`},
	{name: "error in a field of its own", file: "chat_llamacpp_error.sse", ask: asks,
		want: `stream failed model=gpt-oss finish= usage=counted out=1 streamed=1 events=2@1 tokens@2-2 2:0/1 notes=error_field`},
	{name: "usage of Groq", file: "chat_groq.sse", ask: asksUsage,
		want: `stream complete model=gpt-oss-20b finish=stop usage=reported in=72 out=5 reasoning=2 streamed=5 engine=40ms/3ms/5ms events=6@1 tokens@2-4 2:0/5 3:0/4 4:0/1`},
	{name: "times of vLLM, beside those of a part of its tokens", file: "chat_vllm_metrics.sse", ask: asksUsage,
		want: `stream complete model=llama-3 finish=stop usage=reported in=42 out=3 streamed=3 engine=12.3ms/85.2ms/1.2405s events=5@1 tokens@2-4 2:0/4 3:0/5 4:0/2`},
	{name: "times of several choices are nobody's", file: "chat_vllm_metrics_choices.sse", ask: `{"model":"m","n":2,"stream":true}`,
		want: `stream complete model=llama-3 finish=stop,stop usage=reported in=42 out=3 streamed=3 events=9@1 tokens@3-8 3:0/4 4:0/4 5:0/5 6:0/5 7:0/2 8:0/2`},
	{name: "no times where there are none", file: "chat_vllm_metrics_null.sse", ask: asksUsage,
		want: `stream complete model=llama-3 finish=stop usage=reported in=42 out=3 streamed=3 events=5@1 tokens@2-4 2:0/4 3:0/5 4:0/2`},
	{name: "some of the times", file: "chat_vllm_metrics_single.sse", ask: asksUsage,
		want: `stream complete model=llama-3 finish=stop usage=reported in=42 out=3 streamed=3 engine=0s/85.2ms/0s events=5@1 tokens@2-4 2:0/4 3:0/5 4:0/2`},
	{name: "times that cannot be", file: "chat_engine_absurd.sse", ask: asksUsage,
		want: `stream complete model=llama-3 finish=stop usage=reported in=42 out=3 streamed=3 events=5@1 tokens@2-4 2:0/4 3:0/5 4:0/2`},
	{name: "times of vLLM, not streamed", file: "chat_vllm_metrics.json",
		want: `complete model=llama-3 finish=stop usage=reported in=42 out=2 engine=12.3ms/85.2ms/1.2405s`},
	{name: "timings of llama.cpp, not streamed", file: "chat_llamacpp_metrics.json",
		want: `complete model=gpt-oss finish=stop usage=reported in=20 out=2 engine=0s/20.501ms/16.02ms`},
	{name: "times of Groq, not streamed", file: "chat_groq.json",
		want: `complete model=gpt-oss-20b finish=stop usage=reported in=72 out=5 engine=40.114ms/3.248ms/5.101ms`},
	{name: "error event", file: "chat_groq_error.sse", ask: asks,
		want: `stream complete failed model=gpt-oss-20b finish= usage= events=2@1`},
	{name: "content in parts", file: "chat_mistral.sse", ask: asks,
		want: `stream complete model=magistral finish=length usage=reported in=11 out=6 streamed=6 events=5@1 tokens@2-4 2:0/5 3:0/3 4:0/3`},
	{name: "everything in the last chunk", file: "chat_mistral_tool.sse", ask: asks,
		want: `stream complete model=magistral finish=tool_calls usage=reported in=80 out=22 streamed=22 events=2@1 tokens@2-2 2:22/27`},
	{name: "comments keep the connection alive", file: "chat_deepseek.sse", ask: asks,
		want: `stream complete model=deepseek-reasoner finish=stop usage=reported in=15 out=3 cached=8 reasoning=1 streamed=3 events=4@3 tokens@4-5 4:0/3 5:0/2`},
	{name: "a summary of the reasoning", file: "chat_openrouter.sse", ask: asks,
		want: `stream complete model=vendor/model finish=stop usage=reported in=12 out=40 reasoning=38 events=5@2 tokens@2-4 2:0/6 3:0/4 4:0/1 notes=usage_after_finish`},
	{name: "error in a chunk", file: "chat_openrouter_error.sse", ask: asks,
		want: `stream complete failed model=vendor/model finish=error usage=reported in=12 out=1 streamed=1 events=2@2 tokens@2-2 2:0/2`},
	{name: "more reasoning than output", file: "chat_openrouter_overcounted.sse", ask: asks,
		want: `stream complete model=vendor/model finish=stop usage=reported in=12 out=10 reasoning=11 events=3@1 tokens@1-1 1:0/3 notes=reasoning_over_output`},
	{name: "a running count that jumps beyond what came", file: "chat_running_absurd.sse", ask: asksUsage,
		want: `stream complete model=llama-3 finish=stop usage=reported in=42 out=9007199254740991 streamed=9007199254740991 events=4@1 tokens@1-3 1:1/4 2:0/5 3:1/2`},
	{name: "output that excludes reasoning", file: "chat_xai.sse", ask: asksUsage,
		want: `stream complete model=grok-3-mini finish=stop usage=reported in=12 out=342 reasoning=340 streamed=2 events=4@1 tokens@1-2 1:0/2 2:0/3`},
	{name: "tool calls", file: "chat_tools.sse", ask: asksUsage,
		want: `stream complete model=gpt-x finish=tool_calls usage=reported in=50 out=31 streamed=31 events=7@1 tokens@1-5 1:0/8 2:0/6 3:0/8 4:0/8 5:0/2`},
	{name: "log probabilities tell the tokens of a chunk", file: "chat_logprobs.sse", ask: asks,
		want: `stream complete model=gpt-x finish=stop usage=counted out=3 streamed=3 events=4@1 tokens@2-3 2:2/8 3:1/1`},
	{name: "several choices", file: "chat_choices.sse", ask: `{"n":2,"stream":true}`,
		want: `stream complete model=gpt-x finish=stop,length usage=reported in=7 out=4 streamed=4 events=9@1 tokens@2-7 2:0/5 4:0/5 5:0/1 7:0/1`},
	{name: "one of several choices has not ended", file: "chat_ollama.sse", ask: `{"n":2,"stream":true}`,
		want: `stream model=gpt-x finish=stop usage=counted out=2 streamed=2 events=3@1 tokens@1-2 1:0/3 2:0/2`},
	{name: "no terminator, and the role beside the first token", file: "chat_ollama.sse", ask: asks,
		want: `stream complete model=gpt-x finish=stop usage=counted out=2 streamed=2 events=3@1 tokens@1-2 1:0/3 2:0/2 notes=no_done`},
	{name: "no terminator, and the usage is missing", file: "chat_ollama.sse", ask: asksUsage,
		want: `stream model=gpt-x finish=stop usage=counted out=2 streamed=2 events=3@1 tokens@1-2 1:0/3 2:0/2`},
	{name: "the message so far beside the delta", file: "chat_perplexity.sse", ask: asks,
		want: `stream complete model=sonar finish=stop usage=reported in=6 out=3 streamed=3 events=3@1 tokens@1-2 1:1/2 2:2/6 notes=no_done`},
	{name: "running usage that is late", file: "chat_databricks.sse", ask: asks,
		want: `stream complete model=dbrx finish=stop usage=reported in=10 out=9 streamed=9 events=4@1 tokens@1-3 1:4/1 2:0/2 3:0/2`},
	{name: "usage three times", file: "chat_hf_router.sse", ask: asksUsage,
		want: `stream complete model=gpt-oss-20b finish=stop usage=reported in=5 out=2 streamed=2 events=5@1 tokens@2-2 2:0/3`},
	{name: "usage that stays zero", file: "chat_zero_usage.sse", ask: asks,
		want: `stream complete model=gpt-x finish=stop usage=counted out=2 streamed=2 events=4@1 tokens@2-3 2:0/1 3:0/2`},
	{name: "running usage that stopped before the cut", file: "chat_running_stopped.sse", ask: asks,
		want: `stream model=gpt-x finish= usage=counted in=9 out=3 streamed=3 events=4@1 tokens@2-4 2:1/1 3:0/2 4:0/2`},
	{name: "no usage", file: "chat_counted.sse", ask: asks,
		want: `stream complete model=gpt-x finish=stop usage=counted out=3 streamed=3 events=5@1 tokens@2-4 2:0/2 3:0/6 4:0/5`},
	{name: "the last event is not closed", file: "chat_unterminated.sse", ask: asksUsage,
		want: `stream complete model=gpt-x finish=stop usage=reported in=3 out=2 streamed=2 events=4@1 tokens@2-2 2:0/2 notes=unterminated_event,no_done`},
	{name: "what is no JSON is left out", file: "chat_invalid.sse", ask: asks,
		want: `stream complete model=gpt-x finish=other usage=counted out=2 streamed=2 events=7@1 tokens@6-9 6:0/4 9:0/4 notes=invalid_json,event_after_done,unknown_finish_reason`},
	{name: "data in several lines", file: "chat_multiline.sse", ask: asks,
		want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
	{name: "not streamed", file: "chat.json", ask: `{"n":2}`,
		want: `complete model=gpt-x finish=stop,tool_calls usage=reported in=9 out=12 cached=4 written=2`},
	{name: "not streamed, behind empty lines", file: "chat_deepseek.json",
		want: `complete model=deepseek-chat finish=stop usage=reported in=15 out=3 cached=8`},
	{name: "error", file: "chat_error.json", ask: asks, status: 429,
		want: `complete failed model= finish= usage=`},
	{name: "error with status 200", file: "chat_error_flat.json", ask: asks,
		want: `complete failed model= finish= usage=`},
	{name: "a page of a gateway", file: "chat_html.json", ask: asks, status: 502,
		want: `complete failed model= finish= usage= notes=body_not_understood`},
}

func TestChat(t *testing.T) { run(t, openai.Chat(), chatCases) }

func FuzzChat(f *testing.F) { fuzz(f, openai.Chat(), chatCases) }

// fuzz checks that a reply does not depend on how its bytes came.
func fuzz(f *testing.F, d dialect.Dialect, cases []exchangeCase) {
	for i, c := range cases {
		f.Add([]byte(c.ask), testdata(f, c.file), c.respond().Response.ContentType == "text/event-stream", uint64(i))
	}
	f.Fuzz(func(t *testing.T, ask, response []byte, stream bool, seed uint64) {
		h := &dialect.Head{Response: dialect.Response{Status: 200}}
		if stream {
			h.Response.ContentType = "text/event-stream"
		}
		checkChunking(t, d, h, ask, response, rand.New(rand.NewPCG(seed, 4)))
	})
}
