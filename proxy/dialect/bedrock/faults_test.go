package bedrock_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/bedrock"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
)

func TestConverseFaults(t *testing.T) {
	head := dialect.Head{Method: "POST", Path: "/model/m/converse-stream"}
	const start = "messageStart\t" + `{"role":"assistant"}` + "\n"
	const hi = "contentBlockDelta\t" + `{"contentBlockIndex":0,"delta":{"text":"Hi"},"p":"abc"}` + "\n"
	const stop = "messageStop\t" + `{"stopReason":"end_turn"}` + "\n"
	const meta = "metadata\t" + `{"usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11},"metrics":{"latencyMs":5}}` + "\n"
	dialecttest.CheckFaults(t, bedrock.Converse(), []dialecttest.Fault{
		{Name: "metadata without a stop", Head: head, Form: ".frames", Body: start + hi + meta,
			Want: `stream model= finish= usage=running in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2`},
		{Name: "metadata before the stop", Head: head, Form: ".frames", Body: start + hi + meta + stop,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:0/2`},
		{Name: "metrics behind the counts", Head: head, Form: ".frames", Body: start + hi + stop + meta + "metadata\t" + `{"metrics":{"latencyMs":7}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=5@1 tokens@1-1 1:0/2`},
		{Name: "an output that is malformed", Head: head, Form: ".frames", Body: start + hi + "messageStop\t" + `{"stopReason":"malformed_model_output"}` + "\n" + meta,
			Want: `stream complete failed model= finish=error usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:0/2`},
		{Name: "an end without an answer", Head: head, Form: ".frames", Body: start + stop + "metadata\t" + `{"usage":{"inputTokens":0,"outputTokens":0,"totalTokens":0}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=0 out=0 streamed=0 events=3@1`},
		{Name: "an exception after the stop", Head: head, Form: ".frames", Body: start + hi + stop + "!internalServerException\t" + `{"message":"x"}` + "\n",
			Want: `stream complete failed model= finish=stop usage=counted out=1 streamed=1 events=4@1 tokens@1-1 1:0/2 notes=no_done`},
		{Name: "an exception at once", Head: head, Form: ".frames", Body: "!throttlingException\t" + `{"message":"Too many requests"}` + "\n",
			Want: `stream failed model= finish= usage= events=1@1`},
		{Name: "null everywhere", Head: head, Form: ".frames", Body: start + "contentBlockDelta\t" + `{"contentBlockIndex":null,"delta":null}` + "\n" + hi + stop + "metadata\t" + `{"usage":null,"metrics":null}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=5@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings", Head: head, Form: ".frames", Body: start + hi + stop + "metadata\t" + `{"usage":{"inputTokens":"9","outputTokens":"2","totalTokens":"11"}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:0/2`},
		{Name: "an error as JSON", Head: head, Form: ".json", Body: `{"message":"The security token is expired"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "a redacted thought", Head: head, Form: ".frames", Body: start + "contentBlockDelta\t" + `{"delta":{"reasoningContent":{"redactedContent":"abc"}}}` + "\n" + hi + stop + meta,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=5@1 tokens@1-1 1:0/2`},
		{Name: "a citation and a tool's result", Head: head, Form: ".frames", Body: start + "contentBlockDelta\t" + `{"delta":{"citation":{"title":"x"}}}` + "\n" + hi + stop + meta,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=5@1 tokens@1-1 1:0/2`},
		{Name: "events of another form", Head: head, Type: "text/event-stream", Body: "data: {}\n",
			Want: `stream complete model= finish= usage= events=1@1 notes=unknown_event_type,body_not_understood`},
	})
}

func TestInvokeFaults(t *testing.T) {
	head := dialect.Head{Method: "POST", Path: "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fabc/invoke-with-response-stream"}
	dialecttest.CheckFaults(t, bedrock.Invoke(), []dialecttest.Fault{
		{Name: "Claude behind a profile", Head: head, Form: ".wrapped", Body: "chunk\t" + `{"type":"message_start","message":{"model":"claude-x","usage":{"input_tokens":9,"cache_read_input_tokens":3,"output_tokens":1}}}` + "\n" +
			"chunk\t" + `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}` + "\n" +
			"chunk\t" + `{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}}` + "\n" +
			"chunk\t" + `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5,"output_tokens_details":{"thinking_tokens":3}}}` + "\n" +
			"chunk\t" + `{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":9,"outputTokenCount":5,"firstByteLatency":100}}` + "\n",
			Want: `stream complete model=claude-x finish=stop usage=reported in=12 out=5 cached=3 reasoning=3 streamed=5 engine=0s/100ms/0s events=5@1 tokens@1-1 1:0/2 1:0/2`},
		{Name: "Claude behind a profile, whole", Form: ".json", Body: `{"type":"message","model":"claude-x","content":[{"type":"text","text":"Hi"}],"stop_reason":"max_tokens","usage":{"input_tokens":9,"output_tokens":5}}`,
			Want: `complete model=claude-x finish=length usage=reported in=9 out=5`},
		{Name: "an error of Claude's in the stream", Head: head, Form: ".wrapped", Body: "chunk\t" + `{"type":"error","error":{"type":"overloaded_error"}}` + "\n",
			Want: `stream failed model= finish= usage= events=1@1`},
		{Name: "reasoning of gpt-oss, whole", Form: ".json", Body: `{"choices":[{"finish_reason":"stop","index":0,"message":{"content":"<reasoning>Hm</reasoning>Hi","role":"assistant"}}],"model":"openai.gpt-oss","usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}}`,
			Want: `complete model=openai.gpt-oss finish=stop usage=reported in=9 out=5`},
		{Name: "a legacy completion", Head: head, Form: ".wrapped", Body: "chunk\t" + `{"completion":"Hi","stop_reason":null}` + "\n" + "chunk\t" + `{"completion":"","stop_reason":"stop_sequence","amazon-bedrock-invocationMetrics":{"inputTokenCount":9,"outputTokenCount":2}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "float counts", Form: ".json", Body: `{"inputTextTokenCount":28.0,"results":[{"tokenCount":3.0,"outputText":"Hi","completionReason":"FINISH"}]}`,
			Want: `complete model= finish=stop usage=reported in=28 out=3`},
		{Name: "a guardrail on every chunk", Head: head, Form: ".wrapped", Body: "chunk\t" + `{"outputText":"No.","amazon-bedrock-guardrailAction":"INTERVENED","completionReason":"FINISH"}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/3`},
	})
}

func TestFramesOfAnotherType(t *testing.T) {
	head := dialect.Head{Method: "POST", Path: "/model/m/converse-stream"}
	dialecttest.CheckFaults(t, bedrock.Converse(), []dialecttest.Fault{
		{Name: "frames called bytes", Head: head, Form: ".frames", Type: "application/octet-stream",
			Body: "contentBlockDelta\t" + `{"delta":{"text":"Hi"}}` + "\n" + "messageStop\t" + `{"stopReason":"end_turn"}` + "\n" + "metadata\t" + `{"usage":{"inputTokens":5,"outputTokens":7,"totalTokens":12}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=5 out=7 streamed=7 events=3@1 tokens@1-1 1:0/2`},
	})
}
