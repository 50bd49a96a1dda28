package anthropic_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
)

func TestFaults(t *testing.T) {
	const start = `data: {"type":"message_start","message":{"id":"msg_1","model":"claude-x","content":[],"usage":{"input_tokens":12,"cache_read_input_tokens":3,"output_tokens":1}}}` + "\n"
	const hi = `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}` + "\n"
	const end = `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}` + "\n" + `data: {"type":"message_stop"}` + "\n"
	const ask = `{"model":"claude-x","stream":true}`
	dialecttest.CheckFaults(t, anthropic.Messages(), []dialecttest.Fault{
		{Name: "an empty object", Form: ".json", Body: `{}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "null everywhere", Form: ".json", Body: `{"type":null,"content":null,"stop_reason":null,"usage":null,"model":null}`,
			Want: `complete model= finish= usage= notes=body_not_understood`},
		{Name: "null in every event", Ask: ask, Body: start + `data: {"type":"content_block_delta","index":null,"delta":null,"usage":null}` + "\n" + `data: {"type":"content_block_start","content_block":null}` + "\n" + hi + end,
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=5 cached=3 streamed=5 events=6@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings", Ask: ask, Body: start + hi + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":"5"}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=5 cached=3 streamed=5 events=4@1 tokens@1-1 1:0/2`},
		{Name: "a second start with other counts", Ask: ask, Body: start + hi + `data: {"type":"message_start","message":{"id":"msg_2","model":"claude-y","usage":{"input_tokens":40,"output_tokens":1}}}` + "\n" + hi + end,
			Want: `stream complete model=claude-x finish=stop usage=reported in=43 out=5 cached=3 streamed=5 events=6@1 tokens@1-1 1:0/2 1:0/2 notes=duplicate_message_start`},
		{Name: "a part of the prompt stays in the cache for an hour", Ask: ask, Body: `data: {"type":"message_start","message":{"id":"msg_1","model":"claude-x","content":[],"usage":{"input_tokens":12,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1}}}` + "\n" + hi + end,
			Want: `stream complete model=claude-x finish=stop usage=reported in=42 out=5 written=30 streamed=5 hour=20 events=4@1 tokens@1-1 1:0/2`},
		{Name: "deltas without a start", Ask: ask, Body: hi + end,
			Want: `stream complete model= finish=stop usage=reported out=5 streamed=5 events=3@1 tokens@1-1 1:0/2`},
		{Name: "nothing between start and stop", Ask: ask, Body: start + end,
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=5 cached=3 streamed=0 events=3@1`},
		{Name: "a stop without its reason", Ask: ask, Body: start + hi + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=claude-x finish= usage=counted in=15 out=1 cached=3 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=no_finish_reason`},
		{Name: "a reason without a stop", Ask: ask, Body: start + hi + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}` + "\n",
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=5 cached=3 streamed=5 events=3@1 tokens@1-1 1:0/2 notes=no_done`},
		{Name: "zeros in the last counts", Ask: ask, Body: start + hi + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":0,"output_tokens":5,"cache_read_input_tokens":0}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=5 cached=3 streamed=5 events=4@1 tokens@1-1 1:0/2`},
		{Name: "OpenAI's names in the counts", Ask: ask, Body: start + hi + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=claude-x finish=stop usage=counted in=15 out=1 cached=3 streamed=1 events=4@1 tokens@1-1 1:0/2 notes=unknown_usage`},
		{Name: "the stream of OpenAI instead", Ask: ask, Body: `data: {"model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}` + "\n" + `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\ndata: [DONE]\n",
			Want: `stream complete model=m finish= usage= events=2@1 notes=unknown_event_type,body_not_understood`},
		{Name: "the answer of OpenAI instead", Form: ".json", Body: `{"object":"chat.completion","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`,
			Want: `complete model= finish= usage= notes=body_not_understood,unknown_usage`},
		{Name: "an error of OpenAI's form", Ask: ask, Body: start + hi + `data: {"error":{"message":"overloaded","type":"server_error"}}` + "\n",
			Want: `stream failed model=claude-x finish= usage=counted in=15 out=1 cached=3 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=unknown_event_type`},
		{Name: "an error that is named by its event", Ask: ask, Body: start + hi + "event: error¶data: {}\n",
			Want: `stream complete failed model=claude-x finish=error usage=counted in=15 out=1 cached=3 streamed=1 events=3@1 tokens@1-1 1:0/2`},
		{Name: "an error as a text", Ask: ask, Body: start + hi + `data: upstream connect error or disconnect` + "\n",
			Want: `stream failed model=claude-x finish= usage=counted in=15 out=1 cached=3 streamed=1 events=3@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "the envelope of AWS in place of an answer", Form: ".json", Body: `{"message":"Too many tokens, please wait before trying again."}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of a gateway in place of an answer", Form: ".json", Body: `{"code":1113,"msg":"balance","success":false}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "the envelope of FastAPI", Form: ".json", Body: `{"detail":"Not authenticated"}`,
			Want: `complete failed model= finish= usage=`},
		{Name: "a page in place of events", Ask: ask, Type: "text/html", Body: `<html>busy</html>`,
			Want: `complete failed model= finish= usage= notes=body_not_understood`},
		{Name: "events called JSON", Ask: ask, Type: "application/json", Body: start + hi + end,
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=5 cached=3 streamed=5 events=4@1 tokens@1-1 1:0/2`},
		{Name: "reasons of other vendors", Ask: ask, Body: start + hi + `data: {"type":"message_delta","delta":{"stop_reason":"network_error"},"usage":{"output_tokens":5}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete failed model=claude-x finish=error usage=reported in=15 out=5 cached=3 streamed=5 events=4@1 tokens@1-1 1:0/2`},
		{Name: "a refusal", Ask: ask, Body: start + `data: {"type":"message_delta","delta":{"stop_reason":"refusal"},"usage":{"output_tokens":5}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=claude-x finish=content_filter usage=reported in=15 out=5 cached=3 streamed=0 events=3@1`},
		{Name: "an unknown delta with text", Ask: ask, Body: start + `data: {"type":"content_block_delta","index":0,"delta":{"type":"voice_delta","voice":"base64"}}` + "\n" + end,
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=5 cached=3 streamed=5 events=4@1 tokens@1-1 1:0/6 notes=unknown_content`},
		{Name: "the whole message once more", Ask: ask, Body: start + hi + hi + hi + hi + hi + hi + hi + hi + hi + `data: {"type":"message","model":"claude-x","content":[{"type":"text","text":"HiHiHiHiHiHiHiHiHi"}],"stop_reason":"end_turn","usage":{"input_tokens":12,"output_tokens":9}}` + "\n",
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=9 cached=3 streamed=9 events=11@1 tokens@1-1 1:0/2 1:0/2 1:0/2 1:0/2 1:0/2 1:0/2 1:0/2 1:0/2 1:0/2 notes=repeated_content`},
		{Name: "two streams spliced", Ask: ask, Body: start + hi + end + start + hi + end,
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=5 cached=3 streamed=5 events=8@1 tokens@1-1 1:0/2 1:0/2 notes=duplicate_message_start`},
		{Name: "cut within an event", Ask: ask, Body: start + hi + `data: {"type":"message_del`,
			Want: `stream model=claude-x finish= usage=counted in=15 out=1 cached=3 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=unterminated_event`},
		{Name: "thinking tokens beside the output", Ask: ask, Body: start + hi + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":50,"output_tokens_details":{"thinking_tokens":45}}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=claude-x finish=stop usage=reported in=15 out=50 cached=3 reasoning=45 streamed=5 events=4@1 tokens@1-1 1:0/2`},
	})
}

func TestContentElsewhere(t *testing.T) {
	dialecttest.CheckFaults(t, anthropic.Messages(), []dialecttest.Fault{
		{Name: "an unknown delta with an object", Ask: asks, Body: `data: {"type":"message_start","message":{"model":"c","usage":{"input_tokens":10,"output_tokens":1}}}` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"image_delta","source":{"type":"base64","data":"AAAA"}}}` + "\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=c finish=stop usage=reported in=10 out=7 streamed=7 events=4@1 tokens@1-1 1:0/10 notes=unknown_content`},
		{Name: "a citation", Ask: asks, Body: `data: {"type":"message_start","message":{"model":"c","usage":{"input_tokens":10,"output_tokens":1}}}` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"abc"}}}` + "\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=c finish=stop usage=reported in=10 out=7 streamed=7 events=5@1 tokens@1-1 1:0/2`},
		{Name: "a picture in a block", Ask: asks, Body: `data: {"type":"message_start","message":{"model":"c","usage":{"input_tokens":10,"output_tokens":1}}}` + "\n" + `data: {"type":"content_block_start","index":0,"content_block":{"type":"image","source":{"type":"base64","data":"AAAA"}}}` + "\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=c finish=stop usage=reported in=10 out=7 streamed=7 events=4@1 tokens@1-1 1:0/4`},
		{Name: "a result of the provider's tool", Ask: asks, Body: `data: {"type":"message_start","message":{"model":"c","usage":{"input_tokens":10,"output_tokens":1}}}` + "\n" + `data: {"type":"content_block_start","index":0,"content_block":{"type":"web_search_tool_result","content":[{"title":"t","encrypted_content":"e"}]}}` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}` + "\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=c finish=stop usage=reported in=10 out=7 streamed=7 events=5@1 tokens@1-1 1:0/2`},
		{Name: "a block once more at its end", Ask: asks, Body: `data: {"type":"message_start","message":{"model":"c","usage":{"input_tokens":10,"output_tokens":1}}}` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}` + "\n" + `data: {"type":"content_block_stop","index":0,"content_block":{"type":"text","text":"Hi"}}` + "\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=c finish=stop usage=reported in=10 out=7 streamed=7 events=5@1 tokens@1-1 1:0/2 notes=repeated_content`},
		{Name: "usage in the delta", Ask: asks, Body: `data: {"type":"message_start","message":{"model":"c","usage":{"input_tokens":10,"output_tokens":1}}}` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}` + "\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn","usage":{"output_tokens":44}}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=c finish=stop usage=reported in=10 out=44 streamed=44 events=4@1 tokens@1-1 1:0/2`},
	})
}

func TestPauses(t *testing.T) {
	dialecttest.CheckFaults(t, anthropic.Messages(), []dialecttest.Fault{
		{Name: "a pause behind a compaction", Ask: asks, Body: `data: {"type":"message_start","message":{"model":"c","usage":{"input_tokens":10,"output_tokens":1}}}` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"compaction_delta","content":"so far"}}` + "\n" + `data: {"type":"message_delta","delta":{"stop_reason":"compaction"},"usage":{"output_tokens":7}}` + "\n" + `data: {"type":"message_stop"}` + "\n",
			Want: `stream complete model=c finish=pause usage=reported in=10 out=7 streamed=7 events=4@1 tokens@1-1 1:0/6`},
	})
}
