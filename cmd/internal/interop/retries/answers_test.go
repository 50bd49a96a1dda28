//go:build interop

package retries_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
)

// wireAnswer is a valid short answer, in the parts in which the server writes it.
type wireAnswer struct {
	dialect     string
	contentType string
	streams     bool
	parts       []string
}

// answerTo returns the answer of the API whose paths end like path, or nil if there is
// no such API.
func answerTo(path string, body []byte) *wireAnswer {
	var ask struct {
		Stream bool   `json:"stream"`
		Model  string `json:"model"`
	}
	_ = json.Unmarshal(body, &ask) // a body that is no JSON has neither field
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
		return chatAnswer(ask.Model, ask.Stream)
	case strings.HasSuffix(path, "/responses"):
		return responsesAnswer(ask.Model, ask.Stream)
	case strings.HasSuffix(path, "/v1/messages"):
		return messagesAnswer(ask.Model, ask.Stream)
	case strings.HasSuffix(path, ":generateContent"):
		return whole("gemini", geminiChunk("Hello there.", "STOP"))
	case strings.HasSuffix(path, ":streamGenerateContent"):
		return &wireAnswer{"gemini", eventStream, true, []string{
			event("", geminiChunk("Hello", "")), event("", geminiChunk(" there", "")), event("", geminiChunk(".", "STOP")),
		}}
	case strings.HasSuffix(path, "/converse"):
		return whole("bedrock", `{"output":{"message":{"role":"assistant","content":[{"text":"Hello there."}]}},`+
			`"stopReason":"end_turn","usage":{"inputTokens":9,"outputTokens":3,"totalTokens":12},"metrics":{"latencyMs":20}}`)
	case strings.HasSuffix(path, "/converse-stream"):
		return converseStream()
	}
	return nil
}

const eventStream = "text/event-stream; charset=utf-8"

// whole returns an answer that is not streamed. The server writes it in two parts.
func whole(dialect, body string) *wireAnswer {
	return &wireAnswer{dialect, "application/json", false, []string{body[:len(body)/2], body[len(body)/2:]}}
}

// event returns a server-sent event. With an empty name it has no name.
func event(name, data string) string {
	if name != "" {
		name = "event: " + name + "\n"
	}
	return name + "data: " + data + "\n\n"
}

const openAIUsage = `{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}`

func chatAnswer(model string, streams bool) *wireAnswer {
	const head = `{"id":"chatcmpl-1","object":"%s","created":1763800000,"model":%q,"choices":[%s]%s}`
	if !streams {
		return whole("openai", fmt.Sprintf(head, "chat.completion", model,
			`{"index":0,"message":{"role":"assistant","content":"Hello there.","refusal":null},"logprobs":null,"finish_reason":"stop"}`,
			`,"usage":`+openAIUsage))
	}
	answer := &wireAnswer{"openai", eventStream, true, nil}
	for _, choice := range []string{
		`{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}`,
		`{"index":0,"delta":{"content":"Hello"},"finish_reason":null}`,
		`{"index":0,"delta":{"content":" there"},"finish_reason":null}`,
		`{"index":0,"delta":{"content":"."},"finish_reason":null}`,
		`{"index":0,"delta":{},"finish_reason":"stop"}`,
	} {
		answer.parts = append(answer.parts, event("", fmt.Sprintf(head, "chat.completion.chunk", model, choice, "")))
	}
	answer.parts = append(answer.parts, event("", "[DONE]"))
	return answer
}

func responsesAnswer(model string, streams bool) *wireAnswer {
	response := func(status, output, usage string) string {
		return fmt.Sprintf(`{"id":"resp_1","object":"response","created_at":1763800000,"status":%q,"error":null,"incomplete_details":null,`+
			`"instructions":null,"model":%q,"output":[%s],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":%s}`,
			status, model, output, usage)
	}
	item := func(status, content string) string {
		return fmt.Sprintf(`{"type":"message","id":"msg_1","status":%q,"role":"assistant","content":[%s]}`, status, content)
	}
	part := func(text string) string {
		return fmt.Sprintf(`{"type":"output_text","text":%q,"annotations":[],"logprobs":[]}`, text)
	}
	done := response("completed", item("completed", part("Hello there.")), `{"input_tokens":9,"input_tokens_details":{"cached_tokens":0},`+
		`"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":12}`)
	if !streams {
		return whole("openai", done)
	}
	answer := &wireAnswer{"openai", eventStream, true, nil}
	for i, e := range []struct{ name, rest string }{
		{"response.created", `"response":` + response("in_progress", "", "null")},
		{"response.output_item.added", `"output_index":0,"item":` + item("in_progress", "")},
		{"response.content_part.added", `"item_id":"msg_1","output_index":0,"content_index":0,"part":` + part("")},
		{"response.output_text.delta", `"item_id":"msg_1","output_index":0,"content_index":0,"logprobs":[],"delta":"Hello"`},
		{"response.output_text.delta", `"item_id":"msg_1","output_index":0,"content_index":0,"logprobs":[],"delta":" there."`},
		{"response.output_text.done", `"item_id":"msg_1","output_index":0,"content_index":0,"logprobs":[],"text":"Hello there."`},
		{"response.content_part.done", `"item_id":"msg_1","output_index":0,"content_index":0,"part":` + part("Hello there.")},
		{"response.output_item.done", `"output_index":0,"item":` + item("completed", part("Hello there."))},
		{"response.completed", `"response":` + done},
	} {
		answer.parts = append(answer.parts, event(e.name, fmt.Sprintf(`{"type":%q,"sequence_number":%d,%s}`, e.name, i, e.rest)))
	}
	return answer
}

