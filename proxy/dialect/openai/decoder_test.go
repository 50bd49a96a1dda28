package openai_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// exchangeCase is one exchange: a response from testdata to a request, and what is
// to be understood of it, as describe has it. Its events come a millisecond apart.
type exchangeCase struct {
	name   string
	file   string
	ask    string
	head   dialect.Head
	status int // 200 unless told
	want   string
}

// respond is the head of the case with that of its response.
func (c exchangeCase) respond() *dialect.Head {
	h := c.head
	h.Response = dialect.Response{Status: max(c.status, 200), ContentType: "application/json"}
	if strings.HasSuffix(c.file, ".sse") {
		h.Response.ContentType = "text/event-stream"
	}
	return &h
}

func run(t *testing.T, d dialect.Dialect, cases []exchangeCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body := testdata(t, c.file)
			dec := d.NewDecoder(c.respond())
			dec.Request([]byte(c.ask))
			for i, p := range bytes.SplitAfter(body, []byte("\n\n")) {
				dec.Feed(p, time.Duration(i+1)*time.Millisecond)
			}
			if got, want := describe(dec.Close()), strings.Fields(c.want); got != strings.Join(want, " ") {
				t.Errorf("%s\n got %s\nwant %s", c.file, got, strings.Join(want, " "))
			}
		})
	}
}

func testdata(t testing.TB, file string) []byte {
	body, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// describe renders a reply, on one line: what is left out was not there.
func describe(r dialect.Reply) string {
	b := &strings.Builder{}
	for _, flag := range []struct {
		name string
		set  bool
	}{{"stream", r.Stream}, {"complete", r.Complete}, {"failed", r.Failed}, {"replay", r.Replay}} {
		if flag.set {
			fmt.Fprintf(b, "%s ", flag.name)
		}
	}
	fmt.Fprintf(b, "model=%s finish=%s usage=%s", r.Model, strings.Join(r.FinishReasons, ","), r.Usage.Source)
	for _, count := range []struct {
		name string
		exchange.Count
	}{
		{"in", r.Usage.Input}, {"out", r.Usage.Output}, {"cached", r.Usage.CacheRead}, {"written", r.Usage.CacheWrite},
		{"reasoning", r.Usage.Reasoning}, {"streamed", r.Usage.Streamed},
	} {
		if count.Known {
			fmt.Fprintf(b, " %s=%d", count.name, count.N)
		}
	}
	if e := r.Engine; e != (exchange.Engine{}) {
		fmt.Fprintf(b, " engine=%v/%v/%v", e.Queue, e.Prefill, e.Decode)
	}
	if r.Events > 0 {
		fmt.Fprintf(b, " events=%d@%d", r.Events, r.FirstEvent.Milliseconds())
	}
	if r.Chunks.Count > 0 {
		fmt.Fprintf(b, " tokens@%d-%d", r.FirstToken.Milliseconds(), r.LastToken.Milliseconds())
	}
	for c := range r.Chunks.All() { // when, its tokens where they are known, its bytes
		fmt.Fprintf(b, " %d:%d/%d", c.At.Milliseconds(), c.Tokens, c.Bytes)
	}
	if len(r.Notes) > 0 {
		fmt.Fprintf(b, " notes=%s", strings.Join(r.Notes, ","))
	}
	return b.String()
}

// families are the cases of each API, for what holds of all of them.
func families() map[string]struct {
	dialect dialect.Dialect
	cases   []exchangeCase
} {
	return map[string]struct {
		dialect dialect.Dialect
		cases   []exchangeCase
	}{
		"chat":        {openai.Chat(), chatCases},
		"completions": {openai.Completions(), completionsCases},
		"responses":   {openai.Responses(), responsesCases},
		"embeddings":  {openai.Embeddings(), embeddingsCases},
	}
}

// decode reads an exchange whose response comes in pieces, all at one time.
func decode(d dialect.Dialect, head *dialect.Head, ask [][]byte, response [][]byte) dialect.Reply {
	dec := d.NewDecoder(head)
	again(ask, dec.Request)
	again(response, func(p []byte) { dec.Feed(p, time.Millisecond) })
	return dec.Close()
}

// again feeds pieces in a buffer that is used again, as a connection's is.
func again(pieces [][]byte, feed func(p []byte)) {
	var buf []byte
	for _, p := range pieces {
		buf = append(buf[:0], p...)
		feed(buf)
		for i := range buf {
			buf[i] = '#'
		}
	}
}

// cut cuts p into pieces of random length, of up to most bytes.
func cut(p []byte, r *rand.Rand, most int) (pieces [][]byte) {
	for len(p) > 0 {
		n := min(len(p), 1+r.IntN(most))
		pieces = append(pieces, p[:n])
		p = p[n:]
	}
	return pieces
}

// checkChunking decodes an exchange in one piece and in many, and wants the same.
func checkChunking(t *testing.T, d dialect.Dialect, head *dialect.Head, ask, response []byte, r *rand.Rand) {
	t.Helper()
	want := decode(d, head, [][]byte{ask}, [][]byte{response})
	for _, most := range []int{1, 4, 40, 700} {
		got := decode(d, head, cut(ask, r, most), cut(response, r, most))
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q\nin pieces of up to %d bytes\n got %s\nwant %s", response, most, describe(got), describe(want))
		}
	}
}

