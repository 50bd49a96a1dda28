package tgi_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/tgi"
)

func TestFaults(t *testing.T) {
	head := dialect.Head{Method: "POST", Path: "/generate_stream"}
	const hi = `data:{"index":1,"token":{"id":1,"text":"Hi","special":false},"generated_text":null,"details":null}` + "\n"
	const end = `data:{"index":2,"token":{"id":2,"text":"","special":true},"generated_text":"Hi","details":{"finish_reason":"eos_token","generated_tokens":2,"input_length":9}}` + "\n"
	dialecttest.CheckFaults(t, tgi.Generate(), []dialecttest.Fault{
		{Name: "overloaded at once", Head: head, Body: `data:{"error":"Model is overloaded","error_type":"overloaded"}` + "\n",
			Want: `stream failed model= finish= usage= events=1@1`},
		{Name: "an error after content", Head: head, Body: hi + `data:{"error":"CUDA out of memory","error_type":"generation"}` + "\n",
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:1/2`},
		{Name: "cut", Head: head, Body: hi,
			Want: `stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:1/2`},
		{Name: "null everywhere", Head: head, Body: `data:{"index":null,"token":null,"generated_text":null,"details":null}` + "\n" + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:1/2`},
		{Name: "a token without text", Head: head, Body: `data:{"token":{"id":null,"text":null,"special":null}}` + "\n" + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:1/2`},
		{Name: "counts as strings", Head: head, Body: hi + `data:{"token":{"id":2,"text":"","special":true},"generated_text":"Hi","details":{"finish_reason":"length","generated_tokens":"2","input_length":"9"}}` + "\n",
			Want: `stream complete model= finish=length usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:1/2`},
		{Name: "two streams spliced", Head: head, Body: hi + end + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:1/2 1:1/2`},
		{Name: "the envelope of a gateway", Head: head, Form: ".json", Body: `{"message":"no healthy upstream"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "a terminator of OpenAI's", Head: head, Body: hi + end + "data: [DONE]\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:1/2`},
	})
}

func TestContentElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, tgi.Generate(), []dialecttest.Fault{
		{Name: "a text only at the end", Head: dialect.Head{Method: "POST", Path: "/generate_stream"}, Body: `data: {"token":null,"generated_text":"Hello","details":{"finish_reason":"length","generated_tokens":2}}` + "\n",
			Want: `stream complete model= finish=length usage=reported out=2 streamed=2 events=1@1 tokens@1-1 1:2/5`},
	})
}
