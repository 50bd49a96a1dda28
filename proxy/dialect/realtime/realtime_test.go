package realtime_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/realtime"
)

func suite() dialecttest.Suite {
	const asks = `{"type":"response.create","response":{"instructions":"Hi"}}`
	return dialecttest.Suite{Dialect: realtime.Realtime(), Cases: []dialecttest.Case{
		{Name: "sound and its transcript", File: "realtime_audio.seq", Ask: asks,
			Want: `stream complete model= finish=stop usage=reported in=132 out=121 cached=64 streamed=121 audio=13 spoken=91 events=8@1 tokens@3-6 3:0/3 4:0/8 5:0/2 6:0/4`},
		{Name: "reasoning among sound and text", File: "realtime_details.seq", Ask: asks,
			Want: `stream complete model= finish=stop usage=reported in=132 out=121 cached=64 reasoning=20 streamed=101 audio=13 spoken=91 events=8@1 tokens@3-6 3:0/3 4:0/8 5:0/2 6:0/4`},
		{Name: "sound and pictures, of which the cache gave a part", File: "realtime_cached.seq", Ask: asks,
			Want: `stream complete model= finish=stop usage=reported in=132 out=121 cached=64 reasoning=20 streamed=101 audio=33 image=16 spoken=91 events=8@1 tokens@3-6 3:0/3 4:0/8 5:0/2 6:0/4`},
		{Name: "the names of the beta", File: "realtime_beta.seq", Ask: asks,
			Want: `stream complete model= finish=stop usage=reported in=132 out=121 cached=64 streamed=121 audio=13 spoken=91 events=6@1 tokens@3-4 3:0/3 4:0/8`},
		{Name: "a tool call", File: "realtime_call.seq", Ask: asks,
			Want: `stream complete model= finish=tool_calls usage=reported in=132 out=121 cached=64 streamed=121 audio=13 spoken=91 events=5@1 tokens@2-3 2:0/7 3:0/7`},
		{Name: "the user speaks in between", File: "realtime_bargein.seq", Ask: asks,
			Want: `stream complete canceled model= finish= usage=reported in=132 out=20 cached=64 streamed=20 audio=13 spoken=91 events=5@1 tokens@3-4 3:0/3 4:0/8`},
		{Name: "incomplete", File: "realtime_incomplete.seq", Ask: asks,
			Want: `stream complete model= finish=content_filter usage=reported in=132 out=121 cached=64 streamed=121 audio=13 spoken=91 events=4@1 tokens@3-3 3:0/3`},
		{Name: "failed", File: "realtime_failed.seq", Ask: asks,
			Want: `stream complete failed model= finish=error usage= events=2@1`},
		{Name: "error in place of an answer", File: "realtime_error.seq", Ask: asks,
			Want: `stream complete failed model= finish=error usage= events=1@1`},
	}}
}

func transcriptionSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: realtime.Transcription(), Cases: []dialecttest.Case{
		{Name: "usage in tokens", File: "transcription_tokens.seq",
			Want: `stream complete model= finish=stop usage=reported in=17 out=9 streamed=9 audio=17 events=3@1 tokens@1-2 1:0/6 2:0/4`},
		{Name: "usage in seconds", File: "transcription_seconds.seq",
			Want: `stream complete model= finish=stop usage= events=2@1 tokens@1-1 1:0/10 notes=usage_in_seconds`},
		{Name: "without deltas", File: "transcription_whole.seq",
			Want: `stream complete model= finish=stop usage=reported in=17 out=9 streamed=9 audio=17 events=1@1 tokens@1-1 1:9/10`},
		{Name: "in segments", File: "transcription_segments.seq",
			Want: `stream complete model= finish=stop usage=reported in=17 out=9 streamed=9 audio=17 events=3@1 tokens@1-2 1:0/6 2:0/3`},
		{Name: "of nothing", File: "transcription_silence.seq",
			Want: `stream complete model= finish=stop usage=reported in=17 out=9 streamed=0 audio=17 events=1@1`},
		{Name: "failed", File: "transcription_failed.seq",
			Want: `stream complete failed model= finish=error usage= events=1@1`},
		{Name: "cut", File: "transcription_cut.seq",
			Want: `stream model= finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:0/6 2:0/4`},
	}}
}

func TestRealtime(t *testing.T) { suite().Check(t) }

func TestTranscription(t *testing.T) { transcriptionSuite().Check(t) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	t.Run("Realtime", suite().CheckChunking)
	t.Run("transcription", transcriptionSuite().CheckChunking)
}

func FuzzRealtime(f *testing.F) { suite().Fuzz(f) }

func FuzzTranscription(f *testing.F) { transcriptionSuite().Fuzz(f) }

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		name, path, query string
		want              dialect.Ask
	}{
		{"Realtime", "/v1/realtime", "model=gpt-realtime",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "openai", Model: "gpt-realtime", Stream: true}},
		{"Realtime at Azure, whose path others have too", "/openai/v1/realtime", "model=voice",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "openai", Model: "voice", Stream: true}},
		{"Realtime at Azure, before v1", "/openai/realtime", "api-version=2025-04-01-preview&deployment=voice",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "azure.ai.openai", Model: "voice", Stream: true}},
		{"Realtime of DashScope", "/api-ws/v1/realtime", "model=qwen-omni",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "openai", Model: "qwen-omni", Stream: true}},
		{"Realtime of Zhipu", "/api/paas/v4/realtime", "",
			dialect.Ask{Dialect: "openai-realtime", Operation: "chat", Provider: "openai", Stream: true}},
		{"transcription", "/v1/realtime", "intent=transcription",
			dialect.Ask{Dialect: "openai-realtime-transcription", Operation: "transcription", Provider: "openai", Stream: true}},
		{"transcription at Azure", "/openai/v1/realtime", "intent=transcription&deployment=scribe",
			dialect.Ask{Dialect: "openai-realtime-transcription", Operation: "transcription", Provider: "openai", Model: "scribe", Stream: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &dialect.Head{Method: "GET", Path: c.path, Query: c.query, Upgrade: "websocket"}
			d := realtime.Dialects().Match(h)
			if d == nil {
				t.Fatal("no dialect matches")
			}
			if got := d.NewDecoder(h).Ask(); got != c.want {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestNoDialectMatches(t *testing.T) {
	for _, h := range []dialect.Head{
		{Method: "GET", Path: "/v1/realtime"},
		{Method: "POST", Path: "/v1/realtime/client_secrets"},
		{Method: "GET", Path: "/v1/responses", Upgrade: "websocket"},
	} {
		if realtime.Dialects().Match(&h) != nil {
			t.Errorf("%s %s was matched", h.Method, h.Path)
		}
	}
}