func TestReplyDoesNotDependOnChunking(t *testing.T) {
	for name, family := range families() {
		for _, c := range family.cases {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				r := rand.New(rand.NewPCG(3, 3))
				body := testdata(t, c.file)
				for range 20 {
					checkChunking(t, family.dialect, c.respond(), []byte(c.ask), body, r)
				}
			})
		}
	}
}

func TestReplyDoesNotDependOnLineEnds(t *testing.T) {
	for name, family := range families() {
		for _, c := range family.cases {
			if !strings.HasSuffix(c.file, ".sse") {
				continue
			}
			t.Run(name+"/"+c.name, func(t *testing.T) {
				body := testdata(t, c.file)
				want := decode(family.dialect, c.respond(), nil, [][]byte{body})
				for _, end := range []string{"\r\n", "\r"} {
					ended := bytes.ReplaceAll(body, []byte("\n"), []byte(end))
					got := decode(family.dialect, c.respond(), nil, [][]byte{[]byte("\uFEFF"), ended})
					if !reflect.DeepEqual(got, want) {
						t.Errorf("line ends %q\n got %s\nwant %s", end, describe(got), describe(want))
					}
				}
			})
		}
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
		{"text that looks like events", "text/plain", "data centre down\n\n", "complete model= finish= usage= notes=not_streamed,body_not_understood", 200},
		{"a stream that ended at once", "text/event-stream", "", "model= finish= usage=", 200},
		{"a stream of comments", "text/event-stream", ": a\n\n: b\n\n", "stream model= finish= usage=", 200},
		{"a document that was cut", "application/json", document[:40], "model=m finish= usage= notes=not_streamed", 200},
		{"an error that says nothing", "", "", "complete failed model= finish= usage=", 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &dialect.Head{Response: dialect.Response{Status: c.status, ContentType: c.contentType}}
			got := describe(decode(openai.Chat(), h, [][]byte{[]byte(`{"stream":true}`)}, [][]byte{[]byte(c.body)}))
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
		{"Azure Responses", "POST", "/openai/responses", "api-version=2025-04-01-preview", `{"model":"d"}`,
			dialect.Ask{Dialect: "openai-responses", Operation: "chat", Provider: "azure.ai.openai", Model: "d"}},
		{"a vendor that is not Azure", "POST", "/openai/v1/chat/completions", "", `{"model":"d"}`,
			dialect.Ask{Dialect: "openai-chat", Operation: "chat", Provider: "openai", Model: "d"}},
		{"completions", "POST", "/v1/completions", "", `{"model":"d","prompt":[1,2,3],"stream":true}`,
			dialect.Ask{Dialect: "openai-completions", Operation: "text_completion", Provider: "openai", Model: "d", Stream: true}},
		{"embeddings", "POST", "/v1/embeddings", "", `{"input":["a"],"model":"e"}`,
			dialect.Ask{Dialect: "openai-embeddings", Operation: exchange.Embeddings, Provider: "openai", Model: "e"}},
		{"replay", "GET", "/v1/responses/resp_1", "stream=true&starting_after=3", ``,
			dialect.Ask{Dialect: "openai-responses", Operation: "chat", Provider: "openai", Stream: true}},
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
			for _, p := range cut([]byte(c.body), rand.New(rand.NewPCG(1, 1)), 5) {
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
		{Method: "POST", Path: "/v1/responses/compact"},
		{Method: "POST", Path: "/v1/responses/input_tokens"},
		{Method: "GET", Path: "/v1/responses/resp_1"},
		{Method: "GET", Path: "/v1/responses/resp_1", Query: "stream=false"},
		{Method: "GET", Path: "/v1/responses/resp_1/input_items", Query: "stream=true"},
		{Method: "GET", Path: "/v1/responses"},
		{Method: "POST", Path: "/api/embeddings"},
		{Method: "POST", Path: "/v1/notcompletions"},
	} {
		if openai.Dialects().Match(&h) != nil {
			t.Errorf("%s %s?%s was matched", h.Method, h.Path, h.Query)
		}
	}
}
