package ollama_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/ollama"
)

func chatSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: ollama.Chat(), Cases: []dialecttest.Case{
		{Name: "text", File: "chat.ndjson", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `stream complete model=llama3 finish=stop usage=reported in=26 out=5 streamed=5 engine=6ms/130ms/423ms events=3@1 tokens@1-2 1:0/3 2:0/2`},
		{Name: "thinking", File: "chat_thinking.ndjson", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `stream complete model=llama3 finish=stop usage=reported in=26 out=5 streamed=5 engine=6ms/130ms/423ms events=3@1 tokens@1-2 answer@2 1:0/3 2:0/2`},
		{Name: "a tool", File: "chat_tool.ndjson", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `stream complete model=llama3 finish=tool_calls usage=reported in=26 out=5 streamed=5 engine=6ms/130ms/423ms events=2@1 tokens@1-1 1:0/4`},
		{Name: "cut", File: "chat_cut.ndjson", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `stream model=llama3 finish= usage=counted out=2 streamed=2 events=2@1 tokens@1-2 1:0/3 2:0/2`},
		{Name: "an error in the stream", File: "chat_error.ndjson", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `stream failed model=llama3 finish= usage=counted out=1 streamed=1 events=2@1 tokens@1-1 1:0/3`},
		{Name: "a model is loaded", File: "chat_load.ndjson", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `stream complete model=llama3 finish=stop usage= events=1@1`},
		{Name: "no reason", File: "chat_old.ndjson", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `stream complete model=llama3 finish=stop usage=reported in=26 out=1 streamed=1 events=2@1 tokens@1-1 1:0/2`},
		{Name: "not streamed", File: "chat.json", Ask: `{"model":"llama3","stream":false}`,
			Want: `complete model=llama3 finish=stop usage=reported in=26 out=5 engine=6ms/130ms/423ms`},
		{Name: "not streamed, with a tool", File: "chat_tool.json", Ask: `{"model":"llama3","stream":false}`,
			Want: `complete model=llama-x finish=tool_calls usage=reported in=42 out=8 engine=0s/14.2ms/77ms`},
		{Name: "an application of the same path", File: "chat_of_an_app.sse", Ask: `{"model":"llama3","stream":false}`,
			Want: `stream complete model= finish= usage= events=3@1 notes=body_not_understood`},
		{Name: "an error", File: "error.json", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`, Status: 404,
			Want: `complete failed model= finish= usage=`},
		{Name: "an error with status 200", File: "error.json", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `complete failed model= finish= usage=`},
	}}
}

func TestChat(t *testing.T) { chatSuite().Check(t) }

func FuzzChat(f *testing.F) { chatSuite().Fuzz(f) }

func generateSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: ollama.Generate(), Cases: []dialecttest.Case{
		{Name: "text", File: "generate.ndjson", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `stream complete model=llama3 finish=stop usage=reported in=26 out=5 streamed=5 engine=6ms/130ms/423ms events=3@1 tokens@1-2 1:0/3 2:0/2`},
	}}
}

func TestGenerate(t *testing.T) { generateSuite().Check(t) }

func FuzzGenerate(f *testing.F) { generateSuite().Fuzz(f) }

func embedSuite() dialecttest.Suite {
	return dialecttest.Suite{Dialect: ollama.Embed(), Cases: []dialecttest.Case{
		{Name: "embeddings", File: "embed.json", Ask: `{"model":"llama3","messages":[{"role":"user","content":"\"stream\":false"}]}`,
			Want: `complete model=e finish= usage=reported in=8`},
	}}
}

func TestEmbed(t *testing.T) { embedSuite().Check(t) }

func FuzzEmbed(f *testing.F) { embedSuite().Fuzz(f) }

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	chatSuite().CheckChunking(t)
	generateSuite().CheckChunking(t)
	embedSuite().CheckChunking(t)
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) {
	chatSuite().CheckLineEnds(t)
	generateSuite().CheckLineEnds(t)
	embedSuite().CheckLineEnds(t)
}
