package sidecar_test

import (
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/probe/modelsim"
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// simulated are requests to APIs of the simulator. All ask for 24 tokens.
var simulated = []struct{ name, path, body string }{
	{"chat", "/v1/chat/completions", `{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":24,"messages":[{"role":"user","content":"Hi"}]}`},
	{"responses", "/v1/responses", `{"model":"m","stream":true,"max_output_tokens":24,"input":"Hi"}`},
	{"messages", "/v1/messages", `{"model":"m","stream":true,` + claude},
	{"claude of vertex", "/v1/projects/p/locations/l/publishers/anthropic/models/m:streamRawPredict", `{` + claude},
	{"claude of vertex, whole", "/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", `{` + claude},
	{"claude of bedrock", "/model/anthropic.m/invoke-with-response-stream", `{` + claude},
	{"claude of bedrock, whole", "/model/anthropic.m/invoke", `{` + claude},
	{"llama of bedrock", "/model/m/invoke-with-response-stream", `{"prompt":"Hi","max_gen_len":24}`},
	{"llama of bedrock, whole", "/model/m/invoke", `{"prompt":"Hi","max_gen_len":24}`},
	{"converse", "/model/m/converse-stream", converse},
	{"converse, whole", "/model/m/converse", converse},
	{"gemini as events", "/v1beta/models/m:streamGenerateContent?alt=sse", gemini},
	{"gemini as an array", "/v1beta/models/m:streamGenerateContent", gemini},
	{"gemini, whole", "/v1beta/models/m:generateContent", gemini},
	{"gemini of vertex", "/v1/projects/p/locations/l/publishers/google/models/m:streamGenerateContent?alt=sse", gemini},
	{"ollama", "/api/chat", `{"model":"m",` + ollama},
	{"ollama, whole", "/api/chat", `{"model":"m","stream":false,` + ollama},
	{"ollama generate", "/api/generate", `{"model":"m","prompt":"Hi","think":true,"options":{"num_predict":24}}`},
}

const (
	schema   = `{"type":"object","required":["color"]}`
	claude   = `"max_tokens":24,"messages":[{"role":"user","content":"Hi"}],"thinking":{"type":"adaptive"},"tools":[{"name":"paint","input_schema":` + schema + `}],"tool_choice":{"type":"auto"}}`
	converse = `{"messages":[{"role":"user","content":[{"text":"Hi"}]}],"inferenceConfig":{"maxTokens":24},"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":9}},` +
		`"toolConfig":{"tools":[{"toolSpec":{"name":"paint","inputSchema":{"json":` + schema + `}}}],"toolChoice":{"auto":{}}}}`
	gemini = `{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{"maxOutputTokens":24,"thinkingConfig":{"includeThoughts":true}},` +
		`"tools":[{"functionDeclarations":[{"name":"paint","parameters":` + schema + `}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}}`
	ollama = `"messages":[{"role":"user","content":"Hi"}],"think":true,"options":{"num_predict":24},"tools":[{"type":"function","function":{"name":"paint","parameters":` + schema + `}}]}`
)

// Every API of the simulator is read as what it is, and the reply is the ground truth.
func TestRepliesAreTheGroundTruthOfTheSimulator(t *testing.T) {
	sim := newSimulator(t)
	for _, c := range simulated {
		t.Run(c.name, func(t *testing.T) {
			reply, x := exchangeWith(t, sim, c.path, c.body, "")
			checkAsk(t, reply.Ask, x)
			if !reply.Complete || reply.Failed || len(reply.Notes) > 0 || !slices.Equal(reply.FinishReasons, x.FinishReasons) {
				t.Errorf("reply %s, finished by %v in truth", dialecttest.Describe(reply), x.FinishReasons)
			}
			if x.Stream && reply.Chunks.Count != len(x.Chunks) {
				t.Errorf("%d content chunks of %d", reply.Chunks.Count, len(x.Chunks))
			}
			u := reply.Usage
			for _, count := range []struct {
				name string
				got  exchange.Count
				want int
				tell bool // every API tells it
			}{
				{"input", u.Input, x.PromptTokens, true}, {"output", u.Output, x.OutputTokens, true},
				{"cached", u.CacheRead, x.CachedTokens, false}, {"written", u.CacheWrite, x.CacheWriteTokens, false},
				{"reasoning", u.Reasoning, x.ReasoningTokens, false},
			} {
				if (count.got.Known || count.tell) && count.got != exchange.Known(int64(count.want)) {
					t.Errorf("%s tokens %+v, want %d", count.name, count.got, count.want)
				}
			}
		})
	}
}

// An error in a stream fails the reply in every API, whatever form it has.
func TestRepliesFailWithTheSimulator(t *testing.T) {
	sim := newSimulator(t)
	for _, c := range simulated {
		t.Run(c.name, func(t *testing.T) {
			reply, x := exchangeWith(t, sim, c.path, c.body, "error=503@3")
			checkAsk(t, reply.Ask, x)
			if !reply.Failed || x.Stream && reply.Chunks.Count != len(x.Chunks) {
				t.Errorf("reply %s, with %d chunks in truth", dialecttest.Describe(reply), len(x.Chunks))
			}
		})
	}
}

func newSimulator(t *testing.T) *modelsim.Server {
	t.Helper()
	sim, err := modelsim.New(modelsim.FastConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	return sim
}

// exchangeWith makes a request and returns the reply that its dialect reads, and the
// ground truth. The bytes of the response come in pieces.
func exchangeWith(t *testing.T, sim *modelsim.Server, path, body, fault string) (dialect.Reply, modelsim.Exchange) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("X-Sim-Fault", fault)
	w := httptest.NewRecorder()
	sim.Handler().ServeHTTP(w, r)
	media, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	head := &dialect.Head{
		Method: http.MethodPost, Path: target.EscapedPath(), Query: target.RawQuery, Header: exchange.Header(func(func(_, _ []byte) bool) {}),
		Response: dialect.Response{Status: w.Code, ContentType: media},
	}
	found := sidecar.Dialects().Match(head)
	if found == nil {
		t.Fatalf("no dialect for %s", path)
	}
	pieces := slices.Collect(slices.Chunk(w.Body.Bytes(), 41))
	return dialecttest.Decode(found, head, [][]byte{[]byte(body)}, pieces), sim.Exchanges(1)[0]
}

func checkAsk(t *testing.T, ask dialect.Ask, x modelsim.Exchange) {
	t.Helper()
	got := fmt.Sprint(ask.Dialect, ask.Operation, ask.Model, ask.Stream)
	if want := fmt.Sprint(x.Dialect, exchange.Operation(x.Operation), x.Model, x.Stream && x.Status == http.StatusOK); got != want {
		t.Errorf("asked %s, in truth %s", got, want)
	}
}
