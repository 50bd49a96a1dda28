package triton_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/triton"
)

func TestFaults(t *testing.T) {
	head := dialect.Head{Method: "POST", Path: "/v2/models/m/generate_stream"}
	dialecttest.CheckFaults(t, triton.Generate(), []dialecttest.Fault{
		{Name: "an error after content", Head: head, Body: `data: {"model_name":"m","text_output":"Hi"}` + "\n" + `data: {"error":"in ensemble, failed"}` + "\n",
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an empty error", Head: head, Body: `data: {"model_name":"m","text_output":"Hi","error":""}` + "\n",
			Want: `stream complete endless model=m finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "cut within an event", Head: head, Body: `data: {"model_name":"m","text_output":"Hi"}` + "\n" + `data: {"model_`,
			Want: `stream model=m finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2 notes=unterminated_event`},
		{Name: "null everywhere", Head: head, Body: `data: {"model_name":null,"text_output":null,"error":null}` + "\n",
			Want: `stream complete endless model= finish= usage= events=1@1 notes=body_not_understood`},
		{Name: "the envelope of a gateway", Form: ".json", Body: `{"message":"no healthy upstream"}`,
			Want: `complete failed model= finish= usage=`},
	})
}

func TestContentElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, triton.Generate(), []dialecttest.Fault{
		{Name: "an output of another name", Head: dialect.Head{Method: "POST", Path: "/v2/models/m/generate_stream"}, Body: `data: {"model_name":"m","model_version":"1","OUTPUT":"Hello"}` + "\n" + `data: {"model_name":"m","model_version":"1","OUTPUT":" all"}` + "\n",
			Want: `stream complete endless model=m finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-1 1:0/5 1:0/4 notes=unknown_content`},
		{Name: "an output in a list", Head: dialect.Head{Method: "POST", Path: "/v2/models/m/generate_stream"}, Body: `data: {"model_name":"m","text_output":["Hello"]}` + "\n" + `data: {"model_name":"m","text_output":[" all"]}` + "\n",
			Want: `stream complete endless model=m finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-1 1:0/5 1:0/4`},
		{Name: "a finish reason of vLLM's backend", Head: dialect.Head{Method: "POST", Path: "/v2/models/m/generate_stream"}, Body: `data: {"model_name":"m","model_version":"1","text_output":"","finish_reason":"null"}` + "\n" + `data: {"model_name":"m","text_output":"Hi","finish_reason":"stop"}` + "\n",
			Want: `stream complete endless model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
	})
}

func TestFailuresElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, triton.Generate(), []dialecttest.Fault{
		{Name: "a text in place of the last event", Head: dialect.Head{Method: "POST", Path: "/v2/models/m/generate_stream"}, Body: `data: {"model_name":"m","text_output":"Hi"}` + "\n" + `data: failed: shape mismatch` + "\n",
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "a text between events", Head: dialect.Head{Method: "POST", Path: "/v2/models/m/generate_stream"}, Body: `data: {"model_name":"m","text_output":"Hi"}` + "\n" + `data: odd` + "\n" + `data: {"model_name":"m","text_output":" all"}` + "\n",
			Want: `stream complete endless model=m finish= usage=counted out=2 streamed=2 events=3@1 tokens@1-1 1:0/2 1:0/4 notes=invalid_json`},
	})
}

func TestCounts(t *testing.T) {
	dialecttest.CheckFaults(t, triton.Generate(), []dialecttest.Fault{
		{Name: "tokens of the prompt, in every event", Head: dialect.Head{Method: "POST", Path: "/v2/models/m/generate_stream"}, Body: `data: {"model_name":"m","num_input_tokens":7,"num_output_tokens":1,"text_output":"Hi"}` + "\n" + `data: {"model_name":"m","num_input_tokens":7,"num_output_tokens":2,"text_output":" all"}` + "\n",
			Want: `stream complete endless model=m finish= usage=counted in=7 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2 1:0/4`},
		{Name: "tokens of the prompt, not streamed", Head: dialect.Head{Method: "POST", Path: "/v2/models/m/generate"}, Form: ".json", Body: `{"model_name":"m","num_input_tokens":7,"text_output":"Hi"}`,
			Want: `complete model=m finish= usage=reported in=7`},
	})
}
