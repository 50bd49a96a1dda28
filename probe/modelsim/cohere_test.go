package modelsim_test

import (
	"testing"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func TestWireShapeOfCohere(t *testing.T) {
	const path, ask = "/v2/chat", `"model":"command-x","messages":[{"role":"user","content":"Name a color."}]`
	const tools = `"tools":[{"type":"function","function":{"name":"paint","parameters":{"type":"object","required":["color"]}}}]`
	checkWireShapes(t, []wireShape{
		{name: "cohere", path: path, body: `{` + ask + `,"max_tokens":4}`},
		{name: "cohere-complete", path: path, body: `{` + ask + `,"max_tokens":60,"ignore_eos":false}`},
		{name: "cohere-thinking-plan-tool", path: path, body: `{` + ask + `,"max_tokens":8,"thinking":{"type":"enabled","token_budget":2},` + tools + `}`},
		{name: "cohere-stream", path: path, body: `{"stream":true,` + ask + `,"max_tokens":3}`},
		{name: "cohere-stream-thinking", path: path, body: `{"stream":true,` + ask + `,"max_tokens":4,"thinking":{"type":"enabled"}}`},
		{name: "cohere-stream-plan-tool", path: path, body: `{"stream":true,` + ask + `,"max_tokens":7,` + tools + `}`},
		{name: "cohere-stream-tool", path: path, body: `{"stream":true,` + ask + `,"max_tokens":3,` + tools + `,"tool_choice":"REQUIRED"}`},
		{name: "cohere-stream-tool-without-input", path: path, body: `{"stream":true,` + ask + `,"max_tokens":1,` + tools + `,"tool_choice":"REQUIRED"}`},
		{name: "cohere-stream-error", path: path, body: `{"stream":true,` + ask + `,"max_tokens":9}`, header: []string{"X-Sim-Fault", "error@2"}},
		{name: "cohere-stream-garbage", path: path, body: `{"stream":true,` + ask + `,"max_tokens":2}`, header: []string{"X-Sim-Fault", "garbage@1"}},
		{name: "cohere-rate-limited", path: path, body: `{` + ask + `,"max_tokens":20}`, config: func(c *modelsim.Config) { c.TokensPerMinute = 10 }},
		{name: "cohere-no-messages", path: path, body: `{"model":"command-x"}`},
		{name: "cohere-unauthorized", path: path, body: `{` + ask + `}`, config: func(c *modelsim.Config) { c.APIKey = "secret" }},
		{name: "cohere-embed", path: "/v2/embed", body: `{"model":"embed-x","texts":["one","two words"],"input_type":"search_query","embedding_types":["float"],"output_dimension":4}`},
		{name: "cohere-rerank", path: "/v2/rerank", body: `{"model":"rerank-x","query":"a lamp","documents":["a lamp","a ship","the sea"],"top_n":2}`},
	})
}
