package cohere_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/cohere"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
)

func chatSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: cohere.Chat(), Cases: []dialecttest.Case{
		{Name: "text", File: "chat.sse", Ask: `{"model":"command","stream":true}`,
			Want: `stream complete model= finish=stop usage=reported in=66 out=4 cached=10 streamed=4 events=6@1 tokens@3-4 3:0/2 4:0/4`},
		{Name: "a tool", File: "chat_tool.sse", Ask: `{"model":"command","stream":true}`,
			Want: `stream complete model= finish=tool_calls usage=reported in=66 out=4 streamed=4 events=6@1 tokens@2-4 2:0/6 3:0/4 4:0/2`},
		{Name: "thinking", File: "chat_thinking.sse", Ask: `{"model":"command","stream":true}`,
			Want: `stream complete model= finish=length usage=reported in=66 out=4 reasoning=2 streamed=4 events=4@1 tokens@2-3 answer@3 2:0/2 3:0/2`},
		{Name: "cut", File: "chat_cut.sse", Ask: `{"model":"command","stream":true}`,
			Want: `stream model= finish= usage=counted out=2 streamed=2 events=4@1 tokens@3-4 3:0/2 4:0/4`},
		{Name: "an error in the stream", File: "chat_error.sse", Ask: `{"model":"command","stream":true}`,
			Want: `stream complete failed model= finish=error usage=counted out=1 streamed=1 events=4@1 tokens@3-3 3:0/2`},
		{Name: "not streamed", File: "chat.json",
			Want: `complete model= finish=stop usage=reported in=66 out=4`},
		{Name: "an error", File: "error.json", Status: 401,
			Want: `complete failed model= finish= usage=`},
		{Name: "an error with status 200", File: "error.json",
			Want: `complete failed model= finish= usage=`},
	}}
}

func TestChat(t *testing.T) { chatSuite().Check(t) }

func FuzzChat(f *testing.F) { chatSuite().Fuzz(f) }

func oldChatSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: cohere.OldChat(), Cases: []dialecttest.Case{
		{Name: "lines", File: "old_chat.ndjson", Ask: `{"model":"command","stream":true}`,
			Want: `stream complete model= finish=stop usage=reported in=66 out=2 streamed=2 events=4@1 tokens@2-3 2:0/2 3:0/4`},
		{Name: "not streamed", File: "old_chat.json",
			Want: `complete model= finish=stop usage=reported in=66 out=1`},
		{Name: "another API at the same path", File: "writer_chat.sse", Ask: `{"model":"command","stream":true}`,
			Want: `stream complete model=palmyra finish=stop usage=reported in=5 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
	}}
}

func TestOldChat(t *testing.T) { oldChatSuite().Check(t) }

func FuzzOldChat(f *testing.F) { oldChatSuite().Fuzz(f) }

func embedSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: cohere.Embed(), Cases: []dialecttest.Case{
		{Name: "embeddings", File: "embed.json",
			Want: `complete model= finish= usage=reported in=3`},
	}}
}

func TestEmbed(t *testing.T) { embedSuite().Check(t) }

func FuzzEmbed(f *testing.F) { embedSuite().Fuzz(f) }

func rerankSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: cohere.Rerank(), Cases: []dialecttest.Case{
		{Name: "rerank", File: "rerank.json",
			Want: `complete model= finish= usage=`},
	}}
}

func TestRerank(t *testing.T) { rerankSuite().Check(t) }

func FuzzRerank(f *testing.F) { rerankSuite().Fuzz(f) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	chatSuite().CheckChunking(t)
	oldChatSuite().CheckChunking(t)
	embedSuite().CheckChunking(t)
	rerankSuite().CheckChunking(t)
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) {
	chatSuite().CheckLineEnds(t)
	oldChatSuite().CheckLineEnds(t)
	embedSuite().CheckLineEnds(t)
	rerankSuite().CheckLineEnds(t)
}
