package responses_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
)

const asks = `{"model":"gpt-x","stream":true}`

func suite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: responses.HTTP(), Cases: []dialecttest.Case{
		{Name: "hidden reasoning is not streamed", File: "http_text.sse", Ask: asks,
			Want: `stream complete model=gpt-x finish=stop usage=reported in=9 out=74 cached=3 written=0 reasoning=64 streamed=10 events=11@1 tokens@8-9 8:0/2 9:0/6`},
		{Name: "tool call, and the output of a hosted tool", File: "http_tools.sse", Ask: asks,
			Want: `stream complete model=gpt-x finish=tool_calls usage=reported in=40 out=18 cached=0 written=0 reasoning=0 streamed=18 events=7@1 tokens@2-4 2:0/8 3:0/7 4:0/7`},
		{Name: "error, nested", File: "http_error.sse", Ask: asks,
			Want: `stream complete failed model=gpt-x finish=error usage=counted out=1 streamed=1 events=4@1 tokens@2-2 2:0/2`},
		{Name: "error, flat", File: "http_error_flat.sse", Ask: asks,
			Want: `stream complete failed model=gpt-x finish=error usage= events=2@1`},
		{Name: "incomplete", File: "http_incomplete.sse", Ask: asks,
			Want: `stream complete model=gpt-x finish=length usage=reported in=9 out=16 cached=0 written=0 reasoning=0 streamed=16 events=3@1 tokens@2-2 2:0/2`},
		{Name: "a summary of the reasoning", File: "http_summary.sse", Ask: asks,
			Want: `stream complete model=gpt-x finish=stop usage=reported in=9 out=66 cached=0 written=0 reasoning=64 events=4@1 tokens@2-3 answer@3 2:0/12 3:0/2`},
		{Name: "streamed reasoning", File: "http_reasoning.sse", Ask: asks,
			Want: `stream complete model=gpt-x finish=stop usage=reported in=9 out=66 cached=0 written=0 reasoning=64 streamed=66 events=4@1 tokens@2-3 answer@3 2:0/2 3:0/2`},
		{Name: "a subset", File: "http_subset.sse", Ask: asks,
			Want: `stream complete model=local finish=stop usage=reported in=5 out=2 streamed=2 events=4@1 tokens@2-2 2:0/2`},
		{Name: "cut", File: "http_cut.sse", Ask: asks,
			Want: `stream model= finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:0/2 2:0/4`},
		{Name: "replay", File: "http_incomplete.sse",
			Want: `stream complete replay model=gpt-x finish=length usage=reported in=9 out=16 cached=0 written=0 reasoning=0 streamed=16 events=3@1 tokens@2-2 2:0/2 notes=replay`,
			Head: dialect.Head{Method: "GET", Path: "/v1/responses/resp_1", Query: "stream=true&starting_after=0"}},
		{Name: "times of vLLM", File: "http_vllm_metrics.sse", Ask: asks,
			Want: `stream complete model=llama-3 finish=stop usage=reported in=9 out=2 cached=0 reasoning=0 streamed=2 engine=12.3ms/85.2ms/1.2405s events=4@1 tokens@2-3 2:0/2 3:0/6`},
		{Name: "times of vLLM, not streamed", File: "http_vllm_metrics.json",
			Want: `complete model=llama-3 finish=stop usage=reported in=9 out=2 cached=0 reasoning=0 engine=12.3ms/85.2ms/1.2405s`},
		{Name: "not streamed", File: "http_text.json",
			Want: `complete model=gpt-x finish=stop usage=reported in=9 out=2 cached=0 written=0 reasoning=0`},
		{Name: "not streamed, tool call", File: "http_tools.json",
			Want: `complete model=gpt-x finish=tool_calls usage=reported in=9 out=2 cached=0 written=0 reasoning=0`},
		{Name: "in the background", File: "http_queued.json",
			Want: `complete model=gpt-x finish= usage=`},
		{Name: "failed", File: "http_failed.json",
			Want: `complete failed model=gpt-x finish=error usage=`},
		{Name: "a text without deltas", File: "http_done_only.sse", Ask: asks,
			Want: `stream complete model=m finish=stop usage=reported in=20 out=30 reasoning=0 streamed=30 events=5@1 tokens@2-2 2:0/15`},
		{Name: "a call without deltas", File: "http_item_only.sse", Ask: asks,
			Want: `stream complete model=m finish=stop usage=reported in=20 out=30 reasoning=0 streamed=30 events=4@1 tokens@2-3 2:0/4 3:0/7`},
		{Name: "everything in the last event", File: "http_completed_only.sse", Ask: asks,
			Want: `stream complete model=m finish=stop usage=reported in=20 out=30 reasoning=0 streamed=30 events=2@1 tokens@2-2 2:30/15`},
		{Name: "texts in full behind their deltas", File: "http_repeated.sse", Ask: asks,
			Want: `stream complete model=m finish=stop usage=reported in=20 out=30 reasoning=0 streamed=30 events=7@1 tokens@2-3 2:0/8 3:0/7`},
		{Name: "a picture", File: "http_image.sse", Ask: asks,
			Want: `stream complete model=m finish=stop usage=reported in=20 out=30 reasoning=0 streamed=30 events=6@1 tokens@4-4 4:0/12`},
		{Name: "an unknown event", File: "http_unknown.sse", Ask: asks,
			Want: `stream complete model=m finish=stop usage=reported in=20 out=30 reasoning=0 streamed=30 events=4@1 tokens@3-3 3:0/2 notes=unknown_event_type`},
	}}
}

