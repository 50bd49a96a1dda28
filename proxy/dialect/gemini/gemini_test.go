package gemini_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/gemini"
)

func generateSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: gemini.Generate(), Cases: []dialecttest.Case{
		{Name: "server-sent events, with thoughts that only the counts show", File: "generate.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete model=gemini-x finish=stop usage=reported in=9 out=194 reasoning=185 streamed=9 events=3@1 tokens@1-1 1:5/15 1:4/9`},
		{Name: "thoughts in the stream", File: "generate_thoughts.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete model=gemini-x finish=stop usage=reported in=9 out=41 reasoning=40 streamed=41 events=3@1 tokens@1-3 answer@3 1:0/12 2:0/6 3:0/1`},
		{Name: "a tool", File: "generate_tool.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete model=gemini-x finish=tool_calls usage=reported in=9 out=12 reasoning=0 streamed=12 events=2@1 tokens@1-1 1:12/4`},
		{Name: "cut", File: "generate_cut.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream model=gemini-x finish= usage=running in=9 out=2 streamed=2 events=1@1 tokens@1-1 1:2/5`},
		{Name: "an error in the stream", File: "generate_error.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream failed model=gemini-x finish= usage=running in=9 out=2 streamed=2 events=2@1 tokens@1-1 1:2/5`},
		{Name: "a blocked prompt", File: "generate_blocked.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete model=gemini-x finish=content_filter usage=reported in=9 events=1@1`},
		{Name: "the last count of the prompt counts", File: "generate_prompt_changes.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete model=gemini-x finish=stop usage=reported in=788 out=2 cached=100 streamed=2 events=2@1 tokens@1-2 1:1/2 2:1/1`},
		{Name: "a malformed call", File: "generate_malformed.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete failed model=gemini-x finish=error usage=reported in=9 events=1@1`},
		{Name: "a first chunk without counts", File: "generate_traffic.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete model=gemini-x finish=stop usage=reported in=4 out=2 streamed=2 events=2@1 tokens@1-2 1:0/2 2:0/4`},
		{Name: "an array", File: "generate.array", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete model=gemini-x finish=stop usage=reported in=4 out=2 streamed=2 events=2@22 tokens@22-46 22:1/2 46:1/4`},
		{Name: "an array with numbers for names", File: "generate_enums.array", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete model=gemini-x finish=length usage=reported in=4 out=2 streamed=2 events=2@1 tokens@1-2 1:0/2 2:0/3`},
		{Name: "an error in an array", File: "generate_error.array", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete failed model= finish= usage= events=1@1`},
		{Name: "one candidate of two", File: "generate_tool.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"}, Ask: `{"generationConfig":{"candidateCount":2}}`,
			Want: `stream model=gemini-x finish=tool_calls usage=running in=9 out=12 reasoning=0 streamed=12 events=2@1 tokens@1-1 1:12/4`},
		{Name: "one candidate of two, in the other spelling", File: "generate_tool.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"}, Ask: `{"generation_config":{"candidate_count":2}}`,
			Want: `stream model=gemini-x finish=tool_calls usage=running in=9 out=12 reasoning=0 streamed=12 events=2@1 tokens@1-1 1:12/4`},
		{Name: "not streamed", File: "generate.json",
			Want: `complete model=gemini-x finish=stop usage=reported in=4 out=32 reasoning=30`},
		{Name: "sound and pictures, of which the cache gave a part", File: "generate_modalities.sse", Head: dialect.Head{Method: "POST", Path: "/v1beta/models/gemini-x:streamGenerateContent"},
			Want: `stream complete model=gemini-x finish=stop usage=reported in=1000 out=30 cached=420 streamed=30 audio=80 image=258 spoken=20 events=2@1 tokens@1-2 1:0/2 2:0/7`},
		{Name: "sound and pictures in the other spelling, numbers for names", File: "generate_spelling.json",
			Want: `complete model=gemini-x finish=stop usage=reported in=300 out=2 audio=20 image=258 notes=negative_count`},
		{Name: "several candidates", File: "generate_candidates.json",
			Want: `complete model=gemini-x finish=stop,content_filter usage=reported in=4 out=2`},
		{Name: "an error", File: "error.json", Status: 429,
			Want: `complete failed model= finish= usage=`},
	}}
}

func TestGenerate(t *testing.T) { generateSuite().Check(t) }

func FuzzGenerate(f *testing.F) { generateSuite().Fuzz(f) }

func embedSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: gemini.Embed(), Cases: []dialecttest.Case{
		{Name: "embeddings", File: "embed.json",
			Want: `complete model= finish= usage=reported in=7`},
	}}
}

func TestEmbed(t *testing.T) { embedSuite().Check(t) }

func FuzzEmbed(f *testing.F) { embedSuite().Fuzz(f) }

func interactionsSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: gemini.Interactions(), Cases: []dialecttest.Case{
		{Name: "text", File: "interactions.sse", Ask: `{"model":"gemini-x","stream":true}`,
			Want: `stream complete model=gemini-x finish=stop usage=reported in=11 out=23 cached=0 reasoning=20 streamed=3 events=7@1 tokens@4-5 4:0/2 5:0/4`},
		{Name: "an error in the stream", File: "interactions_error.sse", Ask: `{"model":"gemini-x","stream":true}`,
			Want: `stream complete failed model=gemini-x finish=error usage= events=2@1`},
		{Name: "cut", File: "interactions_cut.sse", Ask: `{"model":"gemini-x","stream":true}`,
			Want: `stream model=gemini-x finish= usage=running in=11 out=1 streamed=1 events=2@1 tokens@2-2 2:1/2`},
		{Name: "not streamed", File: "interactions.json",
			Want: `complete model=gemini-x finish=stop usage=reported in=11 out=23 cached=0 reasoning=20`},
		{Name: "sound, of which the cache gave a part", File: "interactions_modalities.json",
			Want: `complete model=gemini-x finish=stop usage=reported in=121 out=23 cached=64 reasoning=20 audio=46 spoken=2`},
	}}
}

func TestInteractions(t *testing.T) { interactionsSuite().Check(t) }

func FuzzInteractions(f *testing.F) { interactionsSuite().Fuzz(f) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	generateSuite().CheckChunking(t)
	embedSuite().CheckChunking(t)
	interactionsSuite().CheckChunking(t)
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) {
	generateSuite().CheckLineEnds(t)
	embedSuite().CheckLineEnds(t)
	interactionsSuite().CheckLineEnds(t)
}
