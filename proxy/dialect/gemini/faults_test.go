package gemini_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/gemini"
)

func TestFaults(t *testing.T) {
	stream := dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"}
	const hi = `data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"g"}` + "\n"
	const end = `data: {"candidates":[{"content":{"parts":[{"text":" all"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2,"totalTokenCount":11}}` + "\n"
	dialecttest.CheckFaults(t, gemini.Generate(), []dialecttest.Fault{
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "null everywhere", Head: stream, Body: `data: {"candidates":null,"promptFeedback":null,"usageMetadata":null,"modelVersion":null,"error":null}` + "\n" + hi + end,
			Want: `stream complete model=g finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2 1:0/4`},
		{Name: "a text that is null", Head: stream, Body: `data: {"candidates":[{"content":{"parts":[{"text":null}]}}]}` + "\n" + hi + end,
			Want: `stream complete model=g finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2 1:0/4`},
		{Name: "counts as strings", Head: stream, Body: hi + `data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":"9","candidatesTokenCount":"2","totalTokenCount":"11"}}` + "\n",
			Want: `stream complete model=g finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an error in the stream", Head: stream, Body: hi + `data: {"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}` + "\n",
			Want: `stream failed model=g finish= usage=counted in=9 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an error without data", Head: stream, Body: hi + `{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}` + "\n",
			Want: `stream failed model=g finish= usage=counted in=9 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=error_field`},
		{Name: "an error without data, on lines of its own", Head: stream, Body: hi + "{¶  \"error\": {¶    \"code\": 503,¶    \"status\": \"UNAVAILABLE\"¶  }¶}\n",
			Want: `stream failed model=g finish= usage=counted in=9 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=error_field`},
		{Name: "a list of errors", Head: stream, Form: ".array", Body: `[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]`,
			Want: `stream complete failed model= finish= usage= events=1@1`},
		{Name: "an error in the middle of the array", Head: stream, Form: ".array", Body: `[{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]},` + "\n" + `{"error":{"code":503}}]`,
			Want: `stream complete failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an array that was cut", Head: stream, Form: ".array", Body: `[{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]},` + "\n" + `{"candidates":[{"conte`,
			Want: `stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2 notes=unterminated_event`},
		{Name: "an array that was cut between elements", Head: stream, Form: ".array", Body: `[{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}`,
			Want: `stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "an array and a text behind it", Head: stream, Form: ".array", Body: `[{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}]` + "\nupstream connect error",
			Want: `stream complete failed model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "no candidate and no reason", Head: stream, Body: `data: {"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"g"}` + "\n",
			Want: `stream model=g finish= usage=reported in=9 events=1@1`},
		{Name: "a candidate without content", Head: stream, Body: `data: {"candidates":[{"finishReason":"MALFORMED_RESPONSE"}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}}` + "\n",
			Want: `stream complete failed model= finish=error usage=reported in=9 events=1@1`},
		{Name: "a blocked prompt", Head: stream, Body: `data: {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}}` + "\n",
			Want: `stream complete model= finish=content_filter usage=reported in=9 events=1@1`},
		{Name: "a reason on every chunk", Head: stream, Body: `data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}` + "\n" + `data: {"candidates":[{"content":{"parts":[{"text":" all"}]},"finishReason":"STOP"}]}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=2 streamed=2 events=2@1 tokens@1-1 1:0/2 1:0/4`},
		{Name: "an unspecified reason", Head: stream, Body: hi + `data: {"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}` + "\n",
			Want: `stream model=g finish= usage=counted in=9 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "two streams spliced", Head: stream, Body: hi + end + hi + end,
			Want: `stream complete model=g finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:0/2 1:0/4 1:0/2 1:0/4 notes=usage_after_finish`},
		{Name: "events called JSON", Head: stream, Type: "application/json", Body: hi + end,
			Want: `stream complete model=g finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2 1:0/4`},
		{Name: "an array called events", Head: stream, Form: ".array", Type: "text/event-stream", Body: `[{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}]}]`,
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "a terminator of OpenAI's", Head: stream, Body: hi + end + "data: [DONE]\n",
			Want: `stream complete model=g finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2 1:0/4`},
		{Name: "snake case", Head: stream, Body: `data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finish_reason":"STOP"}],"usage_metadata":{"prompt_token_count":9,"candidates_token_count":2,"total_token_count":11}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=1@1 tokens@1-1 1:2/2`},
		{Name: "a page in place of an answer", Form: ".json", Type: "text/html", Body: `<html>busy</html>`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
		{Name: "the envelope of a gateway", Form: ".json", Body: `{"code":500,"message":"upstream error","data":null}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an unknown part with data", Head: stream, Body: `data: {"candidates":[{"content":{"parts":[{"fileData":{"mimeType":"video/mp4","fileUri":"gs://x"}}]},"finishReason":"STOP"}]}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/15 notes=unknown_content`},
		{Name: "thoughts that only the total has", Form: ".json", Body: `{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2,"totalTokenCount":111}}`,
			Want: `complete model= finish=stop usage=reported in=9 out=102`},
	})
	dialecttest.CheckFaults(t, gemini.Interactions(), []dialecttest.Fault{
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "cut", Body: `data: {"event_type":"step.delta","delta":{"type":"text","text":"Hi"}}` + "\n",
			Want: `stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "failed", Body: `data: {"event_type":"step.delta","delta":{"type":"text","text":"Hi"}}` + "\n" + `data: {"event_type":"interaction.completed","interaction":{"status":"failed"}}` + "\n",
			Want: `stream complete failed model= finish=error usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
	})
}

func TestCodeAssist(t *testing.T) {
	dialecttest.CheckFaults(t, gemini.Generate(), []dialecttest.Fault{
		{Name: "an answer in the field of Code Assist", Head: dialect.Head{Method: "POST", Path: "/v1internal:streamGenerateContent", Query: "alt=sse"}, Ask: `{"model":"gemini-x","request":{}}`, Body: `data: {"response":{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"modelVersion":"g"}}` + "\n" + `data: {"response":{"candidates":[{"content":{"parts":[{"text":" all"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7,"totalTokenCount":12}},"traceId":"t"}` + "\n",
			Want: `stream complete model=g finish=stop usage=reported in=5 out=7 streamed=7 events=2@1 tokens@1-1 1:0/2 1:0/4`},
	})
}

func TestInteractionsElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, gemini.Interactions(), []dialecttest.Fault{
		{Name: "an unknown delta of a step", Ask: `{"model":"g","stream":true}`, Body: `data: {"event_type":"step.delta","delta":{"type":"transcript","transcript":"Hi"}}` + "\n" + `data: {"event_type":"interaction.completed","interaction":{"status":"completed","usage":{"total_input_tokens":5,"total_output_tokens":7,"total_tokens":12}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=5 out=7 streamed=7 events=2@1 tokens@1-1 1:0/2 notes=unknown_content`},
		{Name: "arguments of a call", Ask: `{"model":"g","stream":true}`, Body: `data: {"event_type":"step.delta","delta":{"type":"arguments_delta","arguments":"{}"}}` + "\n" + `data: {"event_type":"interaction.completed","interaction":{"status":"completed","usage":{"total_input_tokens":5,"total_output_tokens":7,"total_tokens":12}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=5 out=7 streamed=7 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a signature and a result of the provider's tool", Ask: `{"model":"g","stream":true}`, Body: `data: {"event_type":"step.delta","delta":{"type":"thought_signature","signature":"xyz"}}` + "\n" + `data: {"event_type":"step.delta","delta":{"type":"code_execution_result","result":"42","call_id":"c"}}` + "\n" + `data: {"event_type":"step.delta","delta":{"type":"text","text":"Hi"}}` + "\n" + `data: {"event_type":"interaction.completed","interaction":{"status":"completed","usage":{"total_input_tokens":5,"total_output_tokens":7,"total_tokens":12}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=5 out=7 streamed=7 events=4@1 tokens@1-1 1:0/2`},
	})
}

func TestFailuresElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, gemini.Generate(), []dialecttest.Fault{
		{Name: "a picture that failed", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/g:streamGenerateContent"}, Body: `data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}` + "\n" + `data: {"candidates":[{"finishReason":"IMAGE_OTHER"}]}` + "\n",
			Want: `stream complete failed model= finish=error usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a signature that is missing", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/g:streamGenerateContent"}, Body: `data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}` + "\n" + `data: {"candidates":[{"finishReason":"MISSING_THOUGHT_SIGNATURE"}]}` + "\n",
			Want: `stream complete failed model= finish=error usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
	})
}

func TestInteractionsCounts(t *testing.T) {
	dialecttest.CheckFaults(t, gemini.Interactions(), []dialecttest.Fault{
		{Name: "reasoning by its first name", Ask: `{"model":"g","stream":true}`, Body: `data: {"event_type":"step.delta","delta":{"type":"text","text":"Hi"}}` + "\n" + `data: {"event_type":"interaction.complete","interaction":{"status":"completed","usage":{"total_input_tokens":5,"total_output_tokens":7,"total_reasoning_tokens":30,"total_tokens":42}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=5 out=37 reasoning=30 streamed=7 events=2@1 tokens@1-1 1:0/2`},
	})
}
