package responses_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
)

func TestFaults(t *testing.T) {
	const start = `data: {"type":"response.created","response":{"id":"resp_1","status":"in_progress","model":"m","usage":null,"error":null}}` + "\n"
	const hi = `data: {"type":"response.output_text.delta","output_index":0,"delta":"Hi"}` + "\n"
	const end = `data: {"type":"response.completed","response":{"status":"completed","model":"m","output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}],"usage":{"input_tokens":9,"output_tokens":5,"total_tokens":14,"output_tokens_details":{"reasoning_tokens":3}}}}` + "\n"
	dialecttest.CheckFaults(t, responses.HTTP(), []dialecttest.Fault{
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "null everywhere", Form: ".json", Body: `{"status":null,"model":null,"output":null,"usage":null,"error":null}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "null in every event", Ask: asks, Body: `data: {"type":"response.created","response":null}` + "\n" + `data: {"type":"response.output_text.delta","output_index":null,"delta":null}` + "\n" + hi + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=5 reasoning=3 streamed=2 events=4@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings", Ask: asks, Body: start + hi + `data: {"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":"9","output_tokens":"5"}}}` + "\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=5 streamed=5 events=3@1 tokens@1-1 1:0/2`},
		{Name: "OpenAI's names of chat in the counts", Ask: asks, Body: start + hi + `data: {"type":"response.completed","response":{"status":"completed","usage":{"prompt_tokens":9,"completion_tokens":5}}}` + "\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=5 streamed=5 events=3@1 tokens@1-1 1:0/2`},
		{Name: "counts of nobody's names", Ask: asks, Body: start + hi + `data: {"type":"response.completed","response":{"status":"completed","usage":{"in":9,"out":5}}}` + "\n",
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=unknown_usage`},
		{Name: "a whole text behind its deltas", Ask: asks, Body: start + hi + `data: {"type":"response.output_text.done","output_index":0,"text":"Hi"}` + "\n" + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=5 reasoning=3 streamed=2 events=4@1 tokens@1-1 1:0/2`},
		{Name: "an event that nobody knows", Ask: asks, Body: start + hi + `data: {"type":"vendor.hint","hint":"x"}` + "\n" + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=5 reasoning=3 streamed=2 events=4@1 tokens@1-1 1:0/2 notes=unknown_event_type`},
		{Name: "two streams spliced", Ask: asks, Body: start + hi + end + start + hi + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=5 reasoning=3 streamed=2 events=6@1 tokens@1-1 1:0/2 1:0/2`},
		{Name: "a terminator of chat's", Ask: asks, Body: start + hi + end + "data: [DONE]\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=5 reasoning=3 streamed=2 events=3@1 tokens@1-1 1:0/2`},
		{Name: "a terminator in place of the last event", Ask: asks, Body: start + hi + "data: [DONE]\n",
			Want: `stream complete model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=no_finish_reason`},
		{Name: "an error as a text, and a terminator", Ask: asks, Body: start + hi + "data: error: engine stopped\ndata: [DONE]\n",
			Want: `stream complete failed model=m finish= usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=invalid_json,no_finish_reason`},
		{Name: "cut between events", Ask: asks, Body: start + hi,
			Want: `stream model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "cut within an event", Ask: asks, Body: start + hi + `data: {"type":"response.comp`,
			Want: `stream model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=unterminated_event`},
		{Name: "a failed response", Ask: asks, Body: start + hi + `data: {"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"x"}}}` + "\n",
			Want: `stream complete failed model=m finish=error usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "an error of chat's form", Ask: asks, Body: start + hi + `data: {"error":{"message":"overloaded","type":"server_error"}}` + "\n",
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=unknown_event_type`},
		{Name: "an error without data", Ask: asks, Body: start + hi + `{"error":{"message":"overloaded"}}` + "\n",
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=unknown_event_type,error_field`},
		{Name: "an error as a text", Ask: asks, Body: start + hi + "data: upstream connect error\n",
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "the envelope of a gateway", Form: ".json", Body: `{"code":429,"msg":"slow down"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of FastAPI", Form: ".json", Body: `{"detail":"Not authenticated"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "a page in place of events", Ask: asks, Type: "text/html", Body: `<html>busy</html>`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
		{Name: "a text in place of an answer", Form: ".json", Type: "text/plain", Body: `no healthy upstream`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
		{Name: "events called JSON", Ask: asks, Type: "application/json", Body: start + hi + end,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=5 reasoning=3 streamed=2 events=3@1 tokens@1-1 1:0/2`},
		{Name: "more reasoning than output", Form: ".json", Body: `{"status":"completed","model":"m","output":[],"usage":{"input_tokens":9,"output_tokens":2,"output_tokens_details":{"reasoning_tokens":25}}}`,
			Want: `complete model=m finish=stop usage=reported in=9 out=2 reasoning=2 notes=reasoning_over_output`},
	})
}

func TestContentElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, responses.HTTP(), []dialecttest.Fault{
		{Name: "a refusal only in the last event", Ask: asks, Body: `data: {"type":"response.completed","response":{"model":"m","status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"No."}]}],"usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}}}` + "\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=4 streamed=4 events=1@1 tokens@1-1 1:4/3`},
		{Name: "the input of a tool only in the last event", Ask: asks, Body: `data: {"type":"response.completed","response":{"model":"m","status":"completed","output":[{"type":"custom_tool_call","name":"f","input":"ls"}],"usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}}}` + "\n",
			Want: `stream complete model=m finish=tool_calls usage=reported in=9 out=4 streamed=4 events=1@1 tokens@1-1 1:4/2`},
		{Name: "a picture only in the last event", Ask: asks, Body: `data: {"type":"response.completed","response":{"model":"m","status":"completed","output":[{"type":"image_generation_call","result":"iVBORw0"}],"usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}}}` + "\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=4 streamed=4 events=1@1 tokens@1-1 1:4/7`},
		{Name: "a summary only with its item", Ask: asks, Body: `data: {"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","summary":[{"type":"summary_text","text":"Hm"}]}}` + "\n" + `data: {"type":"response.completed","response":{"model":"m","status":"completed","output":[],"usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}}}` + "\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=4 events=2@1 tokens@1-1 answer@0 1:0/2`},
		{Name: "a call without arguments only with its item", Ask: asks, Body: `data: {"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","name":"f","arguments":""}}` + "\n" + `data: {"type":"response.completed","response":{"model":"m","status":"completed","output":[{"type":"function_call","name":"f","arguments":""}],"usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}}}` + "\n",
			Want: `stream complete model=m finish=tool_calls usage=reported in=9 out=4 streamed=4 events=2@1 tokens@1-1 1:0/1`},
	})
}
