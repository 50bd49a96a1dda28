package realtime_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/realtime"
)

func TestFaults(t *testing.T) {
	const hi = `{"type":"response.output_text.delta","response_id":"r","output_index":0,"delta":"Hi"}` + "\n"
	const end = `{"type":"response.done","response":{"id":"r","status":"completed","usage":{"total_tokens":11,"input_tokens":9,"output_tokens":2}}}` + "\n"
	dialecttest.CheckFaults(t, realtime.Realtime(), []dialecttest.Fault{
		{Name: "null everywhere", Form: ".seq", Body: `{"type":"response.created","response":null}` + "\n" + `{"type":"response.output_text.delta","output_index":null,"delta":null}` + "\n" + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings", Form: ".seq", Body: hi + `{"type":"response.done","response":{"status":"completed","usage":{"input_tokens":"9","output_tokens":"2"}}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "cut between messages", Form: ".seq", Body: hi,
			Want: `stream model= finish= usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2`},
		{Name: "a message that is no JSON", Form: ".seq", Body: hi + "upstream connect error\n",
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "a message that was cut", Form: ".seq", Body: hi + `{"type":"response.do` + "\n",
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "a message that nobody knows", Form: ".seq", Body: hi + `{"type":"vendor.hint","hint":"x"}` + "\n" + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2 notes=unknown_event_type`},
		{Name: "an answer that ends without a state", Form: ".seq", Body: hi + `{"type":"response.done","response":{"id":"r"}}` + "\n",
			Want: `stream complete model= finish=stop usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "two answers spliced", Form: ".seq", Body: hi + end + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=4@1 tokens@1-1 1:0/2 1:0/2`},
	})
}

func TestFaultsOfTranscriptions(t *testing.T) {
	const of = `{"type":"conversation.item.input_audio_transcription.`
	const hi = of + `delta","item_id":"i","delta":"Hi"}` + "\n"
	const end = of + `completed","item_id":"i","transcript":"Hi","usage":{"type":"tokens","total_tokens":11,"input_tokens":9,"output_tokens":2}}` + "\n"
	dialecttest.CheckFaults(t, realtime.Transcription(), []dialecttest.Fault{
		{Name: "null everywhere", Form: ".seq", Body: of + `delta","item_id":null,"delta":null}` + "\n" + hi + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2`},
		{Name: "counts as strings", Form: ".seq", Body: hi + of + `completed","usage":{"input_tokens":"9","output_tokens":"2"}}` + "\n",
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:0/2`},
		{Name: "a message that was cut", Form: ".seq", Body: hi + of + "comp\n",
			Want: `stream failed model= finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/2 notes=invalid_json`},
		{Name: "a message that nobody knows", Form: ".seq", Body: hi + of + `hint","hint":"x"}` + "\n" + end,
			Want: `stream complete model= finish=stop usage=reported in=9 out=2 streamed=2 events=3@1 tokens@1-1 1:0/2 notes=unknown_event_type`},
	})
}
