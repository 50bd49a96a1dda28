package openai_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// suites are the cases of each API, for the promises that all of them keep.
func suites() map[string]dialecttest.Suite {
	return map[string]dialecttest.Suite{
		"chat": chatSuite(), "completions": completionsSuite(), "embeddings": embeddingsSuite(),
	}
}

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	for name, suite := range suites() {
		t.Run(name, suite.CheckChunking)
	}
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) {
	for name, suite := range suites() {
		t.Run(name, suite.CheckLineEnds)
	}
}

// Whisper bills a transcript by the duration of its sound.
func TestTranscriptBilledByItsDuration(t *testing.T) {
	head := &dialect.Head{Method: "POST", Path: "/v1/audio/transcriptions", Response: dialect.Response{Status: 200, ContentType: "application/json"}}
	body := []byte(`{"text":"Hello, how","usage":{"type":"duration","seconds":2.5}}`)
	got := dialecttest.Describe(dialecttest.Decode(openai.Dialects().Match(head), head, nil, [][]byte{body}))
	if want := "complete model= finish= usage= notes=usage_in_seconds"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// FirstToken is when the event was whole, not when it began.
func TestEventIsStampedWhenWhole(t *testing.T) {
	dec := openai.Chat().NewDecoder(&dialect.Head{Response: dialect.Response{Status: 200, ContentType: "text/event-stream"}})
	for i, p := range []string{
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: {\"choices\":[{\"ind",
		"ex\":0,\"delta\":{\"content\":\"Hi\"}}]}\n",
		"\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"!\"}}]}\n\n",
	} {
		dec.Feed([]byte(p), time.Duration(i+1)*time.Second)
	}
	r := dec.Close()
	if r.FirstEvent != time.Second || r.FirstToken != 3*time.Second || r.LastToken != 3*time.Second || r.Chunks.Count != 3 {
		t.Errorf("first event %v, first token %v, last token %v, %d chunks", r.FirstEvent, r.FirstToken, r.LastToken, r.Chunks.Count)
	}
}

func TestFormOfTheResponse(t *testing.T) {
	const event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
	const document = `{"model":"m","choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]}`
	for _, c := range []struct {
		name, contentType, body, want string
		status                        int
	}{
		{"events without a content type", "", event, "stream complete model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2", 200},
		{"events called JSON", "application/json", "\n\n" + event, "stream complete model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2", 200},
		{"comments first", "", ": wait\n\n" + event, "stream complete model= finish=stop usage=counted out=1 streamed=1 events=1@1 tokens@1-1 1:0/2", 200},
		{"a document called a stream", "text/event-stream", document, "complete model=m finish=stop usage= notes=not_streamed", 200},
		{"an error instead of a stream", "text/event-stream", `{"error":{"message":"no"}}`, "complete failed model= finish= usage=", 200},
		{"an error as text", "text/plain", "internal error", "complete failed model= finish= usage= notes=body_not_understood", 500},
		{"text that looks like events", "text/plain", "data centre down\n\n", "complete failed model= finish= usage= notes=body_not_understood", 200},
		{"a stream that ended at once", "text/event-stream", "", "model= finish= usage=", 200},
		{"a stream of comments", "text/event-stream", ": a\n\n: b\n\n", "stream model= finish= usage=", 200},
		{"a document that was cut", "application/json", document[:40], "model=m finish= usage= notes=not_streamed", 200},
		{"an error that says nothing", "", "", "complete failed model= finish= usage=", 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &dialect.Head{Response: dialect.Response{Status: c.status, ContentType: c.contentType}}
			got := dialecttest.Describe(dialecttest.Decode(openai.Chat(), h, [][]byte{[]byte(`{"stream":true}`)}, [][]byte{[]byte(c.body)}))
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		name                      string
		method, path, query, body string
		want                      dialect.Ask
	}{
		{"chat", "POST", "/v1/chat/completions", "", `{"messages":[{"role":"user","content":"\"stream\":true"}],"model":"gpt-x","stream":true}`,
			dialect.Ask{Dialect: "openai-chat", Operation: "chat", Provider: "openai", Model: "gpt-x", Stream: true}},
		{"chat behind any prefix", "POST", "/inference/v1/chat/completions/", "", `{"stream":false,"model":"m\u00e9"}`,
			dialect.Ask{Dialect: "openai-chat", Operation: "chat", Provider: "openai", Model: "mé"}},
		{"Azure deployment", "POST", "/openai/deployments/gpt4-prod/chat/completions", "api-version=2024-10-21", `{"stream":true}`,
			dialect.Ask{Dialect: "openai-chat", Operation: "chat", Provider: "azure.ai.openai", Model: "gpt4-prod", Stream: true}},
		{"Azure deployment whose name has no end", "POST", "/openai/deployments/" + strings.Repeat("g", 300) + "/chat/completions", "", `{}`,
			dialect.Ask{Dialect: "openai-chat", Operation: "chat", Provider: "azure.ai.openai", Model: strings.Repeat("g", 256)}},
		{"a vendor that is not Azure", "POST", "/openai/v1/chat/completions", "", `{"model":"d"}`,
			dialect.Ask{Dialect: "openai-chat", Operation: "chat", Provider: "openai", Model: "d"}},
		{"completions", "POST", "/v1/completions", "", `{"model":"d","prompt":[1,2,3],"stream":true}`,
			dialect.Ask{Dialect: "openai-completions", Operation: "text_completion", Provider: "openai", Model: "d", Stream: true}},
		{"embeddings", "POST", "/v1/embeddings", "", `{"input":["a"],"model":"e"}`,
			dialect.Ask{Dialect: "openai-embeddings", Operation: exchange.Embeddings, Provider: "openai", Model: "e"}},
		{"a body that is no JSON", "POST", "/v1/chat/completions", "", "\x28\xb5\x2f\xfd\x00",
			dialect.Ask{Dialect: "openai-chat", Operation: "chat", Provider: "openai"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &dialect.Head{Method: c.method, Path: c.path, Query: c.query}
			d := openai.Dialects().Match(h)
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
		{Method: "GET", Path: "/v1/chat/completions"},
		{Method: "POST", Path: "/v1/chat/completions/chatcmpl-1"},
		{Method: "GET", Path: "/v1/models"},
		{Method: "POST", Path: "/v1/messages"},
		{Method: "POST", Path: "/api/embeddings"},
		{Method: "POST", Path: "/v1/notcompletions"},
	} {
		if openai.Dialects().Match(&h) != nil {
			t.Errorf("%s %s?%s was matched", h.Method, h.Path, h.Query)
		}
	}
}
