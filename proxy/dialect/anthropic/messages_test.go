package anthropic_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const asks = `{"model":"claude-x","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Hi"}]}`

func messagesSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: anthropic.Messages(), Cases: []dialecttest.Case{
		{Name: "text", File: "messages.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=912 out=30 cached=900 written=0 streamed=30 events=8@1 tokens@4-5 4:0/2 5:0/11`},
		{Name: "streamed thinking", File: "messages_thinking.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=60 out=25 cached=0 written=20 reasoning=20 streamed=25 events=10@1 tokens@3-7 answer@7 3:0/11 7:0/2`},
		{Name: "hidden thinking", File: "messages_thinking_hidden.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=912 out=64 cached=900 written=0 reasoning=60 streamed=4 events=12@1 tokens@9-9 9:0/2`},
		{Name: "the name of a tool is the first token of its call", File: "messages_tools.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=tool_calls usage=reported in=912 out=54 cached=900 written=0 streamed=54 events=11@1 tokens@3-8 3:0/7 5:0/11 7:0/14 8:0/2`},
		{Name: "the result of a tool of the server is not generated", File: "messages_server_tools.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=pause usage=reported in=1800 out=41 cached=900 written=0 streamed=41 events=12@1 tokens@2-9 2:0/10 3:0/13 9:0/6`},
		{Name: "the last counts replace the first", File: "messages_corrected.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=17330 out=3 cached=0 written=17269 streamed=3 events=6@1 tokens@3-3 3:0/3`},
		{Name: "cut", File: "messages_cut.sse", Ask: asks,
			Want: `stream model=claude-x-20260101 finish= usage=counted in=912 out=2 cached=900 written=0 streamed=2 events=4@1 tokens@3-4 3:0/2 4:0/6`},
		{Name: "cut before the first token", File: "messages_cut_early.sse", Ask: asks,
			Want: `stream model=claude-x-20260101 finish= usage=running in=912 cached=900 written=0 events=2@1`},
		{Name: "cut before the last event", File: "messages_cut_end.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=length usage=reported in=912 out=2 cached=900 written=0 streamed=2 events=5@1 tokens@3-3 3:0/2 notes=no_done`},
		{Name: "an error in the stream", File: "messages_error.sse", Ask: asks,
			Want: `stream complete failed model=claude-x-20260101 finish=error usage=counted in=912 out=1 cached=900 written=0 streamed=1 events=4@1 tokens@3-3 3:0/2`},
		{Name: "an error behind a running count", File: "messages_error_running.sse", Ask: asks,
			Want: `stream complete failed model=claude-x-20260101 finish=error usage=counted in=1412 out=3 cached=900 written=500 streamed=3 events=7@1 tokens@3-6 3:0/2 4:0/6 6:0/4`},
		{Name: "several ends of the message", File: "messages_deltas.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=912 out=7 cached=900 written=0 streamed=7 events=7@1 tokens@3-3 3:0/2`},
		{Name: "counts of the cache alone", File: "messages_cache_only.sse", Ask: asks,
			Want: `stream model=claude-x-20260101 finish= usage=running cached=900 events=1@1`},
		{Name: "two streams spliced into one", File: "messages_spliced.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=920 out=9 cached=900 written=0 streamed=9 events=9@1 tokens@3-6 3:0/2 6:0/5 notes=duplicate_message_start`},
		{Name: "a refusal without content", File: "messages_refusal.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=content_filter usage=reported in=912 out=7 cached=900 written=0 streamed=0 events=3@1`},
		{Name: "the context window is full", File: "messages_window.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=length usage=reported in=912 out=2 cached=900 written=0 streamed=2 events=6@1 tokens@3-3 3:0/2`},
		{Name: "a gateway without event names, and with a terminator", File: "messages_gateway.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=9 out=2 streamed=2 events=7@1 tokens@3-4 3:0/2 4:0/4`},
		{Name: "an unknown event", File: "messages_unknown.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=912 out=1 cached=900 written=0 streamed=1 events=7@1 tokens@4-4 4:0/2 notes=unknown_event_type`},
		{Name: "null in place of counts", File: "messages_null.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=5 out=1 streamed=1 events=7@1 tokens@3-3 3:0/2`},
		{Name: "a whole message as the only event", File: "messages_whole.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=tool_calls usage=reported in=12 out=54 reasoning=11 streamed=54 events=1@1 tokens@1-1 1:54/19`},
		{Name: "a compaction of the conversation", File: "messages_compaction.sse", Ask: asks,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=912 out=5 streamed=5 events=6@1 tokens@3-3 3:0/13`},
		{Name: "more thinking than output, not streamed", File: "messages_thinking_over.json",
			Want: `complete model=claude-x-20260101 finish=tool_calls usage=reported in=12 out=54 reasoning=54 notes=reasoning_over_output`},
		{Name: "not streamed", File: "messages.json",
			Want: `complete model=claude-x-20260101 finish=stop usage=reported in=917 out=30 cached=900 written=5`},
		{Name: "not streamed, thinking and a tool", File: "messages_tools.json",
			Want: `complete model=claude-x-20260101 finish=tool_calls usage=reported in=12 out=54 reasoning=11`},
		{Name: "an error", File: "messages_error.json", Ask: asks, Status: 529,
			Want: `complete failed model= finish= usage=`},
		{Name: "an error with status 200", File: "messages_error_200.json",
			Want: `complete failed model= finish= usage=`},
	}}
}

func bedrockSuite() dialecttest.Suite {
	head := dialect.Head{Method: "POST", Path: "/model/us.anthropic.claude-x%3A0/invoke-with-response-stream"}
	return dialecttest.Suite{Dialect: anthropic.Bedrock(), Cases: []dialecttest.Case{
		{Name: "text", File: "bedrock.wrapped", Head: head,
			Want: `stream complete model=claude-x-20260101 finish=stop usage=reported in=16 out=18 streamed=18 engine=0s/1.608s/0s events=6@1 tokens@3-3 3:0/8`},
		{Name: "an exception in the stream", File: "bedrock_exception.wrapped", Head: head,
			Want: `stream failed model=claude-x-20260101 finish= usage=counted in=16 out=1 streamed=1 events=4@1 tokens@3-3 3:0/8`},
		{Name: "cut", File: "bedrock_cut.wrapped", Head: head,
			Want: `stream model=claude-x-20260101 finish= usage=counted in=16 out=1 streamed=1 events=3@1 tokens@3-3 3:0/8`},
		{Name: "not streamed", File: "messages.json",
			Want: `complete model=claude-x-20260101 finish=stop usage=reported in=917 out=30 cached=900 written=5`},
	}}
}

func TestBedrock(t *testing.T) { bedrockSuite().Check(t) }

func FuzzBedrock(f *testing.F) { bedrockSuite().Fuzz(f) }

// The Messages API of Vertex AI differs in its request only.
func TestVertex(t *testing.T) {
	h := &dialect.Head{Method: "POST", Path: "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@20260101:streamRawPredict"}
	decoder := anthropic.Vertex().NewDecoder(h)
	decoder.Request([]byte(`{"anthropic_version":"vertex-2023-10-16","max_tokens":1,"messages":[]}`))
	want := dialect.Ask{Dialect: "anthropic-vertex", Operation: exchange.Chat, Provider: "gcp.vertex_ai", Model: "claude-x@20260101", Stream: true}
	if got := decoder.Ask(); got != want {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestMessages(t *testing.T) { messagesSuite().Check(t) }

func FuzzMessages(f *testing.F) { messagesSuite().Fuzz(f) }