func messagesAnswer(model string, streams bool) *wireAnswer {
	message := func(content, reason string, output int) string {
		return fmt.Sprintf(`{"id":"msg_1","type":"message","role":"assistant","model":%q,"content":[%s],"stop_reason":%s,`+
			`"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":%d}}`, model, content, reason, output)
	}
	if !streams {
		return whole("anthropic", message(`{"type":"text","text":"Hello there."}`, `"end_turn"`, 3))
	}
	answer := &wireAnswer{"anthropic", eventStream, true, nil}
	for _, e := range []struct{ name, rest string }{
		{"message_start", `,"message":` + message("", "null", 1)},
		{"content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`},
		{"content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":"Hello"}`},
		{"content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":" there."}`},
		{"content_block_stop", `,"index":0`},
		{"message_delta", `,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":3}`},
		{"message_stop", ""},
	} {
		answer.parts = append(answer.parts, event(e.name, fmt.Sprintf(`{"type":%q%s}`, e.name, e.rest)))
	}
	return answer
}

func geminiChunk(text, reason string) string {
	if reason != "" {
		reason = fmt.Sprintf(`,"finishReason":%q`, reason)
	}
	return fmt.Sprintf(`{"candidates":[{"content":{"parts":[{"text":%q}],"role":"model"}%s,"index":0}],`+
		`"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":3,"totalTokenCount":12},"modelVersion":"gemini-2.5-flash"}`, text, reason)
}

func converseStream() *wireAnswer {
	answer := &wireAnswer{"bedrock", "application/vnd.amazon.eventstream", true, nil}
	for _, e := range []struct{ kind, payload string }{
		{"messageStart", `{"role":"assistant"}`},
		{"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"Hello"}}`},
		{"contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":" there."}}`},
		{"contentBlockStop", `{"contentBlockIndex":0}`},
		{"messageStop", `{"stopReason":"end_turn"}`},
		{"metadata", `{"usage":{"inputTokens":9,"outputTokens":3,"totalTokens":12},"metrics":{"latencyMs":20}}`},
	} {
		answer.parts = append(answer.parts, amazonMessage(e.kind, e.payload))
	}
	return answer
}

// amazonMessage returns one event of vnd.amazon.eventstream: lengths with a checksum,
// headers of type string, the payload, and a checksum of the whole message.
func amazonMessage(kind, payload string) string {
	var headers bytes.Buffer
	for _, h := range [][2]string{{":event-type", kind}, {":content-type", "application/json"}, {":message-type", "event"}} {
		headers.WriteByte(byte(len(h[0])))
		headers.WriteString(h[0])
		headers.WriteByte(7)
		headers.Write(binary.BigEndian.AppendUint16(nil, uint16(len(h[1]))))
		headers.WriteString(h[1])
	}
	const prelude, checksums = 8, 8
	m := binary.BigEndian.AppendUint32(nil, uint32(prelude+checksums+headers.Len()+len(payload)))
	m = binary.BigEndian.AppendUint32(m, uint32(headers.Len()))
	m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
	m = append(m, headers.Bytes()...)
	m = append(m, payload...)
	m = binary.BigEndian.AppendUint32(m, crc32.ChecksumIEEE(m))
	return string(m)
}

// errorBody returns the API's body for a failure.
func (a *wireAnswer) errorBody(status int) string {
	switch a.dialect {
	case "anthropic":
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":"try later"},"request_id":"req_1"}`, map[int]string{
			429: "rate_limit_error", 529: "overloaded_error",
		}[status]+map[int]string{500: "api_error", 503: "api_error"}[status])
	case "gemini":
		return fmt.Sprintf(`{"error":{"code":%d,"message":"try later","status":%q}}`, status, map[int]string{
			429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 529: "UNKNOWN",
		}[status])
	case "bedrock":
		return `{"message":"try later"}`
	}
	kind := "server_error"
	if status == http.StatusTooManyRequests {
		kind = "rate_limit_exceeded"
	}
	return fmt.Sprintf(`{"error":{"message":"try later","type":%q,"param":null,"code":%q}}`, kind, kind)
}

// errorHeader returns the API's header fields for a failure.
func (a *wireAnswer) errorHeader(status int) map[string]string {
	exception := map[int]string{
		429: "ThrottlingException", 500: "InternalServerException", 503: "ServiceUnavailableException",
	}[status]
	if a.dialect != "bedrock" || exception == "" {
		return nil
	}
	return map[string]string{"X-Amzn-Errortype": exception}
}
