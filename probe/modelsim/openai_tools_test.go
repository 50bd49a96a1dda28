package modelsim_test

import (
	"testing"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

func TestWireShapeOfToolCallsAndReasoningInChat(t *testing.T) {
	const ask = `"model":"gpt-x","messages":[{"role":"user","content":"Name a color."}]`
	const tools = `"tools":[{"type":"function","function":{"name":"mix","parameters":{"type":"object"}}},` +
		`{"type":"function","function":{"name":"paint","parameters":{"type":"object","properties":{"color":{"type":"string"}},"required":["color"]}}}]`
	checkWireShapes(t, []wireShape{
		{name: "chat-tool", path: chatPath, body: `{` + ask + `,"max_tokens":4,` + tools + `,"tool_choice":{"type":"function","function":{"name":"paint"}}}`},
		{name: "chat-tool-n2", path: chatPath, body: `{` + ask + `,"max_tokens":3,"n":2,` + tools + `,"tool_choice":"required"}`},
		{name: "chat-tool-after-its-result", path: chatPath, body: `{"model":"gpt-x","messages":[{"role":"user","content":"Paint."},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"paint","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"Done."}],"max_tokens":3,` + tools + `,"tool_choice":"auto"}`},
		{name: "chat-tool-unknown", path: chatPath, body: `{` + ask + `,` + tools + `,"tool_choice":{"type":"function","function":{"name":"sing"}}}`},
		{name: "chat-reasoning-shown", path: chatPath, body: `{` + ask + `,"max_tokens":6,"thinking":{"type":"enabled"}}`},
		{name: "chat-reasoning-in-parts", path: chatPath, body: `{` + ask + `,"max_tokens":6,"prompt_mode":"reasoning"}`},
		{name: "chat-stream-tool", path: chatPath, body: `{"stream":true,` + ask + `,"max_tokens":4,` + tools + `,"tool_choice":"required"}`},
		{name: "chat-stream-tool-n2", path: chatPath, body: `{"stream":true,` + ask + `,"max_tokens":3,"n":2,` + tools + `,"tool_choice":"required"}`},
		{name: "chat-stream-tool-without-input", path: chatPath, body: `{"stream":true,` + ask + `,"max_tokens":1,` + tools + `,"tool_choice":"required"}`},
		{name: "chat-stream-reasoning-text-tool", path: chatPath, body: `{"stream":true,"stream_options":{"include_usage":true},` + ask + `,"max_tokens":8,"thinking":{"type":"enabled"},` + tools + `,"tool_choice":"auto"}`},
		{name: "chat-stream-reasoning-in-parts", path: chatPath, body: `{"stream":true,` + ask + `,"max_tokens":4,"prompt_mode":"reasoning"}`},
		{name: "chat-stream-tool-drafts", path: chatPath, body: `{"stream":true,` + ask + `,"max_tokens":9,` + tools + `,"tool_choice":"auto"}`, config: func(c *modelsim.Config) {
			c.DraftTokens, c.DraftAcceptance = 3, 1
		}},
	})
}

func TestWireShapeOfToolCallsInResponses(t *testing.T) {
	const ask = `"model":"gpt-x","input":"Name a color."`
	const tools = `"tools":[{"type":"web_search"},{"type":"function","name":"mix","parameters":{}},` +
		`{"type":"function","name":"paint","strict":true,"parameters":{"type":"object","properties":{"color":{"type":"string"}},"required":["color"]}}]`
	checkWireShapes(t, []wireShape{
		{name: "responses-text-tool", path: responsesPath, body: `{` + ask + `,"max_output_tokens":6,` + tools + `,"tool_choice":"auto"}`},
		{name: "responses-tool", path: responsesPath, body: `{` + ask + `,"max_output_tokens":4,` + tools + `,"tool_choice":{"type":"function","name":"paint"}}`},
		{name: "responses-tool-after-its-output", path: responsesPath, body: `{"model":"gpt-x","input":[{"role":"user","content":"Paint."},{"type":"function_call","call_id":"call_1","name":"paint","arguments":"{}"},{"type":"function_call_output","call_id":"call_1","output":"Done."}],"max_output_tokens":3,` + tools + `,"tool_choice":"auto"}`},
		{name: "responses-stream-tool", path: responsesPath, body: `{"stream":true,` + ask + `,"max_output_tokens":3,` + tools + `,"tool_choice":"required"}`},
		{name: "responses-stream-tool-without-input", path: responsesPath, body: `{"stream":true,` + ask + `,"max_output_tokens":1,` + tools + `,"tool_choice":"required"}`},
		{name: "responses-stream-reasoning-text-tool", path: responsesPath, body: `{"stream":true,` + ask + `,"max_output_tokens":8,` + tools + `,"tool_choice":"auto"}`, config: func(c *modelsim.Config) { c.ReasoningShare = 0.25 }},
		{name: "responses-tools-are-no-list", path: responsesPath, body: `{` + ask + `,"tools":{}}`},
	})
}
