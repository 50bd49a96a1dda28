package cohere_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/cohere"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
)

func TestFaults(t *testing.T) {
	const hi = `data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"Hi"}}}}` + "\n"
	const end = `data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":1,"output_tokens":1},"tokens":{"input_tokens":9,"output_tokens":2}}}}` + "\n"
	dialecttest.CheckFaults(t, cohere.Chat(), []dialecttest.Fault{
		{Name: "an error at the end", Body: hi + `data: {"type":"message-end","delta":{"error":"timeout","finish_reason":"ERROR"}}` + "\n",
			Want: `stream complete failed model= finish=error usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a reason of an error", Body: hi + `data: {"type":"message-end","delta":{"finish_reason":"ERROR_LIMIT"}}` + "\n",
			Want: `stream complete failed model= finish=error usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "tokens before billed units", Body: hi + `data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":9,"output_tokens":2},"billed_units":{"input_tokens":1,"output_tokens":1}}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "null everywhere", Body: `data: {"type":"content-delta","index":null,"delta":null}` + "\n" + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings and floats", Body: hi + `data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":"9","output_tokens":2.0}}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "cut", Body: hi,
			Want: `stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "two streams spliced", Body: hi + end + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:0/2 1:0/2`},
		{Name: "an error as JSON", Form: ".json", Body: `{"id":"x","message":"invalid api token"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of a gateway", Form: ".json", Body: `{"code":429,"msg":"slow down"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
	})
	dialecttest.CheckFaults(t, cohere.Embed(), []dialecttest.Fault{
		{Name: "an error as JSON, of embeddings", Form: ".json", Body: `{"message":"invalid api token"}`,
			Want: `complete failed model= finish= usage=`},
	})
}

func TestContentElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, cohere.Chat(), []dialecttest.Fault{
		{Name: "an unknown delta", Ask: `{"model":"g","stream":true}`, Body: `data: {"type":"content-delta","delta":{"message":{"content":{"audio":"AAAA"}}}}` + "\n" + `data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":5,"output_tokens":7}}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=5 out=7 streamed=7 events=2@1 tokens@1-1 1:0/4 notes=unknown_content`},
		{Name: "a list of content", Ask: `{"model":"g","stream":true}`, Body: `data: {"type":"content-delta","delta":{"message":{"content":[{"type":"text","text":"Hi"}]}}}` + "\n" + `data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":5,"output_tokens":7}}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=5 out=7 streamed=7 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a role and a citation", Ask: `{"model":"g","stream":true}`, Body: `data: {"type":"message-start","delta":{"message":{"role":"assistant","content":[],"citations":[]}}}` + "\n" + `data: {"type":"citation-start","delta":{"message":{"citations":{"start":1,"text":"abc"}}}}` + "\n" + `data: {"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":5,"output_tokens":7}}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=5 out=7 streamed=0 events=3@1`},
	})
}
