package modelsim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

const (
	geminiPath       = "/v1beta/models/gemini-x:generateContent"
	geminiStreamPath = "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
	geminiArrayPath  = "/v1beta/models/gemini-x:streamGenerateContent"
	vertexStreamPath = "/v1/projects/p/locations/l/publishers/google/models/gemini-x:streamGenerateContent?alt=sse"
	geminiCountPath  = "/v1beta/models/gemini-x:countTokens"
	geminiEmbedPath  = "/v1beta/models/embed-x:embedContent"
	geminiBatchPath  = "/v1beta/models/embed-x:batchEmbedContents"
)

// geminiAsk is a request for an answer of n tokens.
func geminiAsk(n int, generation, fields string) string {
	return fmt.Sprintf(`{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[{"role":"user","parts":[{"text":"Name a color."}]}],`+
		`"generationConfig":{"maxOutputTokens":%d%s}%s}`, n, generation, fields)
}

const (
	geminiThinks = `,"thinkingConfig":{"thinkingBudget":2,"includeThoughts":true}`
	geminiPaints = `,"tools":[{"functionDeclarations":[{"name":"paint","parametersJsonSchema":{"type":"object","required":["color"]}}]}],"toolConfig":{"functionCallingConfig":{"mode":"%s"}}`
)

func TestGeminiWireShape(t *testing.T) {
	auto, anyTool := fmt.Sprintf(geminiPaints, "AUTO"), fmt.Sprintf(geminiPaints, "ANY")
	checkWireShapes(t, []wireShape{
		{name: "gemini", path: geminiPath, body: geminiAsk(4, "", "")},
		{name: "gemini-thinking-text-tool", path: geminiPath, body: geminiAsk(8, geminiThinks, auto)},
		{name: "gemini-stream", path: geminiStreamPath, body: geminiAsk(3, "", "")},
		{name: "gemini-stream-thinking-text-tool", path: geminiStreamPath, body: geminiAsk(8, geminiThinks, auto)},
		{name: "gemini-stream-hidden-thoughts", path: geminiStreamPath, body: geminiAsk(4, `,"thinkingConfig":{}`, "")},
		{name: "gemini-stream-tool", path: geminiStreamPath, body: geminiAsk(4, "", anyTool)},
		{name: "gemini-array", path: geminiArrayPath, body: geminiAsk(2, "", "")},
		{name: "gemini-array-error", path: geminiArrayPath, body: geminiAsk(9, "", ""), header: []string{"X-Sim-Fault", "error=503@1"}},
		{name: "gemini-array-refused", path: geminiArrayPath, body: geminiAsk(9, "", ""), header: []string{"X-Sim-Fault", "http=429"}},
		{name: "gemini-array-garbage", path: geminiArrayPath, body: geminiAsk(1, "", ""), header: []string{"X-Sim-Fault", "garbage"}},
		{name: "gemini-stream-error", path: geminiStreamPath, body: geminiAsk(9, "", ""), header: []string{"X-Sim-Fault", "error=503@1"}},
		{name: "gemini-vertex-stream", path: vertexStreamPath, body: geminiAsk(2, "", "")},
		{name: "gemini-count-tokens", path: geminiCountPath, body: geminiAsk(1, "", "")},
		{name: "gemini-embed", path: geminiEmbedPath, body: `{"content":{"parts":[{"text":"one"}]},"outputDimensionality":3}`},
		{name: "gemini-embed-batch", path: geminiBatchPath, body: `{"requests":[{"content":{"parts":[{"text":"one"}]},"outputDimensionality":2},{"content":{"parts":[{"text":"two words"}]},"outputDimensionality":2}]}`},
		{name: "gemini-rate-limited", path: geminiPath, body: geminiAsk(20, "", ""), config: func(c *modelsim.Config) { c.TokensPerMinute = 30 }},
		{name: "gemini-no-contents", path: geminiPath, body: `{}`},
		{name: "gemini-unauthorized", path: geminiPath, body: geminiAsk(4, "", ""), config: func(c *modelsim.Config) { c.APIKey = "secret" }},
		{name: "gemini-key-in-query", path: geminiPath + "?key=secret", body: geminiAsk(1, "", ""), config: func(c *modelsim.Config) { c.APIKey = "secret" }},
		{name: "gemini-key-in-head", path: geminiPath, body: geminiAsk(1, "", ""), header: []string{"X-Goog-Api-Key", "secret"}, config: func(c *modelsim.Config) { c.APIKey = "secret" }},
	})
}

func TestGeminiErrorsHaveAStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, exact())
		for status, want := range map[int]string{
			400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
			429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
		} {
			r := h.post(geminiPath, geminiAsk(9, "", ""), "X-Sim-Fault", fmt.Sprintf("http=%d", status))
			var got struct {
				Error struct {
					Code            int
					Message, Status string
				}
			}
			decode(t, r.body, &got)
			if r.status != status || got.Error.Code != status || got.Error.Status != want || got.Error.Message == "" {
				t.Errorf("status %d: %d, %+v, want %s", status, r.status, got, want)
			}
		}
	})
}

func TestGeminiAnswersTheResultOfACallInText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := `{"contents":[{"role":"user","parts":[{"text":"Paint."}]},{"role":"model","parts":[{"functionCall":{"name":"paint","args":{"color":"red"}}}]},` +
			`{"role":"user","parts":[{"functionResponse":{"name":"paint","response":{"done":true}}}]}],"generationConfig":{"maxOutputTokens":5}` + fmt.Sprintf(geminiPaints, "AUTO") + `}`
		r := start(t, exact()).post(geminiPath, body)
		if r.status != 200 || strings.Contains(string(r.body), "functionCall") {
			t.Errorf("status %d, answered with %s, want text", r.status, r.body)
		}
	})
}
