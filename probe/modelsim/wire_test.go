package modelsim_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func quote(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func telling(c *modelsim.Config) { c.TellMetrics = true }

func TestWireShape(t *testing.T) {
	const messages = `"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Name a color."}]}]`
	const brief = `"system":"Be brief.","messages":[{"role":"user","content":[{"type":"text","text":"Name a color."}]}]`
	const tools = `"tools":[{"type":"web_search_20250305","name":"web_search"},{"name":"paint","input_schema":{"type":"object","properties":{"color":{"type":"string"}},"required":["color"]}}]`
	checkWireShapes(t, []wireShape{
		{name: "chat", path: chatPath, body: `{"model":"gpt-x",` + messages + `,"max_tokens":6}`},
		{name: "chat-n2", path: chatPath, body: `{"model":"gpt-x",` + messages + `,"max_tokens":3,"n":2}`},
		{name: "chat-stream", path: chatPath, body: `{"model":"gpt-x","stream":true,` + messages + `,"max_tokens":4}`},
		{name: "chat-stream-usage", path: chatPath, body: `{"model":"gpt-x","stream":true,"stream_options":{"include_usage":true},` + messages + `,"max_completion_tokens":4}`},
		{name: "chat-stream-continuous-usage", path: chatPath, body: `{"model":"gpt-x","stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true},` + messages + `,"max_tokens":3}`},
		{name: "chat-stream-n2", path: chatPath, body: `{"model":"gpt-x","stream":true,` + messages + `,"max_tokens":2,"n":2}`},
		{name: "chat-stream-late-head", path: chatPath, body: `{"model":"gpt-x","stream":true,` + messages + `,"max_tokens":2}`, config: func(c *modelsim.Config) { c.EarlyHead = false }},
		{name: "chat-stop", path: chatPath, body: `{"model":"gpt-x",` + messages + `,"max_tokens":60,"ignore_eos":false}`},
		{name: "chat-reasoning", path: chatPath, body: `{"model":"gpt-x",` + messages + `,"max_tokens":8}`, config: func(c *modelsim.Config) { c.ReasoningShare = 0.5 }},
		{name: "chat-error-event", path: chatPath, body: `{"model":"gpt-x","stream":true,` + messages + `}`, header: []string{"X-Sim-Fault", "error@2"}},
		{name: "chat-metrics", path: chatPath, body: `{"model":"gpt-x",` + messages + `,"max_tokens":6}`, config: telling},
		{name: "chat-stream-metrics", path: chatPath, body: `{"model":"gpt-x","stream":true,"stream_options":{"include_usage":true},` + messages + `,"max_tokens":1}`, config: telling},
		{name: "chat-stream-metrics-n2", path: chatPath, body: `{"model":"gpt-x","stream":true,"stream_options":{"include_usage":true},` + messages + `,"max_tokens":1,"n":2}`, config: telling},
		{name: "completions", path: completionsPath, body: `{"model":"gpt-x","prompt":["Once","Twice"],"max_tokens":3}`},
		{name: "completions-stream", path: completionsPath, body: `{"model":"gpt-x","prompt":"Once","max_tokens":3,"stream":true,"stream_options":{"include_usage":true}}`},
		{name: "completions-echo", path: completionsPath, body: `{"model":"gpt-x","prompt":"Once \"upon\"","max_tokens":2,"stream":true,"echo":true}`},
		{name: "responses", path: responsesPath, body: `{"model":"gpt-x","instructions":"Be brief.","input":"Name a color.","max_output_tokens":4}`},
		{name: "responses-metrics", path: responsesPath, body: `{"model":"gpt-x","input":"Name a color.","max_output_tokens":4}`, config: telling},
		{name: "responses-stream", path: responsesPath, body: `{"model":"gpt-x","stream":true,"input":[{"role":"user","content":[{"type":"input_text","text":"Name a color."}]}],"max_output_tokens":3}`},
		{name: "responses-stream-completed", path: responsesPath, body: `{"model":"gpt-x","stream":true,"input":"Name a color.","max_output_tokens":50,"ignore_eos":false}`, config: func(c *modelsim.Config) { c.OutputMedian = 3 }},
		{name: "responses-stream-reasoning", path: responsesPath, body: `{"model":"gpt-x","stream":true,"input":"Name a color.","max_output_tokens":4}`, config: func(c *modelsim.Config) { c.ReasoningShare = 0.5 }},
		{name: "responses-error-event", path: responsesPath, body: `{"model":"gpt-x","stream":true,"input":"Name a color."}`, header: []string{"X-Sim-Fault", "error@2"}},
		{name: "embeddings", path: embeddingsPath, body: `{"model":"embed-x","input":["one","two words"],"dimensions":4}`},
		{name: "embeddings-base64", path: embeddingsPath, body: `{"model":"embed-x","input":"one","dimensions":4,"encoding_format":"base64"}`},
		{name: "messages", path: messagesPath, body: `{"model":"claude-x",` + brief + `,"max_tokens":4}`},
		{name: "messages-end-turn", path: messagesPath, body: `{"model":"claude-x",` + brief + `,"max_tokens":60,"ignore_eos":false}`},
		{name: "messages-thinking", path: messagesPath, body: `{"model":"claude-x",` + brief + `,"max_tokens":6,"thinking":{"type":"adaptive"}}`},
		{name: "messages-thinking-omitted", path: messagesPath, body: `{"model":"claude-x",` + brief + `,"max_tokens":6,"thinking":{"type":"adaptive","display":"omitted"}}`},
		{name: "messages-tool", path: messagesPath, body: `{"model":"claude-x",` + brief + `,"max_tokens":4,` + tools + `,"tool_choice":{"type":"any"}}`},
		{name: "messages-stream", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":3}`},
		{name: "messages-stream-late-head", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":1}`, config: func(c *modelsim.Config) { c.EarlyHead = false }},
		{name: "messages-stream-thinking", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":5,"thinking":{"type":"enabled","budget_tokens":2}}`},
		{name: "messages-stream-thinking-omitted", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":4,"thinking":{"type":"adaptive","display":"omitted"}}`},
		{name: "messages-stream-tool", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":4,` + tools + `,"tool_choice":{"type":"tool","name":"paint"}}`},
		{name: "messages-stream-tool-without-input", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":1,` + tools + `,"tool_choice":{"type":"any"}}`},
		{name: "messages-stream-thinking-text-tool", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":8,"thinking":{"type":"enabled","budget_tokens":2},` + tools + `,"tool_choice":{"type":"auto"}}`},
		{name: "messages-stream-drafts", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":11,"thinking":{"type":"adaptive"},` + tools + `,"tool_choice":{"type":"auto"}}`, config: func(c *modelsim.Config) {
			c.DraftTokens, c.DraftAcceptance = 3, 1
		}},
		{name: "messages-error-event", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":9}`, header: []string{"X-Sim-Fault", "error=529@2"}},
		{name: "messages-garbage", path: messagesPath, body: `{"model":"claude-x","stream":true,` + brief + `,"max_tokens":2}`, header: []string{"X-Sim-Fault", "garbage@1"}},
		{name: "messages-overloaded", path: messagesPath, body: `{}`, header: []string{"X-Sim-Fault", "http=529"}},
		{name: "messages-rate-limited", path: messagesPath, body: `{"model":"claude-x",` + brief + `,"max_tokens":20}`, config: func(c *modelsim.Config) { c.TokensPerMinute = 30 }},
		{name: "messages-without-max-tokens", path: messagesPath, body: `{"model":"claude-x",` + brief + `}`},
		{name: "messages-unauthorized", path: messagesPath, body: `{"model":"claude-x",` + brief + `,"max_tokens":4}`, config: func(c *modelsim.Config) { c.APIKey = "secret" }},
		{name: "messages-authorized", path: messagesPath, body: `{"model":"claude-x",` + brief + `,"max_tokens":1}`, header: []string{"X-Api-Key", "secret"}, config: func(c *modelsim.Config) { c.APIKey = "secret" }},
		{name: "messages-strict-model", path: messagesPath, body: `{"model":"claude-x",` + brief + `,"max_tokens":4}`, config: func(c *modelsim.Config) { c.StrictModels = true }},
		{name: "messages-count-tokens", path: countPath, body: `{"model":"claude-x",` + brief + `,` + tools + `}`},
		{name: "bad-json", path: chatPath, body: `{"model":`},
		{name: "no-messages", path: chatPath, body: `{"model":"gpt-x"}`},
		{name: "stream-options-without-stream", path: chatPath, body: `{"model":"gpt-x",` + messages + `,"stream_options":{"include_usage":true}}`},
		{name: "too-long", path: chatPath, body: `{"model":"gpt-x",` + messages + `,"max_tokens":40000}`},
		{name: "strict-model", path: chatPath, body: `{"model":"gpt-x",` + messages + `}`, config: func(c *modelsim.Config) { c.StrictModels = true }},
		{name: "unauthorized", path: chatPath, body: `{"model":"gpt-x",` + messages + `}`, config: func(c *modelsim.Config) { c.APIKey = "secret" }},
		{name: "unknown-path", path: "/v1/rerank", body: `{}`},
	})
}

// wireShape is a request whose answer a golden file has.
type wireShape struct {
	name, path, body string
	header           []string
	config           func(*modelsim.Config)
	readable         func(*testing.T, []byte) []byte // makes text of the body if it is none
}

// checkWireShapes compares the answers to all of them with testdata.
func checkWireShapes(t *testing.T, tests []wireShape) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := exact()
				cfg.RequestsPerMinute, cfg.TokensPerMinute = 600, 60000
				if tt.config != nil {
					tt.config(&cfg)
				}
				h := start(t, cfg)
				r := h.post(tt.path, tt.body, tt.header...)
				if tt.readable != nil {
					r.body = tt.readable(t, r.body)
				}
				checkGolden(t, tt.name, r)
			})
		})
	}
}

// checkGolden compares an answer's status, headers and body with testdata.
func checkGolden(t *testing.T, name string, r reply) {
	t.Helper()
	if r.err != nil {
		t.Fatal(r.err)
	}
	var got bytes.Buffer
	fmt.Fprintln(&got, r.status)
	for _, key := range slices.Sorted(maps.Keys(r.header)) {
		fmt.Fprintf(&got, "%s: %s\n", key, strings.Join(r.header[key], ", "))
	}
	fmt.Fprintf(&got, "\n%s", r.body)
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("answer differs from %s:\n%s", path, got.Bytes())
	}
}

func TestStreamedAndWholeAnswersAreTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		streamed := h.post(chatPath, chat(30, "a", `,"max_tokens":300`))
		text, chunks := chatText(t, streamed.body)
		if n := modelsim.CountTokens(text); n != 300 || chunks != 300 {
			t.Errorf("the text counts %d tokens in %d chunks, want 300 in 300: %q", n, chunks, text)
		}
		whole := h.post(chatPath, strings.Replace(chat(30, "a", `,"max_tokens":300`),
			`"stream":true,"stream_options":{"include_usage":true},`, "", 1))
		var body struct {
			Choices []struct{ Message struct{ Content string } }
		}
		if err := json.Unmarshal(whole.body, &body); err != nil {
			t.Fatal(err)
		}
		if body.Choices[0].Message.Content != text {
			t.Errorf("whole answer %q, streamed %q", body.Choices[0].Message.Content, text)
		}
		ex := h.truth(whole)
		if len(ex.Chunks) != 1 || ex.Chunks[0].Tokens != 300 || ex.Chunks[0].At != ex.HeadAt {
			t.Errorf("chunks %v, want one of all 300 tokens with the head", ex.Chunks)
		}
	})
}

func TestBase64AndFloatEmbeddingsAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		var floats struct {
			Data []struct{ Embedding []float32 }
		}
		if err := json.Unmarshal(h.post(embeddingsPath, `{"model":"e","input":"one"}`).body, &floats); err != nil {
			t.Fatal(err)
		}
		var packed struct {
			Data []struct{ Embedding string }
		}
		if err := json.Unmarshal(h.post(embeddingsPath, `{"model":"e","input":"one","encoding_format":"base64"}`).body, &packed); err != nil {
			t.Fatal(err)
		}
		raw, err := base64.StdEncoding.DecodeString(packed.Data[0].Embedding)
		if err != nil {
			t.Fatal(err)
		}
		unpacked := make([]float32, len(raw)/4)
		square := 0.0
		for i := range unpacked {
			unpacked[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
			square += float64(unpacked[i]) * float64(unpacked[i])
		}
		if !slices.Equal(unpacked, floats.Data[0].Embedding) {
			t.Error("base64 and float embeddings differ")
		}
		if len(unpacked) != 256 || math.Abs(square-1) > 1e-6 {
			t.Errorf("%d dimensions of square length %v, want 256 and 1", len(unpacked), square)
		}
	})
}

func TestGzipIsFlushedWithEveryEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		body := chat(10, "a", `,"max_tokens":5`)
		plain := h.post(chatPath, body)
		resp, err := h.send(t.Context(), chatPath, body, "Accept-Encoding", "gzip, deflate", "X-Sim-Encoding", "gzip")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got := resp.Header.Get("Content-Encoding"); got != "gzip" {
			t.Fatalf("content encoding %q, want gzip", got)
		}
		// Reading along in virtual time: the first token is readable when it is emitted.
		zr, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var unzipped bytes.Buffer
		for buf := make([]byte, 1); !bytes.Contains(unzipped.Bytes(), []byte(`"delta":{"content":"`)) || !bytes.HasSuffix(unzipped.Bytes(), []byte("\n\n")); {
			n, err := zr.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			unzipped.Write(buf[:n])
		}
		if ex := h.last(); len(ex.Chunks) != 1 {
			t.Errorf("%d chunks emitted when the first could be read", len(ex.Chunks))
		}
		rest, err := io.ReadAll(zr)
		if err != nil {
			t.Fatal(err)
		}
		unzipped.Write(rest)
		got, _ := chatText(t, unzipped.Bytes())
		if want, _ := chatText(t, plain.body); got != want {
			t.Errorf("compressed text %q, plain %q", got, want)
		}
		if ex := h.last(); ex.Encoding != "gzip" || ex.Outcome != modelsim.OutcomeOK {
			t.Errorf("encoding %q, outcome %s", ex.Encoding, ex.Outcome)
		}
	})
}

func TestReadOnlyEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		first := h.post(chatPath, chat(10, "a", ""))
		h.post(chatPath, chat(10, "b", ""))
		tests := []struct {
			path   string
			status int
			check  func(t *testing.T, body []byte)
		}{
			{"/health", 200, nil},
			{"/v1/models", 200, func(t *testing.T, body []byte) {
				var list struct{ Data []struct{ ID string } }
				decode(t, body, &list)
				if len(list.Data) != 1 || list.Data[0].ID != "sim-medium" {
					t.Errorf("models %v", list.Data)
				}
			}},
			{"/v1/models/org/some-model", 200, nil},
			{"/sim/stats", 200, func(t *testing.T, body []byte) {
				var s modelsim.Stats
				decode(t, body, &s)
				if s != h.sim.Stats() || s.Steps == 0 {
					t.Errorf("stats %+v, want %+v", s, h.sim.Stats())
				}
			}},
			{"/sim/exchanges?limit=1", 200, func(t *testing.T, body []byte) {
				var list []modelsim.Exchange
				decode(t, body, &list)
				if len(list) != 1 || list[0].Ordinal != 2 {
					t.Errorf("got %+v, want the second exchange", list)
				}
			}},
			{"/sim/exchanges/" + first.header.Get("X-Request-Id"), 200, func(t *testing.T, body []byte) {
				var ex modelsim.Exchange
				decode(t, body, &ex)
				if ex.Ordinal != 1 || ex.ShownTokens() != 20 || !slices.Equal(ex.FinishReasons, []string{"stop"}) {
					t.Errorf("got %+v, want the first exchange", ex)
				}
			}},
			{"/sim/exchanges/req_nope", 404, nil},
			{"/sim/exchanges?limit=x", 400, nil},
			{chatPath, 405, nil},
		}
		for _, tt := range tests {
			resp, err := h.client.Get("http://sim" + tt.path)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("%s: status %d, want %d", tt.path, resp.StatusCode, tt.status)
			}
			if tt.check != nil {
				tt.check(t, body)
			}
		}
	})
}

func decode(t *testing.T, body []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(body, v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
}
