package modelsim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
)

const (
	ollamaChatPath     = "/api/chat"
	ollamaGeneratePath = "/api/generate"
	ollamaEmbedPath    = "/api/embed"
)

// ollamaAsk is a chat for an answer of n tokens.
func ollamaAsk(n int, fields string) string {
	return fmt.Sprintf(`{"model":"llama-x","messages":[{"role":"user","content":"Name a color."}],"options":{"num_predict":%d}%s}`, n, fields)
}

const ollamaPaints = `,"tools":[{"type":"function","function":{"name":"paint","parameters":{"type":"object","required":["color"]}}}]`

func TestOllamaWireShape(t *testing.T) {
	generate := func(fields string) string {
		return `{"model":"llama-x","system":"Be brief. ","prompt":"Name a color.","options":{"num_predict":4}` + fields + `}`
	}
	checkWireShapes(t, []wireShape{
		{name: "ollama-chat", path: ollamaChatPath, body: ollamaAsk(4, `,"stream":false`)},
		{name: "ollama-chat-thinking-text-tool", path: ollamaChatPath, body: ollamaAsk(8, `,"stream":false,"think":true`+ollamaPaints)},
		{name: "ollama-chat-stream", path: ollamaChatPath, body: ollamaAsk(3, "")},
		{name: "ollama-chat-stream-thinking-text-tool", path: ollamaChatPath, body: ollamaAsk(8, `,"stream":true,"think":"high"`+ollamaPaints)},
		{name: "ollama-chat-stream-error", path: ollamaChatPath, body: ollamaAsk(9, ""), header: []string{"X-Sim-Fault", "error@1"}},
		{name: "ollama-chat-stream-garbage", path: ollamaChatPath, body: ollamaAsk(1, ""), header: []string{"X-Sim-Fault", "garbage@0"}},
		{name: "ollama-chat-refused", path: ollamaChatPath, body: ollamaAsk(9, ""), header: []string{"X-Sim-Fault", "http=503"}},
		{name: "ollama-chat-no-messages", path: ollamaChatPath, body: `{"model":"llama-x"}`},
		{name: "ollama-generate", path: ollamaGeneratePath, body: generate(`,"stream":false`)},
		{name: "ollama-generate-stream-thinking", path: ollamaGeneratePath, body: generate(`,"think":true`)},
		{name: "ollama-embed", path: ollamaEmbedPath, body: `{"model":"embed-x","input":["one","two words"],"dimensions":2}`},
	})
}

func TestOllamaAnswersTheResultOfACallInText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := `{"model":"llama-x","stream":false,"options":{"num_predict":5},"messages":[{"role":"user","content":"Paint."},` +
			`{"role":"assistant","content":"","tool_calls":[{"function":{"name":"paint","arguments":{"color":"red"}}}]},{"role":"tool","content":"done"}]` + ollamaPaints + `}`
		r := start(t, exact()).post(ollamaChatPath, body)
		if r.status != 200 || strings.Contains(string(r.body), "tool_calls") {
			t.Errorf("status %d, answered with %s, want text", r.status, r.body)
		}
	})
}
