package openai_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
)

func TestFaults(t *testing.T) {
	const done = "data: [DONE]\n"
	const hi = `data: {"model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}` + "\n"
	const stop = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n"
	dialecttest.CheckFaults(t, openai.Chat(), []dialecttest.Fault{
		{Name: "nothing but the terminator", Ask: asks, Body: done,
			Want: `stream complete model= finish= usage= events=1@1`},
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "an answer without choices", Form: ".json", Body: `{"id":"x","object":"chat.completion","model":"m","choices":[]}`,
			Want: `complete model=m finish= usage=`},
		{Name: "sound and pictures among the tokens", Form: ".json", Body: `{"id":"x","model":"m","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":90,"completion_tokens":20,"prompt_tokens_details":{"audio_tokens":30,"image_tokens":40},"completion_tokens_details":{"audio_tokens":15}}}`,
			Want: `complete model=m finish=stop usage=reported in=90 out=20 audio=30 image=40 spoken=15`},
		{Name: "an answer and a text behind it", Form: ".json", Body: `{"id":"x","model":"m","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}` + "\nupstream connect error",
			Want: `complete failed model=m finish=stop usage=reported in=9 out=2 notes=invalid_json`},
		{Name: "an answer and a page behind it", Form: ".json", Body: `{"id":"x","model":"m","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}<html>502</html>`,
			Want: `complete failed model=m finish=stop usage= notes=invalid_json`},
		{Name: "an answer and a bracket too many", Form: ".json", Body: `{"id":"x","model":"m","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}}`,
			Want: `complete failed model=m finish=stop usage= notes=invalid_json`},
		{Name: "null", Form: ".json", Body: `null`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
		{Name: "null everywhere", Form: ".json", Body: `{"id":null,"object":null,"model":null,"choices":null,"usage":null,"error":null}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "null everywhere in a stream", Ask: asks, Body: `data: {"id":null,"model":null,"choices":[{"index":null,"delta":null,"finish_reason":null,"logprobs":null}],"usage":null,"error":null}` + "\n" + hi + stop + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "null in a delta", Ask: asks, Body: `data: {"model":"m","choices":[{"index":0,"delta":{"role":null,"content":null,"tool_calls":null,"reasoning":null,"refusal":null,"audio":null}}]}` + "\n" + hi + stop + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":{"prompt_tokens":"9","completion_tokens":"1","total_tokens":"10"}}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=1 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "a count below 0", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":1}}` + "\ndata: [DONE]\n",
			Want: `stream complete model=m finish=stop usage=reported out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=negative_count`},
		{Name: "counts below 0, as strings", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":{"prompt_tokens":"-9","completion_tokens":"-1"}}` + "\ndata: [DONE]\n",
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=negative_count`},
		{Name: "a count below 0 that the total explains", Form: ".json", Body: `{"model":"m","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":-1,"total_tokens":11}}`,
			Want: `complete model=m finish=stop usage=reported in=9 out=2 notes=negative_count`},
		{Name: "cached tokens below 0", Form: ".json", Body: `{"model":"m","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":-4}}}`,
			Want: `complete model=m finish=stop usage=reported in=9 out=2 notes=negative_count`},
		{Name: "counts as floats", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":{"prompt_tokens":9.0,"completion_tokens":1.0,"total_tokens":1e1}}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=1 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "negative counts", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":-5}}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=negative_count`},
		{Name: "index as a string", Ask: asks, Body: `data: {"choices":[{"index":"0","delta":{"content":"Hi"}}]}` + "\n" + stop + done,
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "no index", Ask: asks, Body: `data: {"choices":[{"delta":{"content":"Hi"}}]}` + "\n" + `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}` + "\n" + done,
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a null finish reason as text", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"null"}]}` + "\n" + stop + done,
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an empty finish reason all along", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":""}]}` + "\n" + stop + done,
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "stop on every chunk", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":" all"},"finish_reason":"stop"}]}` + "\n" + done,
			Want: `stream complete model= finish=stop usage=counted out=2 streamed=2 events=2@1 tokens@1-1 1:0/2 1:0/4`},
		{Name: "a choice's own error", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":""},"error":{"code":429,"message":"slow down"}}]}` + "\n" + done,
			Want: `stream complete failed model= finish= usage= events=1@1`},
		{Name: "an error with an empty object", Ask: asks, Body: hi + `data: {"error":{}}` + "\n" + done,
			Want: `stream complete failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an error that is false", Ask: asks, Body: hi + `data: {"error":false,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an error that is true", Ask: asks, Body: hi + `data: {"error":true,"message":"boom"}` + "\n" + done,
			Want: `stream complete failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=no_finish_reason`},
		{Name: "an error in capitals", Form: ".json", Body: `{"Error":{"message":"no"}}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of Zhipu", Form: ".json", Body: `{"code":1113,"msg":"balance","success":false}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of DashScope", Form: ".json", Body: `{"code":"InvalidParameter","message":"bad","request_id":"r"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of FastAPI", Form: ".json", Body: `{"detail":[{"loc":["body"],"msg":"field required","type":"value_error.missing"}]}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of Baidu", Form: ".json", Body: `{"error_code":336100,"error_msg":"server high load","id":"as-1"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of AWS", Form: ".json", Body: `{"Message":"Too many requests"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of AWS, in lower case", Form: ".json", Body: `{"message":"Too many requests"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of Spring", Form: ".json", Body: `{"timestamp":"t","status":500,"error":"Internal Server Error","path":"/v1"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of vLLM's old days", Form: ".json", Body: `{"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of RFC 9457", Form: ".json", Body: `{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"wait"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of iFlytek", Ask: asks, Body: `data: {"code":10007,"message":"user is being throttled","sid":"s"}` + "\n",
			Want: `stream failed model= finish= usage= events=1@1`},
		{Name: "a code of 0 beside an answer", Ask: asks, Body: `data: {"code":0,"message":"Success","sid":"s","choices":[{"delta":{"role":"assistant","content":"Hi"},"index":0}]}` + "\n" + `data: {"code":0,"message":"Success","choices":[{"delta":{"content":""},"index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}` + "\n" + done,
			Want: `stream complete model= finish=stop usage=reported in=1 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a page of a proxy as events", Ask: asks, Type: "text/event-stream", Body: `<html><body>502 Bad Gateway</body></html>`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
		{Name: "a text as events", Ask: asks, Body: `upstream request timeout`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
		{Name: "a text of bytes", Ask: asks, Type: "application/octet-stream", Body: `no healthy upstream`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
		{Name: "bytes that are no text", Ask: asks, Type: "application/octet-stream", Body: "\x82\xa5model",
			Want: `complete endless model= finish= usage= notes=not_streamed,body_not_understood`},
		{Name: "an end within the name of the first field", Ask: asks, Body: `dat`,
			Want: `stream model= finish= usage=`},
		{Name: "a page of a proxy", Ask: asks, Type: "text/html", Body: `<html><body>502 Bad Gateway</body></html>`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
		{Name: "JSON in a stream without data", Ask: asks, Body: hi + `{"error":{"message":"upstream timed out"}}` + "\n",
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=error_field`},
		{Name: "an error without data, cut", Ask: asks, Body: hi + `{"error":{"message":"upstream`,
			Want: `stream failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=unterminated_event,invalid_json,error_field`},
		{Name: "an error without data between events", Ask: asks, Body: hi + `{"detail":"rate limit"}¶data: [DONE]` + "\n",
			Want: `stream complete failed model=m finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=error_field`},
		{Name: "content without data, which clients ignore", Ask: asks, Body: hi + `{"choices":[{"index":0,"delta":{"content":"Ho"}}]}` + "\n" + stop + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "lines of JSON called events", Ask: asks, Body: `{"choices":[{"index":0,"delta":{"content":"Hi"}}]}` + "\n" + `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=no_done`},
		{Name: "events called JSON", Ask: asks, Type: "application/json", Body: hi + stop + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "events called plain text", Ask: asks, Type: "text/plain", Body: hi + stop + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "two streams spliced", Ask: asks, Body: hi + hi + stop + done + hi + stop + done,
			Want: `stream complete model=m finish=stop usage=counted out=3 streamed=3 events=5@1 tokens@1-1 1:0/2 1:0/2 1:0/2 notes=event_after_done`},
		{Name: "the usage behind the terminator", Ask: asksUsage, Body: hi + stop + done + `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1}}` + "\n",
			Want: `stream complete model=m finish=stop usage=reported in=9 out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=event_after_done`},
		{Name: "an error behind the terminator", Ask: asks, Body: hi + stop + done + `data: {"error":{"message":"late"}}` + "\n",
			Want: `stream complete failed model=m finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=event_after_done`},
		{Name: "usage in every chunk that does not grow", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":" all"}}],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}` + "\n" + stop + done,
			Want: `stream complete model= finish=stop usage=counted in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2 1:0/4`},
		{Name: "usage that shrinks", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":{"prompt_tokens":9,"completion_tokens":5}}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":" all"}}],"usage":{"prompt_tokens":9,"completion_tokens":2}}` + "\n" + stop + done,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:5/2 1:0/4`},
		{Name: "usage in a list", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":[{"prompt_tokens":9,"completion_tokens":1}]}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=unknown_usage`},
		{Name: "usage of Bedrock's names", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":{"inputTokens":9,"outputTokens":1,"totalTokens":10}}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=unknown_usage`},
		{Name: "usage beside the envelope of a gateway", Form: ".json", Body: `{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"data":{"usage":{"prompt_tokens":9,"completion_tokens":1}}}`,
			Want: `complete model= finish=stop usage=reported in=9 out=1`},
		{Name: "cached tokens of Anthropic's names", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":{"prompt_tokens":2459,"completion_tokens":23,"total_tokens":2482,"cache_read_input_tokens":2455,"cache_creation_input_tokens":0}}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=reported in=2459 out=23 cached=2455 written=0 streamed=23 events=3@1 tokens@1-1 1:0/2`},
		{Name: "accepted and rejected predictions", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":50,"total_tokens":59,"completion_tokens_details":{"accepted_prediction_tokens":10,"rejected_prediction_tokens":30,"reasoning_tokens":5}}}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=50 reasoning=5 streamed=15 events=3@1 tokens@1-1 1:0/2`},
		{Name: "a finish reason with capitals", Ask: asks, Body: hi + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"MAX_TOKENS"}]}` + "\n" + done,
			Want: `stream complete model=m finish=length usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a finish reason that is an object", Ask: asks, Body: hi + `data: {"choices":[{"index":0,"delta":{},"finish_reason":{"type":"stop","matched":2}}]}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a finish reason that failed", Ask: asks, Body: hi + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"repetition_truncation"}]}` + "\n" + done,
			Want: `stream complete model=m finish=other usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=unknown_finish_reason`},
		{Name: "an engine that died", Ask: asks, Body: hi + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"engine_overloaded"}]}` + "\n" + done,
			Want: `stream complete failed model=m finish=error usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "thinking in blocks", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"thinking","thinking":"Hmm"}]}}]}` + "\n" + hi + stop + done,
			Want: `stream complete model=m finish=stop usage=counted out=2 streamed=2 events=3@1 tokens@1-1 1:0/3 1:0/2`},
		{Name: "reasoning as an object", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"reasoning":{"content":"Hmm"}}}]}` + "\n" + hi + stop + done,
			Want: `stream complete model=m finish=stop usage=counted out=2 streamed=2 events=3@1 tokens@1-1 1:0/3 1:0/2 notes=unknown_content`},
		{Name: "content as an object", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":{"type":"text","text":"Hi"}}}]}` + "\n" + stop + done,
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/6 notes=unknown_content`},
		{Name: "a tool call with arguments as an object", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":{"a":1}}}]}}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}` + "\n" + done,
			Want: `stream complete model= finish=tool_calls usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/1`},
		{Name: "text beside the delta", Ask: asks, Body: `data: {"choices":[{"index":0,"text":"Hi"}]}` + "\n" + stop + done,
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "choices that are an object", Ask: asks, Body: `data: {"choices":{"index":0,"delta":{"content":"Hi"}}}` + "\n" + done,
			Want: `stream complete model= finish= usage= events=1@1 notes=body_not_understood`},
		{Name: "sixteen choices and one more", Ask: `{"n":17,"stream":true}`, Body: `data: {"choices":[{"index":16,"delta":{"content":"Hi"},"finish_reason":"stop"}]}` + "\n" + done,
			Want: `stream complete model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "a whole answer with thoughts in the total only", Form: ".json", Body: `{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109}}`,
			Want: `complete model= finish=stop usage=reported in=35 out=74`},
		{Name: "an answer inside an envelope of a gateway", Form: ".json", Body: `{"code":200,"data":{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}}`,
			Want: `complete model= finish=stop usage=reported in=9 out=1`},
		{Name: "a failure inside an envelope of a gateway", Form: ".json", Body: `{"code":500,"msg":"upstream","data":null}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "chunks inside an envelope of a gateway", Ask: asks, Body: `data: {"code":0,"data":{"model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}}` + "\n" + `data: {"code":0,"data":{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an empty list of errors", Form: ".json", Body: `{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"errors":[],"error":[]}`,
			Want: `complete model= finish=stop usage=`},
		{Name: "a list of errors", Form: ".json", Body: `{"success":false,"errors":[{"code":7003,"message":"no route"}],"result":null}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "a refusal in whole", Form: ".json", Body: `{"choices":[{"index":0,"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`,
			Want: `complete model= finish=stop usage=reported in=5 out=2`},
		{Name: "padding and blank lines before JSON", Form: ".json", Body: "\n\n   \n" + `{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}`,
			Want: `complete model= finish=stop usage=`},
		{Name: "two documents in one body", Form: ".json", Body: `{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}{"error":{"message":"x"}}`,
			Want: `complete model= finish= usage= notes=invalid_json,body_not_understood`},
		{Name: "zeros of a second convention", Ask: asks, Body: hi + stop + `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10,"completion_tokens_details":{"reasoning_tokens":0},"input_tokens":0,"output_tokens":0}}` + "\n" + done,
			Want: `stream complete model=m finish=stop usage=reported in=9 out=1 reasoning=0 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "zeros behind the counts", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":{"prompt_tokens":9,"completion_tokens":1}}` + "\n" + stop + `data: {"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}` + "\n" + done,
			Want: `stream complete model= finish=stop usage=counted in=9 out=1 streamed=1 events=3@1 tokens@1-1 1:1/2`},
		{Name: "roles and no content", Ask: asks, Body: `data: {"model":"m","choices":[{"index":0,"delta":{"role":"assistant"}}]}` + "\n" + done,
			Want: `stream complete model=m finish= usage= events=1@1 notes=no_finish_reason`},
		{Name: "the events of Anthropic instead", Ask: asks, Body: `event: message_start¶data: {"type":"message_start","message":{"model":"c"}}` + "\n" + `event: message_stop¶data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model= finish= usage= events=2@1 notes=body_not_understood`},
		{Name: "a depth of ten thousand", Form: ".json", Body: deep(10000),
			Want: `complete model= finish= usage= notes=body_not_understood`},
	})
}

