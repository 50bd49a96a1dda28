package turn_test

import (
	"fmt"
	"strings"
)

// said is one message of a conversation.
type said struct {
	who   string // system, human, model, tool
	text  string
	calls []string // ids of calls of tools, of the model
	call  string   // that a tool answers
}

// client is a kind of agent: what it sends, and how far its exchanges can be told apart.
type client struct {
	name   string
	path   string
	share  int
	marked bool // it names its sessions
	nests  bool // it has sub-agents that somebody can recognise
	twins  bool // its tools' calls have ids that other sessions have too
	// body renders a request, of which sent is how many messages the server knows already.
	body   func(a *agent, all []said, follows string) string
	answer func(a *agent, id string, m said) string
	fields func(a *agent) []string
	late   bool // it sends only the messages that are new
}

var clients = []client{
	{name: "Claude Code", path: "/v1/messages", share: 20, marked: true, nests: true, body: messagesBody, answer: messagesAnswer, fields: func(a *agent) []string {
		return []string{"X-Claude-Code-Session-Id", a.uuid, "User-Agent", "claude-cli/2.1"}
	}},
	{name: "Claude Code, by metadata", path: "/v1/messages", share: 5, marked: true, nests: true, body: messagesBody, answer: messagesAnswer, fields: agentOf("claude-cli/2.0")},
	{name: "Codex", path: "/v1/responses", share: 15, marked: true, body: inputBody, answer: outputAnswer, fields: func(a *agent) []string {
		return []string{"session_id", a.uuid, "User-Agent", "codex_cli_rs/0.50"}
	}},
	{name: "OpenCode", path: "/v1/chat/completions", share: 5, marked: true, nests: true, body: chatBody, answer: chatAnswer, fields: func(a *agent) []string {
		return []string{"x-session-affinity", a.uuid, "User-Agent", "opencode/1.0"}
	}},
	{name: "Responses, each after the last", path: "/v1/responses", share: 10, body: inputBody, answer: outputAnswer, late: true, fields: agentOf("OpenAI/Python 3.3.0")},
	{name: "Responses in a conversation", path: "/v1/responses", share: 5, marked: true, body: inputBody, answer: outputAnswer, late: true, fields: agentOf("OpenAI/Python 3.3.0")},
	{name: "chat completions without a name", path: "/v1/chat/completions", share: 15, body: chatBody, answer: chatAnswer, fields: agentOf("OpenAI/Python 3.3.0")},
	{name: "chat completions in traces", path: "/v1/chat/completions", share: 8, nests: true, body: chatBody, answer: chatAnswer, fields: func(a *agent) []string {
		return []string{"User-Agent", "OpenAI/JS 6.1", "traceparent", fmt.Sprintf("00-%032x-%016x-01", a.number*1000+a.turn+1, a.turn+1)}
	}},
	{name: "one user for all", path: "/v1/chat/completions", share: 8, body: chatBody, answer: chatAnswer, fields: agentOf("AsyncOpenAI/Python 3.3.0")},
	{name: "ids of calls that repeat", path: "/v1/chat/completions", share: 4, twins: true, body: chatBody, answer: chatAnswer, fields: agentOf("OpenAI/Go 3.0")},
	{name: "Gemini, calls without ids", path: "/v1beta/models/gemini-x:generateContent", share: 5, body: contentsBody, answer: candidatesAnswer, fields: agentOf("google-genai-sdk/2.1")},
	{name: "one session's name for all", path: "/v1/chat/completions", share: 0, body: chatBody, answer: chatAnswer, fields: func(*agent) []string {
		return []string{"session-id", "the-app", "User-Agent", "OpenAI/Python 3.3.0"}
	}},
}

func agentOf(name string) func(*agent) []string {
	return func(*agent) []string { return []string{"User-Agent", name} }
}

func chatBody(a *agent, all []said, _ string) string {
	var m []string
	for _, s := range all {
		switch s.who {
		case "system", "human":
			role := map[string]string{"system": "system", "human": "user"}[s.who]
			m = append(m, `{"role":"`+role+`","content":`+quoted(s.text)+`}`)
		case "tool":
			m = append(m, `{"role":"tool","tool_call_id":"`+s.call+`","content":`+quoted(s.text)+`}`)
		case "model":
			m = append(m, chatMessage(s))
		}
	}
	rest := ""
	if a.client.name == "one user for all" {
		rest = `,"user":"the-app","prompt_cache_key":"the-app-v1"`
	}
	return `{"model":"m","messages":[` + strings.Join(m, ",") + `]` + rest + `}`
}

func chatMessage(s said) string {
	if len(s.calls) == 0 {
		return `{"role":"assistant","content":` + quoted(s.text) + `}`
	}
	var calls []string
	for _, id := range s.calls {
		calls = append(calls, `{"id":"`+id+`","type":"function","function":{"name":"look","arguments":"{\"id\":\"role\"}"}}`)
	}
	return `{"role":"assistant","content":null,"tool_calls":[` + strings.Join(calls, ",") + `]}`
}

