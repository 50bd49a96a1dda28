package modelsim_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

const (
	conversePath       = "/model/us.anthropic.claude-x-v1%3A0/converse"
	converseStreamPath = "/model/us.anthropic.claude-x-v1%3A0/converse-stream"
	claudePath         = "/model/us.anthropic.claude-x-v1%3A0/invoke"
	claudeStreamPath   = "/model/us.anthropic.claude-x-v1%3A0/invoke-with-response-stream"
	llamaPath          = "/model/meta.llama-x/invoke"
	llamaStreamPath    = "/model/meta.llama-x/invoke-with-response-stream"
	rawPath            = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:rawPredict"
	rawStreamPath      = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:streamRawPredict"
)

// converse is a request for an answer of n tokens.
func converse(n int, fields string) string {
	return fmt.Sprintf(`{"system":[{"text":"Be brief."}],"messages":[{"role":"user","content":[{"text":"Name a color."}]}],"inferenceConfig":{"maxTokens":%d}%s}`, n, fields)
}

const (
	converseThinks = `,"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":2}}`
	conversePaints = `,"toolConfig":{"tools":[{"toolSpec":{"name":"paint","inputSchema":{"json":{"type":"object","required":["color"]}}}}],"toolChoice":{%s}}`
)

// frameOf is one message of an AWS event stream.
type frameOf struct {
	headers map[string]string
	payload []byte
}

// frames cuts an AWS event stream, as far as it goes, and checks every length and checksum.
func frames(t *testing.T, body []byte) []frameOf {
	t.Helper()
	var list []frameOf
	for len(body) > 0 {
		if len(body) < 16 {
			t.Fatalf("%d bytes are no message", len(body))
		}
		size, headerSize := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
		if int(size) > len(body) || headerSize > size-16 {
			t.Fatalf("a message of %d bytes with %d bytes of headers, and %d are there", size, headerSize, len(body))
		}
		m := body[:size]
		if crc32.ChecksumIEEE(m[:8]) != binary.BigEndian.Uint32(m[8:]) || crc32.ChecksumIEEE(m[:size-4]) != binary.BigEndian.Uint32(m[size-4:]) {
			t.Fatal("a checksum is wrong")
		}
		f := frameOf{headers: map[string]string{}, payload: m[12+headerSize : size-4]}
		for h := m[12 : 12+headerSize]; len(h) > 0; {
			name := string(h[1 : 1+h[0]])
			h = h[1+h[0]:]
			if h[0] != 7 {
				t.Fatalf("the header %s is of type %d, want 7, a string", name, h[0])
			}
			n := binary.BigEndian.Uint16(h[1:])
			f.headers[name] = string(h[3 : 3+n])
			h = h[3+n:]
		}
		list, body = append(list, f), body[size:]
	}
	return list
}

// readable is an AWS event stream as text, a message a line; what a chunk wraps is shown unwrapped.
func readable(t *testing.T, body []byte) []byte {
	t.Helper()
	var text strings.Builder
	for _, f := range frames(t, body) {
		payload := f.payload
		var chunk struct{ Bytes string }
		if json.Unmarshal(payload, &chunk) == nil && chunk.Bytes != "" {
			payload, _ = base64.StdEncoding.DecodeString(chunk.Bytes)
		}
		fmt.Fprintf(&text, "%s %s%s (%s): %s\n", f.headers[":message-type"], f.headers[":event-type"], f.headers[":exception-type"], f.headers[":content-type"], payload)
	}
	return []byte(text.String())
}