func TestOtherFaults(t *testing.T) {
	const done = "data: [DONE]\n"
	dialecttest.CheckFaults(t, openai.Completions(), []dialecttest.Fault{
		{Name: "an answer of chat", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}` + "\n" + done,
			Want: `stream complete model= finish=stop usage=counted out=2 streamed=2 events=2@1 tokens@1-1 1:0/2 1:0/2`},
		{Name: "one of two prompts", Ask: `{"prompt":["a","b"],"stream":true}`, Body: `data: {"choices":[{"index":0,"text":"Hi","finish_reason":"stop"}]}` + "\n",
			Want: `stream model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "one of two prompts, and the terminator", Ask: `{"prompt":["a","b"],"stream":true}`, Body: `data: {"choices":[{"index":0,"text":"Hi","finish_reason":"stop"}]}` + "\n" + done,
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2 notes=no_finish_reason`},
		{Name: "values of Writer's", Ask: asks, Body: `data: {"value":"Hi"}` + "\n" + `data: {"value":" all"}` + "\n",
			Want: `stream complete model= finish= usage= events=2@1 notes=body_not_understood`},
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "a flat error", Form: ".json", Body: `{"object":"error","message":"bad","type":"BadRequestError","code":400}`,
			Want: `complete failed model= finish= usage=`},
	})
	dialecttest.CheckFaults(t, openai.Embeddings(), []dialecttest.Fault{
		{Name: "the envelope of a gateway", Form: ".json", Body: `{"code":1301,"msg":"unsafe input"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "a message beside the vectors", Form: ".json", Body: `{"message":"success","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`,
			Want: `complete model= finish= usage=reported in=3`},
		{Name: "zeros of a second convention, of embeddings", Form: ".json", Body: `{"data":[],"usage":{"prompt_tokens":3,"completion_tokens":0,"total_tokens":3,"input_tokens":0,"output_tokens":0}}`,
			Want: `complete model= finish= usage=reported in=3 out=0`},
		{Name: "a count in the metadata", Form: ".json", Body: `{"data":[],"meta":{"billed_units":{"input_tokens":3}}}`,
			Want: `complete model= finish= usage=reported in=3`},
		{Name: "text where vectors should be", Form: ".json", Type: "text/plain", Body: `upstream request timeout`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
	})
	dialecttest.CheckFaults(t, openai.Images(), []dialecttest.Fault{
		{Name: "the envelope of a gateway, of pictures", Form: ".json", Body: `{"message":"quota exceeded"}`,
			Want: `complete failed model= finish= usage=`},
	})
}

func deep(n int) string {
	b := make([]byte, 0, 2*n)
	for range n {
		b = append(b, '[')
	}
	for range n {
		b = append(b, ']')
	}
	return string(b)
}

func TestContentElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, openai.Chat(), []dialecttest.Fault{
		{Name: "a picture in a list of content", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/24`},
		{Name: "a part of content that nobody knows", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":[{"type":"output_text","value":"Hello"}]},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/5 notes=unknown_content`},
		{Name: "reasoning in a list", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"reasoning_content":[{"type":"text","text":"Hm"}]},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 answer@0 1:0/2`},
		{Name: "pictures as texts", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"images":["data:image/png;base64,AA"]},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/24`},
		{Name: "pictures by their addresses", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"images":[{"type":"image","url":"https://example.com/1"}]},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/21`},
		{Name: "a call without the object of its function", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"name":"f","arguments":"{}"}]},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=tool_calls usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/3`},
		{Name: "an unknown value three levels deep", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"video":{"source":{"data":"AAAA"}}},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/4 notes=unknown_content`},
		{Name: "reasoning that is encrypted", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"xxxx"}]},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2`},
	})
}

func TestMediaElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, openai.Images(), []dialecttest.Fault{
		{Name: "pictures by their addresses, one by one", Ask: asks, Body: `data: {"type":"image_generation.partial_succeeded","image_index":0,"url":"https://example.com/1"}` + "\n" + `data: {"type":"image_generation.completed","usage":{"generated_images":1,"output_tokens":16384,"total_tokens":16384}}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=reported out=16384 streamed=16384 events=2@1 tokens@1-1 1:0/21`},
	})
}

func TestSoundElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, openai.Dialects()[5], []dialecttest.Fault{
		{Name: "a transcript in chunks of chat", Ask: asks, Body: `data: {"object":"transcription.chunk","choices":[{"delta":{"content":" My"}}]}` + "\n" + `data: {"choices":[{"delta":{"content":" gosh"},"finish_reason":"stop"}]}` + "\n" + `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/3 1:0/5`},
		{Name: "a transcript only in the last event", Ask: asks, Body: `data: {"type":"transcript.text.done","text":"My gosh"}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/7`},
		{Name: "a transcript in segments", Ask: asks, Body: `data: {"type":"transcript.text.segment","speaker":"A","text":"My"}` + "\n" + `data: {"type":"transcript.text.segment","speaker":"B","text":" gosh"}` + "\n" + `data: {"type":"transcript.text.done","text":"My gosh"}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=2 streamed=2 events=3@1 tokens@1-1 1:0/2 1:0/5`},
		{Name: "a transcript in deltas and segments", Ask: asks, Body: `data: {"type":"transcript.text.delta","delta":"My","segment_id":"s"}` + "\n" + `data: {"type":"transcript.text.segment","id":"s","text":"My"}` + "\n" + `data: {"type":"transcript.text.done","text":"My"}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "sound at an unknown place", Ask: asks, Body: `data: {"type":"speech.audio.delta","data":"UklG"}` + "\n" + `data: {"type":"speech.audio.done"}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/4 notes=unknown_content`},
		{Name: "an empty delta with an id", Ask: asks, Body: `data: {"type":"transcript.text.delta","delta":"","segment_id":"s","obfuscation":"xyz"}` + "\n" + `data: {"type":"transcript.text.delta","delta":"My"}` + "\n" + `data: {"type":"transcript.text.done","text":"My"}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "usage in seconds", Form: ".json", Body: `{"text":"My","usage":{"type":"duration","seconds":5}}`,
			Want: `complete model= finish= usage= notes=usage_in_seconds`},
	})
}

func TestFailuresElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, openai.Chat(), []dialecttest.Fault{
		{Name: "a rate limit as the reason", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"rate_limit_exceeded"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete failed model= finish=error usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "an engine without memory as the reason", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"out_of_memory"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete failed model= finish=error usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a status of MiniMax's as text", Ask: asks, Body: `data: {"choices":null,"base_resp":{"status_code":"1004"}}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete failed model= finish= usage= events=1@1`},
		{Name: "a status of MiniMax's as text that is well", Form: ".json", Body: `{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}],"base_resp":{"status_code":"0"}}`,
			Want: `complete model= finish=stop usage=`},
		{Name: "a message beside a usage of zeros", Ask: asks, Body: `data: {"code":"InternalError","message":"no","choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete failed model= finish= usage=reported in=0 out=0 streamed=0 events=1@1`},
		{Name: "no success and no reason", Form: ".json", Body: `{"success":false,"code":500,"data":null}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an answer beside a success", Form: ".json", Body: `{"success":true,"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}`,
			Want: `complete model= finish=stop usage=`},
		{Name: "an error of Google's, in an array", Form: ".json", Body: `[{"error":{"code":503,"message":"overloaded"}}]`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an error of Volcano Engine's", Form: ".json", Body: `{"ResponseMetadata":{"RequestId":"r","Error":{"Code":"x"}}}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an error of Tencent's", Form: ".json", Body: `{"Response":{"Error":{"Code":"x"},"RequestId":"r"}}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "a problem with a title only", Ask: asks, Body: `data: {"status":500,"title":"Internal Server Error"}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete failed model= finish= usage= events=1@1`},
		{Name: "an error of iFlytek's gateway", Form: ".json", Body: `{"err_code":17,"err_msg":"limit reached"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "a text in quotes", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}` + "\n" + `data: "error: engine died"` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=invalid_json,no_finish_reason`},
		{Name: "a terminator in quotes", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: "[DONE]"` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=invalid_json,no_done`},
	})
}

func TestEmbeddingsWithZeros(t *testing.T) {
	dialecttest.CheckFaults(t, openai.Embeddings(), []dialecttest.Fault{
		{Name: "a message and a usage of zeros beside the vectors", Form: ".json", Body: `{"message":"success","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":0,"total_tokens":0}}`,
			Want: `complete model= finish= usage=reported in=0`},
	})
}

func TestRepeats(t *testing.T) {
	dialecttest.CheckFaults(t, openai.Chat(), []dialecttest.Fault{
		{Name: "the answer once more behind reasoning", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"reasoning_content":"Let me think"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"The answer is forty-two, as everybody "},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"who has read the book knows by now."},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"The answer is forty-two, as everybody who has read the book knows by now."},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=3 streamed=3 events=4@1 tokens@1-1 1:0/12 1:0/38 1:0/35 notes=repeated_content`},
		{Name: "the reasoning and the answer once more", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"reasoning_content":"Let me think"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"The answer is forty-two, as everybody "},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"who has read the book knows by now."},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"reasoning_content":"Let me think","content":"The answer is forty-two, as everybody who has read the book knows by now."},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=3 streamed=3 events=4@1 tokens@1-1 1:0/12 1:0/38 1:0/35 notes=repeated_content`},
		{Name: "a long answer once more before its end", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"The answer is forty-two, as everybody "},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"who has read the book knows by now."},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"The answer is forty-two, as everybody who has read the book knows by now."},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=2 streamed=2 events=4@1 tokens@1-1 1:0/38 1:0/35 notes=repeated_content`},
		{Name: "a chunk that only resembles the answer", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"reasoning_content":"Let me think"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"The answer is forty-two, as everybody "},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"who has read the book knows by now."},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"content":"The answer is forty-two, as everybody who has read the book knows by noon."},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=4 streamed=4 events=4@1 tokens@1-1 1:0/12 1:0/38 1:0/35 1:0/74`},
	})
}

func TestCountsElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, openai.Chat(), []dialecttest.Fault{
		{Name: "tokens written to the cache, of Qwen", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: {"choices":[],"usage":{"prompt_tokens":3000,"completion_tokens":1,"total_tokens":3001,"prompt_tokens_details":{"cached_tokens":0,"cache_creation_input_tokens":2900}}}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=3000 out=1 cached=0 written=2900 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "usage in a delta", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}},"finish_reason":"stop"}]}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "usage of Gemini's names", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: {"choices":[],"usageMetadata":{"promptTokenCount":5}}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=unknown_usage`},
		{Name: "rejected predictions beside the output", Ask: asks, Body: `data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n" + `data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":10,"total_tokens":49,"completion_tokens_details":{"rejected_prediction_tokens":30}}}` + "\n" + `data: [DONE]` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=40 streamed=10 events=3@1 tokens@1-1 1:0/2`},
	})
}

func TestWholeCountsElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, openai.Embeddings(), []dialecttest.Fault{
		{Name: "tokens in the metadata", Form: ".json", Body: `{"data":[],"meta":{"tokens":{"input_tokens":28}}}`,
			Want: `complete model= finish= usage=reported in=28`},
		{Name: "usage in the envelope of a gateway", Form: ".json", Body: `{"code":0,"data":{"embeddings":[[0.1]],"usage":{"total_tokens":28}}}`,
			Want: `complete model= finish= usage=reported in=28`},
	})
}