func chatAnswer(_ *agent, id string, m said) string {
	why := "stop"
	if len(m.calls) > 0 {
		why = "tool_calls"
	}
	return `{"id":"` + id + `","object":"chat.completion","model":"m","choices":[{"index":0,"message":` + chatMessage(m) + `,"finish_reason":"` + why +
		`"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}`
}

// messagesBody marks the last message to be cached, as Claude Code does, and the results of
// one response's tools are one message.
func messagesBody(a *agent, all []said, _ string) string {
	var m []string
	for i := 0; i < len(all); i++ {
		cache := ""
		if i == len(all)-1 {
			cache = `,"cache_control":{"type":"ephemeral"}`
		}
		switch s := all[i]; s.who {
		case "human":
			m = append(m, `{"role":"user","content":[{"type":"text","text":`+quoted(s.text)+cache+`}]}`)
		case "tool":
			var blocks []string
			for ; i < len(all) && all[i].who == "tool"; i++ {
				if cache = ""; i == len(all)-1 {
					cache = `,"cache_control":{"type":"ephemeral"}`
				}
				blocks = append(blocks, `{"tool_use_id":"`+all[i].call+`","type":"tool_result","content":`+quoted(all[i].text)+cache+`}`)
			}
			i--
			m = append(m, `{"role":"user","content":[`+strings.Join(blocks, ",")+`,{"type":"text","text":"remember the list"}]}`)
		case "model":
			m = append(m, `{"role":"assistant","content":[`+blocksOf(s)+`]}`)
		}
	}
	user := `{\"device_id\":\"d\",\"session_id\":\"` + a.uuid + `\"}`
	if a.number%2 == 0 {
		user = "user_0123_account_" + strings.Repeat("0", 8) + "_session_" + a.uuid
	}
	return `{"model":"m","max_tokens":99,"system":[{"type":"text","text":"be brief"}],"messages":[` + strings.Join(m, ",") + `],"metadata":{"user_id":"` + user + `"}}`
}

func blocksOf(s said) string {
	blocks := []string{`{"type":"text","text":` + quoted(s.text) + `}`}
	for _, id := range s.calls {
		blocks = append(blocks, `{"type":"tool_use","id":"`+id+`","name":"look","input":{"role":"user","tool_use_id":"x"}}`)
	}
	return strings.Join(blocks, ",")
}

func messagesAnswer(_ *agent, id string, m said) string {
	why := "end_turn"
	if len(m.calls) > 0 {
		why = "tool_use"
	}
	return `{"id":"` + id + `","type":"message","role":"assistant","model":"m","content":[` + blocksOf(m) + `],"stop_reason":"` + why + `","usage":{"input_tokens":9,"output_tokens":3}}`
}

func inputBody(a *agent, all []said, follows string) string {
	var m []string
	for _, s := range all {
		switch s.who {
		case "human":
			m = append(m, `{"type":"message","role":"user","content":[{"type":"input_text","text":`+quoted(s.text)+`}]}`)
		case "tool":
			m = append(m, `{"type":"function_call_output","call_id":"`+s.call+`","output":`+quoted(s.text)+`}`)
		case "model":
			m = append(m, itemsOf(s))
		}
	}
	rest := `,"store":false`
	switch {
	case a.client.name == "Responses in a conversation":
		rest = `,"conversation":{"id":"conv_` + a.uuid + `"}`
	case follows != "":
		rest = `,"previous_response_id":"` + follows + `"`
	}
	return `{"model":"m","input":[` + strings.Join(m, ",") + `]` + rest + `}`
}

func itemsOf(s said) string {
	items := []string{`{"type":"message","role":"assistant","content":[{"type":"output_text","text":` + quoted(s.text) + `}]}`}
	for _, id := range s.calls {
		items = append(items, `{"type":"function_call","call_id":"`+id+`","name":"look","arguments":"{}"}`)
	}
	return strings.Join(items, ",")
}

func outputAnswer(_ *agent, id string, m said) string {
	return `{"id":"` + id + `","object":"response","status":"completed","model":"m","output":[` + itemsOf(m) + `],"usage":{"input_tokens":9,"output_tokens":3,"total_tokens":12}}`
}

func contentsBody(_ *agent, all []said, _ string) string {
	var m []string
	for _, s := range all {
		switch s.who {
		case "human":
			m = append(m, `{"role":"user","parts":[{"text":`+quoted(s.text)+`}]}`)
		case "tool":
			m = append(m, `{"role":"user","parts":[{"functionResponse":{"name":"look","response":{"id":`+quoted(s.text)+`}}}]}`)
		case "model":
			m = append(m, `{"role":"model","parts":[`+partsOf(s)+`]}`)
		}
	}
	return `{"contents":[` + strings.Join(m, ",") + `]}`
}

func partsOf(s said) string {
	parts := []string{`{"text":` + quoted(s.text) + `}`}
	for range s.calls {
		parts = append(parts, `{"functionCall":{"name":"look","args":{"functionResponse":{"id":"x"}}}}`)
	}
	return strings.Join(parts, ",")
}

func candidatesAnswer(_ *agent, _ string, m said) string {
	return `{"candidates":[{"content":{"role":"model","parts":[` + partsOf(m) + `]},"finishReason":"STOP","index":0}],"modelVersion":"gemini-x","usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":3,"totalTokenCount":12}}`
}
