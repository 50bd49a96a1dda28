package modelsim

import (
	"encoding/json"
	"strconv"
)

type chatBody struct {
	samplingBody
	Messages []struct {
		Role      string          `json:"role"`
		Content   content         `json:"content"`
		ToolCalls json.RawMessage `json:"tool_calls"`
	} `json:"messages"`
	Tools               json.RawMessage `json:"tools"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
}

func (body *chatBody) plan(c *call) (order, encoder, error) {
	if len(body.Messages) == 0 {
		return order{}, nil, invalidRequest("messages", "Invalid 'messages': expected at least one message.")
	}
	limit := body.MaxCompletionTokens
	if limit == nil {
		limit = body.MaxTokens
	}
	sampling, err := body.sampling(&c.s.cfg, limit)
	if err != nil {
		return order{}, nil, err
	}
	var messages []message
	for _, m := range body.Messages {
		turn := message{role: m.Role, content: m.Content}
		if !isNull(m.ToolCalls) {
			turn.extra = string(m.ToolCalls)
		}
		messages = append(messages, turn)
	}
	o := order{
		model: body.Model, responseID: "chatcmpl-" + c.id, stream: body.Stream,
		prompts: []*prompt{c.s.chatPrompt(body.Model, body.Tools, messages)}, sampling: sampling,
	}
	object := "chat.completion"
	if body.Stream {
		object = "chat.completion.chunk"
	}
	return o, &chatEncoder{c.newChunks(&body.samplingBody, o, object, chatWording)}, nil
}

// chatEncoder words an answer as chat completion chunks or as one chat completion.
type chatEncoder struct{ chunks }

func chatWording(choice int) wording {
	return wording{`{"index":` + strconv.Itoa(choice) + `,"delta":{"content":"`, `"},"logprobs":null,"finish_reason":null}`}
}

// open is a role-only chunk for each choice.
func (e *chatEncoder) open(tally) []event {
	var events []event
	for i := range e.choices {
		events = append(events, e.event(`{"index":`+strconv.Itoa(i)+
			`,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}`))
	}
	return events
}

func (e *chatEncoder) enter(section) []event { return nil }

func (e *chatEncoder) finish(choice int, reason string) []event {
	return []event{e.event(`{"index":` + strconv.Itoa(choice) + `,"delta":{},"logprobs":null,"finish_reason":"` + reason + `"}`)}
}

type chatMessage struct {
	Role        string  `json:"role"`
	Content     string  `json:"content"`
	Refusal     *string `json:"refusal"`
	Annotations []any   `json:"annotations"`
}

type chatChoice struct {
	Index        int         `json:"index"`
	Message      chatMessage `json:"message"`
	Logprobs     *struct{}   `json:"logprobs"`
	FinishReason string      `json:"finish_reason"`
}

func (e *chatEncoder) whole(answers []answer, t tally) any {
	body := struct {
		envelope
		Choices           []chatChoice `json:"choices"`
		Usage             tokenUsage   `json:"usage"`
		ServiceTier       string       `json:"service_tier"`
		SystemFingerprint *string      `json:"system_fingerprint"`
		Metrics           *metrics     `json:"metrics,omitempty"`
	}{envelope: e.envelope, Usage: t.usage(), ServiceTier: "default", Metrics: e.told(t)}
	for i, a := range answers {
		body.Choices = append(body.Choices, chatChoice{
			Index:        i,
			Message:      chatMessage{Role: "assistant", Content: string(a.said[textSection]), Annotations: []any{}},
			FinishReason: a.reason,
		})
	}
	return body
}