func TestBedrockWireShape(t *testing.T) {
	auto, anyTool := fmt.Sprintf(conversePaints, `"auto":{}`), fmt.Sprintf(conversePaints, `"tool":{"name":"paint"}`)
	const claude = `{"anthropic_version":"bedrock-2023-05-31","max_tokens":2,"messages":[{"role":"user","content":"Name a color."}]}`
	failing := func(fault string) []string { return []string{"X-Sim-Fault", fault} }
	checkWireShapes(t, []wireShape{
		{name: "converse", path: conversePath, body: converse(4, "")},
		{name: "converse-thinking-text-tool", path: conversePath, body: converse(8, converseThinks+auto)},
		{name: "converse-stream", path: converseStreamPath, body: converse(3, ""), readable: readable},
		{name: "converse-stream-thinking-text-tool", path: converseStreamPath, body: converse(8, converseThinks+auto), readable: readable},
		{name: "converse-stream-tool", path: converseStreamPath, body: converse(4, anyTool), readable: readable},
		{name: "converse-stream-error", path: converseStreamPath, body: converse(9, ""), header: failing("error=429@2"), readable: readable},
		{name: "converse-stream-model-error", path: converseStreamPath, body: converse(9, ""), header: failing("error=424@0"), readable: readable},
		{name: "converse-stream-garbage", path: converseStreamPath, body: converse(2, ""), header: failing("garbage@1"), readable: readable},
		{name: "converse-throttled", path: conversePath, body: converse(9, ""), header: failing("http=429")},
		{name: "converse-no-messages", path: conversePath, body: `{}`},
		{name: "converse-unauthorized", path: conversePath, body: converse(4, ""), config: func(c *modelsim.Config) { c.APIKey = "secret" }},
		{name: "converse-signed", path: conversePath, body: converse(1, ""), header: []string{"Authorization", "AWS4-HMAC-SHA256 Credential=any/20000101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=any"}, config: func(c *modelsim.Config) { c.APIKey = "secret" }},
		{name: "invoke-claude", path: claudePath, body: claude},
		{name: "invoke-claude-stream", path: claudeStreamPath, body: claude, readable: readable},
		{name: "invoke-claude-stream-error", path: claudeStreamPath, body: claude, header: failing("error=503@1"), readable: readable},
		{name: "invoke-llama", path: llamaPath, body: `{"prompt":"Name a color.","max_gen_len":3}`},
		{name: "invoke-llama-stream", path: llamaStreamPath, body: `{"prompt":"Name a color.","max_gen_len":2}`, readable: readable},
		{name: "vertex-claude", path: rawPath, body: strings.Replace(claude, "bedrock-2023-05-31", "vertex-2023-10-16", 1)},
		{name: "vertex-claude-stream", path: rawStreamPath, body: strings.Replace(claude, "bedrock-2023-05-31", "vertex-2023-10-16", 1)},
	})
}

func TestBedrockErrorsHaveAType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		for status, want := range map[int]string{
			400: "ValidationException", 401: "AccessDeniedException", 403: "AccessDeniedException", 404: "ResourceNotFoundException",
			408: "ModelTimeoutException", 424: "ModelErrorException", 429: "ThrottlingException", 500: "InternalServerException", 503: "ServiceUnavailableException",
		} {
			r := h.post(conversePath, converse(9, ""), "X-Sim-Fault", fmt.Sprintf("http=%d", status))
			got, _, _ := strings.Cut(r.header.Get("X-Amzn-Errortype"), ":")
			var body struct{ Message string }
			decode(t, r.body, &body)
			if r.status != status || got != want || body.Message == "" {
				t.Errorf("status %d: %d, %s, %+v, want %s", status, r.status, got, body, want)
			}
		}
	})
}

func TestConverseTellsTheCache(t *testing.T) {
	body := `{"system":[{"text":"` + strings.Repeat("word ", 99) + `"},{"cachePoint":{"type":"default"}}],"messages":[{"role":"user","content":[{"text":"One?"}]}],"inferenceConfig":{"maxTokens":2}}`
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		for _, want := range []struct{ read, written int }{{0, 96}, {96, 0}} {
			r := h.post(conversePath, body)
			var got struct {
				Usage struct{ InputTokens, OutputTokens, TotalTokens, CacheReadInputTokens, CacheWriteInputTokens int }
			}
			decode(t, r.body, &got)
			x, u := h.truth(r), got.Usage
			if u.CacheReadInputTokens != want.read || u.CacheWriteInputTokens != want.written || x.CachedTokens != want.read || x.CacheWriteTokens != want.written {
				t.Errorf("%+v, ground truth %d read and %d written, want %+v", u, x.CachedTokens, x.CacheWriteTokens, want)
			}
			if u.InputTokens+want.read+want.written != x.PromptTokens || u.TotalTokens != x.PromptTokens+u.OutputTokens {
				t.Errorf("%+v does not add up to the prompt of %d tokens", u, x.PromptTokens)
			}
		}
	})
}
