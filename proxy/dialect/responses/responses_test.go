package responses_test

import (
	"math/rand/v2"
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

func TestResponses(t *testing.T) { suite().Check(t) }

func TestWebSocket(t *testing.T) { websocketSuite().Check(t) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	for name, suite := range map[string]dialecttest.Suite{"HTTP": suite(), "WebSocket": websocketSuite()} {
		t.Run(name, suite.CheckChunking)
	}
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) { suite().CheckLineEnds(t) }

func FuzzResponses(f *testing.F) { suite().Fuzz(f) }

func FuzzWebSocket(f *testing.F) { websocketSuite().Fuzz(f) }

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
		{"replay", "GET", "/v1/responses/resp_1", "stream=true&starting_after=3", ``,
			dialect.Ask{Dialect: "openai-responses", Operation: "chat", Provider: "openai", Stream: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &dialect.Head{Method: c.method, Path: c.path, Query: c.query}
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
