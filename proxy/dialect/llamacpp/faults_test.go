package llamacpp_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/llamacpp"
)

func TestFaults(t *testing.T) {
	const ask = `{"prompt":"a","stream":true}`
	const hi = `data: {"content":"Hi","stop":false}` + "\n"
	const end = `data: {"content":"","stop":true,"stop_type":"eos","tokens_evaluated":9,"tokens_predicted":2,"timings":{"prompt_ms":5.5,"predicted_ms":9}}` + "\n"
	dialecttest.CheckFaults(t, llamacpp.Completion(), []dialecttest.Fault{
		{Name: "an error in a field of its own", Ask: ask, Body: hi + `error: {"code":500,"message":"slot unavailable"}` + "\n",
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2 notes=error_field`},
		{Name: "an error in the data", Ask: ask, Body: hi + `data: {"error":{"code":500,"message":"context shift is disabled"}}` + "\n",
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "cut", Ask: ask, Body: hi,
			Want: `stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "stop as a number", Ask: ask, Body: hi + `data: {"content":"","stop":1,"stop_type":"limit"}` + "\n",
			Want: `stream complete model= finish=length usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=no_done`},
		{Name: "null everywhere", Ask: ask, Body: `data: {"content":null,"stop":null,"tokens":null,"timings":null}` + "\n" + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 engine=0s/5.5ms/9ms events=3@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings", Ask: ask, Body: hi + `data: {"content":"","stop":true,"stop_type":"eos","tokens_evaluated":"9","tokens_predicted":"2"}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "two streams spliced", Ask: ask, Body: hi + end + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 engine=0s/5.5ms/9ms events=4@1 tokens@1-1 1:0/2 1:0/2`},
		{Name: "the envelope of a gateway", Form: ".json", Body: `{"msg":"busy"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
	})
}
