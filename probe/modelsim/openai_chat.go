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
	Tools               functionTools  `json:"tools"`
	ToolChoice          functionChoice `json:"tool_choice"`
	MaxTokens           *int           `json:"max_tokens"`
	MaxCompletionTokens *int           `json:"max_completion_tokens"`
	// Thinking is DeepSeek's way to ask for reasoning in the answer, and PromptMode Mistral's.
	Thinking struct {
		Type string `json:"type"`
	} `json:"thinking"`
	PromptMode string `json:"prompt_mode"`
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
	answered := body.Messages[len(body.Messages)-1].Role == "tool"
	called, use, err := body.ToolChoice.use(body.Tools.declarations(), answered)
	if err != nil {
		return order{}, nil, err
	}
	sampling.tools = use
	enc := &chatEncoder{id: c.id, called: called, parts: body.PromptMode == "reasoning"}
	if enc.parts || body.Thinking.Type == "enabled" {
		sampling.thinking = c.s.cfg.thinking(nil, true)
	}
	o := order{
		model: body.Model, responseID: "chatcmpl-" + c.id, stream: body.Stream,
		prompts: []*prompt{body.prompt(c.s)}, sampling: sampling,
	}
	object := "chat.completion"
	if body.Stream {
		object = "chat.completion.chunk"
	}
	enc.chunks = c.newChunks(&body.samplingBody, o, object, called, enc.wordings)
	return o, enc, nil
}

func (body *chatBody) prompt(s *Server) *prompt {
	var messages []message
	for _, m := range body.Messages {
		turn := message{role: m.Role, content: m.Content}
		if !isNull(m.ToolCalls) {
			turn.extra = string(m.ToolCalls)
		}
		messages = append(messages, turn)
	}
	return s.chatPrompt(body.Model, declared(body.Tools.declarations()), messages)
}

// chatEncoder words an answer as chat completion chunks or as one chat completion.
type chatEncoder struct {
	chunks
	id     string
	called tool
	parts  bool // reasoning stands in the parts of a content, as Mistral has it
}

// wordings is what surrounds the tokens of a choice.
func (e *chatEncoder) wordings(choice int) wordings {
	before, after := `{"index":`+strconv.Itoa(choice)+`,"delta":{`, `},"logprobs":null,"finish_reason":null}`
	thinking := wording{before + `"reasoning_content":"`, `"` + after}
	if e.parts {
		thinking = wording{before + `"content":[{"type":"thinking","thinking":[{"type":"text","text":"`, `"}]}]` + after}
	}
	call := `"tool_calls":[{"index":0,"id":"` + e.callID(choice) + `","type":"function","function":{"name":` + quoteJSON(e.called.name)
	return wordings{
		thinkingSection:  thinking,
		textSection:      {before + `"content":"`, `"` + after},
		toolNameSection:  {before + call + `,"arguments":"`, `"}}]` + after},
		toolInputSection: {before + `"tool_calls":[{"index":0,"function":{"arguments":"`, `"}}]` + after},
	}
}

func (e *chatEncoder) callID(choice int) string { return "call_" + e.id + strconv.Itoa(choice) }

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
	Role        string         `json:"role"`
	Content     any            `json:"content"` // a string, null, or contentParts
	Reasoning   string         `json:"reasoning_content,omitempty"`
	ToolCalls   []functionCall `json:"tool_calls,omitempty"`
	Refusal     *string        `json:"refusal"`
	Annotations []any          `json:"annotations"`
}

// contentPart is text, or thinking that has parts of its own.
type contentPart struct {
	Type     string        `json:"type"`
	Thinking []contentPart `json:"thinking,omitempty"`
	Text     string        `json:"text,omitempty"`
}

// message is a choice's message in a whole answer.
func (e *chatEncoder) message(choice int, said [sections][]byte) chatMessage {
	m := chatMessage{Role: "assistant", Annotations: []any{}}
	text, thought := string(said[textSection]), string(said[thinkingSection])
	calls := len(said[toolNameSection]) > 0
	if !calls || text != "" {
		m.Content = text
	}
	if calls {
		m.ToolCalls = []functionCall{newFunctionCall(e.callID(choice), e.called, said[toolInputSection])}
	}
	if !e.parts || thought == "" {
		m.Reasoning = thought
		return m
	}
	content := []contentPart{{Type: "thinking", Thinking: []contentPart{{Type: "text", Text: thought}}}}
	if text != "" {
		content = append(content, contentPart{Type: "text", Text: text})
	}
	m.Content = content
	return m
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
		body.Choices = append(body.Choices, chatChoice{Index: i, Message: e.message(i, a.said), FinishReason: a.reason})
	}
	return body
}
