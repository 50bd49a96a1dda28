package promptcache_test

import (
	"fmt"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/anthropic"
	"github.com/headway-sidecar/headway/proxy/dialect/bedrock"
	"github.com/headway-sidecar/headway/proxy/dialect/gemini"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/dialect/responses"
)

// ask is a request for a model. A message begins with u: or a:, for its role.
type ask struct {
	tools    []string
	system   string
	messages []string
	unmarked bool // without the marks of cache breakpoints
}

// api is an API that reports cached tokens.
type api struct {
	name, path string
	shift      int32 // how many messages stand before those of an ask
	explicit   bool  // it caches where the client asks for it, and tells how much
	silent     bool  // it leaves the count of cached tokens out when it is 0
	request    func(ask) string
	response   func(input, cached, written int) string
}

var dialects dialect.Set = concat(openai.Dialects(), responses.Dialects(), anthropic.Dialects(), gemini.Dialects(), bedrock.Dialects())

func concat(sets ...[]dialect.Dialect) (all dialect.Set) {
	for _, s := range sets {
		all = append(all, s...)
	}
	return all
}

// apis lists them as their clients write and their servers answer.
func apis() []api {
	counted := func(format string) func(input, cached, _ int) string {
		return func(input, cached, _ int) string {
			return fmt.Sprintf(`{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}],"usage":`+format+`}`, input, cached)
		}
	}
	return []api{
		{name: "OpenAI chat", path: "/v1/chat/completions", shift: 1, request: chatRequest,
			response: counted(`{"prompt_tokens":%d,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":%d,"audio_tokens":0}}`)},
		{name: "DeepSeek", path: "/chat/completions", shift: 1, request: chatRequest,
			response: counted(`{"prompt_tokens":%d,"completion_tokens":1,"prompt_cache_hit_tokens":%d}`)},
		{name: "vLLM", path: "/v1/chat/completions", shift: 1, silent: true, request: chatRequest, response: func(input, cached, _ int) string {
			if cached == 0 {
				return counted(`{"prompt_tokens":%d,"completion_tokens":1,"prompt_tokens_details":null,"x":%d}`)(input, 0, 0)
			}
			return counted(`{"prompt_tokens":%d,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":%d}}`)(input, cached, 0)
		}},
		{name: "OpenAI Responses", path: "/v1/responses", request: responsesRequest, response: func(input, cached, _ int) string {
			return fmt.Sprintf(`{"id":"r","object":"response","status":"completed","model":"m","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"yes"}]}],"usage":{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d},"output_tokens":1}}`, input, cached)
		}},
		{name: "Anthropic", path: "/v1/messages", explicit: true, request: anthropicRequest, response: func(input, cached, written int) string {
			return fmt.Sprintf(`{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"yes"}],"stop_reason":"end_turn","usage":{"input_tokens":%d,"cache_read_input_tokens":%d,"cache_creation_input_tokens":%d,"output_tokens":1}}`, input-cached-written, cached, written)
		}},
		{name: "Gemini", path: "/v1beta/models/m:generateContent", silent: true, request: geminiRequest, response: func(input, cached, _ int) string {
			count := ""
			if cached > 0 {
				count = fmt.Sprintf(`"cachedContentTokenCount":%d,`, cached)
			}
			return fmt.Sprintf(`{"candidates":[{"content":{"role":"model","parts":[{"text":"yes"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":%d,%s"candidatesTokenCount":1,"totalTokenCount":%d}}`, input, count, input+1)
		}},
		{name: "Bedrock Converse", path: "/model/m/converse", explicit: true, request: converseRequest, response: func(input, cached, written int) string {
			return fmt.Sprintf(`{"output":{"message":{"role":"assistant","content":[{"text":"yes"}]}},"stopReason":"end_turn","usage":{"inputTokens":%d,"cacheReadInputTokens":%d,"cacheWriteInputTokens":%d,"outputTokens":1}}`, input-cached-written, cached, written)
		}},
	}
}