// websocketSuite has the answers in sessions.
func websocketSuite() dialecttest.Suite {
	const asks = `{"type":"response.create","model":"gpt-x","input":"Hi"}`
	return dialecttest.Suite{Dialect: responses.WebSocket(), Cases: []dialecttest.Case{
		{Name: "text", File: "websocket_text.seq", Ask: asks,
			Want: `stream complete model=gpt-x finish=stop usage=reported in=9 out=12 cached=3 reasoning=4 streamed=8 events=4@1 tokens@2-3 2:0/2 3:0/6`},
		{Name: "in a lane", File: "websocket_lane.seq", Ask: asks,
			Want: `stream complete model=gpt-x finish=length usage=reported in=9 out=12 cached=3 reasoning=4 streamed=8 events=3@1 tokens@2-2 2:0/2`},
		{Name: "error", File: "websocket_error.seq", Ask: asks,
			Want: `stream complete failed model=gpt-x finish=error usage=counted out=1 streamed=1 events=3@1 tokens@2-2 2:0/2`},
		{Name: "error in place of an answer", File: "websocket_refused.seq", Ask: asks,
			Want: `stream complete failed model= finish=error usage= events=1@1`},
		{Name: "the client gave it up", File: "websocket_canceled.seq", Ask: asks,
			Want: `stream complete canceled model=gpt-x finish= usage=counted out=1 streamed=1 events=3@1 tokens@2-2 2:0/2`},
		{Name: "cut", File: "websocket_cut.seq", Ask: asks,
			Want: `stream model=gpt-x finish= usage=counted out=1 streamed=1 events=2@1 tokens@2-2 2:0/2`},
	}}
}

func realtimeSuite() dialecttest.Suite {
	const asks = `{"type":"response.create","response":{"instructions":"Hi"}}`
	return dialecttest.Suite{Dialect: responses.Realtime(), Cases: []dialecttest.Case{
		{Name: "sound and its transcript", File: "realtime_audio.seq", Ask: asks,
			Want: `stream complete model= finish=stop usage=reported in=132 out=121 cached=64 streamed=121 events=8@1 tokens@3-6 3:0/3 4:0/8 5:0/2 6:0/4`},
		{Name: "reasoning among sound and text", File: "realtime_details.seq", Ask: asks,
			Want: `stream complete model= finish=stop usage=reported in=132 out=121 cached=64 reasoning=20 streamed=101 events=8@1 tokens@3-6 3:0/3 4:0/8 5:0/2 6:0/4`},
		{Name: "the names of the beta", File: "realtime_beta.seq", Ask: asks,
			Want: `stream complete model= finish=stop usage=reported in=132 out=121 cached=64 streamed=121 events=6@1 tokens@3-4 3:0/3 4:0/8`},
		{Name: "a tool call", File: "realtime_call.seq", Ask: asks,
			Want: `stream complete model= finish=tool_calls usage=reported in=132 out=121 cached=64 streamed=121 events=5@1 tokens@2-3 2:0/7 3:0/7`},
		{Name: "the user speaks in between", File: "realtime_bargein.seq", Ask: asks,
			Want: `stream complete canceled model= finish= usage=reported in=132 out=20 cached=64 streamed=20 events=5@1 tokens@3-4 3:0/3 4:0/8`},
		{Name: "incomplete", File: "realtime_incomplete.seq", Ask: asks,
			Want: `stream complete model= finish=content_filter usage=reported in=132 out=121 cached=64 streamed=121 events=4@1 tokens@3-3 3:0/3`},
		{Name: "failed", File: "realtime_failed.seq", Ask: asks,
			Want: `stream complete failed model= finish=error usage= events=2@1`},
		{Name: "error in place of an answer", File: "realtime_error.seq", Ask: asks,
			Want: `stream complete failed model= finish=error usage= events=1@1`},
	}}
}

func transcriptionSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: responses.Transcription(), Cases: []dialecttest.Case{
		{Name: "usage in tokens", File: "transcription_tokens.seq",
			Want: `stream complete model= finish=stop usage=reported in=17 out=9 streamed=9 events=3@1 tokens@1-2 1:0/6 2:0/4`},
		{Name: "usage in seconds", File: "transcription_seconds.seq",
			Want: `stream complete model= finish=stop usage= events=2@1 tokens@1-1 1:0/10 notes=usage_in_seconds`},
		{Name: "without deltas", File: "transcription_whole.seq",
			Want: `stream complete model= finish=stop usage=reported in=17 out=9 streamed=9 events=1@1 tokens@1-1 1:9/10`},
		{Name: "in segments", File: "transcription_segments.seq",
			Want: `stream complete model= finish=stop usage=reported in=17 out=9 streamed=9 events=3@1 tokens@1-2 1:0/6 2:0/3`},
		{Name: "of nothing", File: "transcription_silence.seq",
			Want: `stream complete model= finish=stop usage=reported in=17 out=9 streamed=0 events=1@1`},
		{Name: "failed", File: "transcription_failed.seq",
			Want: `stream complete failed model= finish=error usage= events=1@1`},
		{Name: "cut", File: "transcription_cut.seq",
			Want: `stream model= finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:0/6 2:0/4`},
	}}
}

func TestResponses(t *testing.T) { suite().Check(t) }

func TestWebSocket(t *testing.T) { websocketSuite().Check(t) }

func TestRealtime(t *testing.T) { realtimeSuite().Check(t) }

func TestTranscription(t *testing.T) { transcriptionSuite().Check(t) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	for name, suite := range map[string]dialecttest.Suite{"HTTP": suite(), "WebSocket": websocketSuite(), "Realtime": realtimeSuite(), "transcription": transcriptionSuite()} {
		t.Run(name, suite.CheckChunking)
	}
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) { suite().CheckLineEnds(t) }

func FuzzResponses(f *testing.F) { suite().Fuzz(f) }

func FuzzWebSocket(f *testing.F) { websocketSuite().Fuzz(f) }

func FuzzRealtime(f *testing.F) { realtimeSuite().Fuzz(f) }

func FuzzTranscription(f *testing.F) { transcriptionSuite().Fuzz(f) }

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		name                      string
		method, path, query, body string
		want                      dialect.Ask
	}{
		{"OpenAI", "POST", "/v1/responses", "", `{"model":"m","stream":true}`,
			dialect.Ask{Dialect: "openai-responses", Operation: "chat", Provider: "openai", Model: "m", Stream: true}},
		{"Azure", "POST", "/openai/responses", "api-version=2025-04-01-preview", `{"model":"d"}`,
			dialect.Ask{Dialect: "openai-responses", Operation: "chat", Provider: "azure.ai.openai", Model: "d"}},
		{"Realtime", "GET", "/v1/realtime", "model=gpt-realtime", "",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "openai", Model: "gpt-realtime", Stream: true}},
		{"Realtime at Azure, whose path others have too", "GET", "/openai/v1/realtime", "model=voice", "",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "openai", Model: "voice", Stream: true}},
		{"Realtime at Azure, before v1", "GET", "/openai/realtime", "api-version=2025-04-01-preview&deployment=voice", "",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "azure.ai.openai", Model: "voice", Stream: true}},
		{"Realtime of DashScope", "GET", "/api-ws/v1/realtime", "model=qwen-omni", "",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "openai", Model: "qwen-omni", Stream: true}},
		{"Realtime of Zhipu", "GET", "/api/paas/v4/realtime", "", "",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "openai", Stream: true}},
		{"transcription", "GET", "/v1/realtime", "intent=transcription", "",
			dialect.Ask{Dialect: "openai-realtime-transcription", Operation: "transcription", Provider: "openai", Stream: true}},
		{"transcription at Azure", "GET", "/openai/v1/realtime", "intent=transcription&deployment=scribe", "",
			dialect.Ask{Dialect: "openai-realtime-transcription", Operation: "transcription", Provider: "openai", Model: "scribe", Stream: true}},
		{"replay", "GET", "/v1/responses/resp_1", "stream=true&starting_after=3", ``,
			dialect.Ask{Dialect: "openai-responses", Operation: "chat", Provider: "openai", Stream: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &dialect.Head{Method: c.method, Path: c.path, Query: c.query}
			if strings.HasSuffix(c.path, "/realtime") {
				h.Upgrade = "websocket"
			}
			d := responses.Dialects().Match(h)
			if d == nil {
				t.Fatal("no dialect matches")
			}
			dec := d.NewDecoder(h)
			for _, p := range dialecttest.Cut([]byte(c.body), rand.New(rand.NewPCG(1, 1)), 5) {
				dec.Request(p)
			}
			if got := dec.Ask(); got != c.want {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestNoDialectMatches(t *testing.T) {
	for _, h := range []dialect.Head{
		{Method: "POST", Path: "/v1/responses/compact"},
		{Method: "POST", Path: "/v1/responses/input_tokens"},
		{Method: "GET", Path: "/v1/responses/resp_1"},
		{Method: "GET", Path: "/v1/responses/resp_1", Query: "stream=false"},
		{Method: "GET", Path: "/v1/responses/resp_1/input_items", Query: "stream=true"},
		{Method: "GET", Path: "/v1/responses"},
		{Method: "POST", Path: "/v1/chat/completions"},
	} {
		if responses.Dialects().Match(&h) != nil {
			t.Errorf("%s %s?%s was matched", h.Method, h.Path, h.Query)
		}
	}
}
