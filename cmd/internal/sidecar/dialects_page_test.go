package sidecar_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

const dialectsHead = `# APIs that headway reads

headway goes by the method, the path and the shape of a request, and never by its host. So it also reads servers that imitate an API: vLLM,
SGLang, llama.cpp, Groq, Mistral, DeepSeek and OpenRouter speak OpenAI's, for example. Anything may stand before the paths below. headway
forwards requests to other paths, and times them, but does not read them.

The first token is the first event of a stream that has one of the listed values, and the value is not empty: an empty delta, a role or a
ping is no token. TTFT ends with it ([definitions.md](definitions.md)). The counts of tokens come from where the API reports them; if it
reports none, headway counts one token a chunk, or the tokens that a chunk itself numbers.

The provider is that of the upstream's host, where the host is one that headway knows (` + "`api.groq.com` is `groq`" + `); otherwise it is the software that
a response gives away (` + "`vllm`, `sglang`, `llama_cpp`, `ollama`, `tgi`" + `), or the provider whose API it is.

A session is a WebSocket in which the client asks for one answer after another; each is an exchange of its own
([definitions.md](definitions.md#exchanges-of-a-session)). headway reads the sessions of OpenAI's Responses and Realtime, and of Gemini
Live. Other WebSockets pass as tunnels. Anthropic's API has no sessions.

This page follows from the code: ` + "`go generate ./cmd/internal/sidecar`" + ` writes it.

| dialect | operation | a request is | first token | counts of tokens | a stream ends with |
| --- | --- | --- | --- | --- | --- |
`

// docs/dialects.md has a row for every dialect.
func TestDialectsPage(t *testing.T) {
	var page strings.Builder
	page.WriteString(dialectsHead)
	names := map[string]bool{}
	for _, d := range sidecar.Dialects() {
		api, ok := d.(*reading.API)
		if !ok {
			t.Fatalf("%T is described nowhere", d)
		}
		if names[api.Name] {
			t.Errorf("two dialects are called %s", api.Name)
		}
		names[api.Name] = true
		g := api.Guide
		if g.Request == "" || g.Usage == "" || g.Reference == "" || api.Operation.Generates() && (g.FirstToken == "" || g.End == "") {
			t.Errorf("%s: the guide has gaps: %+v", api.Name, g)
		}
		fmt.Fprintf(&page, "| [`%s`](%s) | `%s` | %s | %s | %s | %s |\n",
			api.Name, g.Reference, api.Operation, g.Request, orDash(g.FirstToken), g.Usage, orDash(g.End))
	}
	golden.Check(t, "../../../docs/dialects.md", page.String())
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