// each makes one element of JSON of each item.
func each(items []string, element func(i int, item string) string) string {
	var all []string
	for i, item := range items {
		all = append(all, element(i, item))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// message cuts a message of an ask into its role and its text.
func message(m string) (role, text string) {
	role, text, _ = strings.Cut(m, ":")
	return map[string]string{"u": "user", "a": "assistant"}[role], text
}

func chatRequest(a ask) string {
	tools := each(a.tools, func(_ int, t string) string {
		return fmt.Sprintf(`{"type":"function","function":{"name":%q,"parameters":{"type":"object","properties":{}}}}`, t)
	})
	messages := each(append([]string{"s:" + a.system}, a.messages...), func(i int, m string) string {
		if i == 0 {
			return fmt.Sprintf(`{"role":"system","content":%q}`, a.system)
		}
		role, text := message(m)
		return fmt.Sprintf(`{"role":%q,"content":%q}`, role, text)
	})
	return `{"model":"m","tools":` + tools + `,"messages":` + messages + `}`
}

func responsesRequest(a ask) string {
	tools := each(a.tools, func(_ int, t string) string { return fmt.Sprintf(`{"type":"function","name":%q}`, t) })
	input := each(a.messages, func(_ int, m string) string {
		role, text := message(m)
		kind := map[string]string{"user": "input_text", "assistant": "output_text"}[role]
		return fmt.Sprintf(`{"type":"message","role":%q,"content":[{"type":%q,"text":%q}]}`, role, kind, text)
	})
	return fmt.Sprintf(`{"model":"m","instructions":%q,"previous_response_id":null,"tools":%s,"input":%s}`, a.system, tools, input)
}

// anthropicRequest marks the last message, which so becomes a list; the others are texts.
func anthropicRequest(a ask) string {
	const mark = `,"cache_control":{"type":"ephemeral","ttl":"5m"}`
	tools := each(a.tools, func(_ int, t string) string {
		return fmt.Sprintf(`{"name":%q,"input_schema":{"type":"object"}}`, t)
	})
	messages := each(a.messages, func(i int, m string) string {
		role, text := message(m)
		if i < len(a.messages)-1 || a.unmarked {
			return fmt.Sprintf(`{"role":%q,"content":%q}`, role, text)
		}
		return fmt.Sprintf(`{"role":%q,"content":[{"type":"text","text":%q%s}]}`, role, text, mark)
	})
	return fmt.Sprintf(`{"model":"m","max_tokens":9,"tools":%s,"system":[{"type":"text","text":%q}],"messages":%s}`, tools, a.system, messages)
}

func geminiRequest(a ask) string {
	tools := each(a.tools, func(_ int, t string) string { return fmt.Sprintf(`{"name":%q}`, t) })
	contents := each(a.messages, func(_ int, m string) string {
		role, text := message(m)
		return fmt.Sprintf(`{"role":%q,"parts":[{"text":%q}]}`, map[string]string{"user": "user", "assistant": "model"}[role], text)
	})
	return fmt.Sprintf(`{"systemInstruction":{"parts":[{"text":%q}]},"tools":[{"functionDeclarations":%s}],"contents":%s}`, a.system, tools, contents)
}

// converseRequest has a point in the last message, after its text.
func converseRequest(a ask) string {
	tools := each(a.tools, func(_ int, t string) string { return fmt.Sprintf(`{"toolSpec":{"name":%q}}`, t) })
	messages := each(a.messages, func(i int, m string) string {
		role, text := message(m)
		point := ""
		if i == len(a.messages)-1 && !a.unmarked {
			point = `,{"cachePoint":{"type":"default"}}`
		}
		return fmt.Sprintf(`{"role":%q,"content":[{"text":%q}%s]}`, role, text, point)
	})
	return fmt.Sprintf(`{"toolConfig":{"tools":%s},"system":[{"text":%q}],"messages":%s}`, tools, a.system, messages)
}
