package ollama_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/ollama"
)

func TestFaults(t *testing.T) {
	const hi = `{"model":"m","message":{"role":"assistant","content":"Hi"},"done":false}` + "\n"
	const end = `{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":9,"eval_count":2}` + "\n"
	dialecttest.CheckFaults(t, ollama.Chat(), []dialecttest.Fault{
		{Name: "an error after content", Form: ".ndjson", Body: hi + `{"error":"llama runner process has terminated"}` + "\n",
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an error at once", Form: ".ndjson", Body: `{"error":"model not found"}` + "\n",
			Want: `stream failed model= finish= usage= events=1@1`},
		{Name: "a reason without done", Form: ".ndjson", Body: hi + `{"model":"m","message":{"role":"assistant","content":""},"done_reason":"stop","eval_count":2,"prompt_eval_count":9}` + "\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2 notes=no_done`},
		{Name: "done that is false to the end", Form: ".ndjson", Body: hi + hi,
			Want: `stream model=m finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-1 1:0/2 1:0/2`},
		{Name: "null everywhere", Form: ".ndjson", Body: `{"model":null,"message":null,"done":null,"done_reason":null}` + "\n" + hi + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings", Form: ".ndjson", Body: hi + `{"done":true,"prompt_eval_count":"9","eval_count":"2"}` + "\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "done as a text", Form: ".ndjson", Body: hi + `{"done":"true","done_reason":"stop"}` + "\n",
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=no_done`},
		{Name: "lines called JSON", Form: ".ndjson", Type: "application/json", Body: hi + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "lines called bytes", Form: ".ndjson", Type: "application/octet-stream", Body: hi + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "lines called JSON that end in an error", Form: ".ndjson", Type: "application/json", Body: hi + `{"error":"an unknown error was encountered"}` + "\n",
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "lines called JSON, and none asked for", Ask: `{"stream":false}`, Form: ".ndjson", Type: "application/json", Body: hi + end,
			Want: `complete model=m finish= usage= notes=invalid_json,body_not_understood`},
		{Name: "lines called text", Form: ".ndjson", Type: "text/plain", Body: hi + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "lines called events", Form: ".ndjson", Type: "text/event-stream", Body: hi + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "lines with blank ones between", Form: ".ndjson", Body: "\n\n" + hi + "\r\n\n" + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "two streams spliced", Form: ".ndjson", Body: hi + end + hi + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:0/2 1:0/2`},
		{Name: "a line that is no JSON", Form: ".ndjson", Body: hi + "upstream connect error\n",
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "cut within a line", Form: ".ndjson", Body: hi + `{"model":"m","mess`,
			Want: `stream model=m finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2 notes=unterminated_event`},
		{Name: "a picture", Form: ".ndjson", Body: `{"model":"m","message":{"role":"assistant","images":["iVBORw0"]},"done":false}` + "\n" + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/7`},
		{Name: "an unknown member with text", Form: ".ndjson", Body: `{"model":"m","message":{"role":"assistant","content":"","reasoning":"Hm"},"done":false}` + "\n" + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2 notes=unknown_content`},
		{Name: "the envelope of a gateway", Form: ".json", Body: `{"code":429,"msg":"slow down"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=not_streamed,body_not_understood`},
		{Name: "the load of a model", Form: ".json", Body: `{"model":"m","message":{"role":"assistant","content":""},"done_reason":"load","done":true}`,
			Want: `complete model=m finish=stop usage= notes=not_streamed`},
	})
}

func TestContentElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, ollama.Generate(), []dialecttest.Fault{
		{Name: "a picture behind its progress", Form: ".ndjson", Body: `{"model":"z","created_at":"t","response":"","completed":1,"total":4,"done":false}` + "\n" + `{"model":"z","response":"","image":"iVBORw0KGgo=","done":true,"done_reason":"stop"}` + "\n",
			Want: `stream complete model=z finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/12`},
		{Name: "an unknown member with text, of a completion", Form: ".ndjson", Body: `{"model":"z","response":"","audio":"UklGRg==","done":false}` + "\n" + `{"model":"z","response":"","done":true,"done_reason":"stop"}` + "\n",
			Want: `stream complete model=z finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/8 notes=unknown_content`},
	})
}
