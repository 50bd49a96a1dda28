package sglang_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/sglang"
)

func TestFaults(t *testing.T) {
	const ask = `{"text":"a","stream":true}`
	const hi = `data: {"text":"Hi","meta_info":{"id":"1","prompt_tokens":9,"completion_tokens":1,"finish_reason":null}}` + "\n"
	const end = `data: {"text":"Hi all","meta_info":{"id":"1","prompt_tokens":9,"completion_tokens":2,"finish_reason":{"type":"stop","matched":2}}}` + "\ndata: [DONE]\n"
	dialecttest.CheckFaults(t, sglang.Generate(), []dialecttest.Fault{
		{Name: "an abort", Ask: ask, Body: hi + `data: {"text":"Hi","meta_info":{"completion_tokens":1,"finish_reason":{"type":"abort","message":"Aborted"}}}` + "\ndata: [DONE]\n",
			Want: `stream complete failed model= finish=error usage=reported in=9 out=1 streamed=1 events=2@1 tokens@1-1 1:1/2`},
		{Name: "an error before the terminator", Ask: ask, Body: hi + `data: {"error":{"message":"boom"}}` + "\ndata: [DONE]\n",
			Want: `stream complete failed model= finish= usage=running in=9 out=1 streamed=1 events=2@1 tokens@1-1 1:1/2`},
		{Name: "cut", Ask: ask, Body: hi,
			Want: `stream model= finish= usage=running in=9 out=1 streamed=1 events=1@1 tokens@1-1 1:1/2`},
		{Name: "null everywhere", Ask: ask, Body: `data: {"text":null,"meta_info":null}` + "\n" + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:1/2 1:1/4`},
		{Name: "counts as strings", Ask: ask, Body: hi + `data: {"text":"Hi all","meta_info":{"prompt_tokens":"9","completion_tokens":"2","finish_reason":{"type":"length","length":"2"}}}` + "\ndata: [DONE]\n",
			Want: `stream complete model= finish=length usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:1/2 1:1/4`},
		{Name: "two streams spliced", Ask: ask, Body: hi + end + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:1/2 1:1/4 1:0/2 notes=event_after_done`},
		{Name: "nothing but the terminator", Ask: ask, Body: "data: [DONE]\n",
			Want: `stream complete model= finish= usage= events=1@1`},
		{Name: "an index far out", Ask: ask, Body: `data: {"index":99,"text":"Hi","meta_info":{"completion_tokens":1,"finish_reason":{"type":"stop"}}}` + "\ndata: [DONE]\n",
			Want: `stream complete model= finish=stop usage=reported out=1 streamed=1 events=1@1 tokens@1-1 1:1/2`},
		{Name: "an index below zero", Ask: ask, Body: `data: {"index":-1,"text":"Hi","meta_info":{"completion_tokens":1,"finish_reason":{"type":"stop"}}}` + "\ndata: [DONE]\n",
			Want: `stream complete model= finish=stop usage=reported out=1 streamed=1 events=1@1 tokens@1-1 1:1/2`},
		{Name: "several prompts, whole", Form: ".json", Body: `[{"text":"Hi","meta_info":{"prompt_tokens":9,"completion_tokens":1,"finish_reason":{"type":"stop"}}},{"text":"Ho","meta_info":{"prompt_tokens":5,"completion_tokens":1,"finish_reason":{"type":"stop"}}}]`,
			Want: `complete model= finish=stop usage= notes=unknown_usage`},
		{Name: "a whole answer of TGI without details", Form: ".json", Body: `[{"generated_text":"Hi"}]`,
			Want: `complete model= finish= usage=`},
		{Name: "a flat error", Form: ".json", Body: `{"object":"error","message":"bad","code":400}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
	})
}

func TestContentElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, sglang.Generate(), []dialecttest.Fault{
		{Name: "tokens without text", Ask: `{"text":"x","stream":true}`, Body: `data: {"output_ids":[5],"meta_info":{"prompt_tokens":3,"completion_tokens":1,"finish_reason":null}}` + "\n" + `data: {"output_ids":[5,6],"meta_info":{"prompt_tokens":3,"completion_tokens":2,"reasoning_tokens":1,"finish_reason":{"type":"stop"}}}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=3 out=2 reasoning=1 streamed=1 events=2@1 tokens@1-1 1:1/1 1:0/1`},
		{Name: "a cut between two prompts", Ask: `{"text":["a","b"],"stream":true}`, Body: `data: {"index":0,"text":"Hi","meta_info":{"prompt_tokens":1,"completion_tokens":1,"finish_reason":{"type":"stop"}}}` + "\n" + `data: {"index":1,"text":"Ho","meta_info":{"prompt_tokens":1,"completion_tokens":1,"finish_reason":null}}` + "\n",
			Want: `stream model= finish=stop usage=running in=1 out=2 streamed=2 events=2@1 tokens@1-1 1:1/2 1:1/2`},
	})
}
