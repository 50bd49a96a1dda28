package modelsim

import (
	"encoding/json"
	"slices"
)

type messagesBody struct {
	samplingBody
	System   content `json:"system"`
	Messages []struct {
		Role    string  `json:"role"`
		Content content `json:"content"`
	} `json:"messages"`
	Tools      json.RawMessage `json:"tools"`
	ToolChoice *struct {
		Type string `json:"type"`
		Name string `json:"name"`
	} `json:"tool_choice"`
	Thinking *struct {
		Type         string `json:"type"`
		BudgetTokens int    `json:"budget_tokens"`
		Display      string `json:"display"`
	} `json:"thinking"`
	MaxTokens    *int            `json:"max_tokens"`
	CacheControl json.RawMessage `json:"cache_control"`
}

// messageTool is a tool that the answer may call.
type messageTool struct {
	Name         string          `json:"name"`
	Type         string          `json:"type"`
	InputSchema  inputSchema     `json:"input_schema"`
	CacheControl json.RawMessage `json:"cache_control"`
}

func (body *messagesBody) plan(c *call) (order, encoder, error) {
	body.N, body.StreamOptions = nil, nil // not of this API
	p, tools, err := body.prompt(c.s)
	if err != nil {
		return order{}, nil, err
	}
	if body.MaxTokens == nil {
		return order{}, nil, invalidRequest("max_tokens", "max_tokens: Field required")
	}
	sampling, err := body.sampling(&c.s.cfg, body.MaxTokens)
	if err != nil {
		return order{}, nil, err
	}
	enc := &messagesEncoder{vocab: c.s.vocab, id: c.id, requestID: c.rec.ex.ID, index: -1}
	if enc.tool, sampling.tools, err = body.toolUse(tools); err != nil {
		return order{}, nil, err
	}
	enc.input.property = enc.tool.property()
	if sampling.thinking, err = body.thinking(&c.s.cfg, sampling); err != nil {
		return order{}, nil, err
	}
	enc.omits = sampling.thinking.share > 0 && !sampling.thinking.shown
	o := order{model: body.Model, responseID: "msg_" + c.id, stream: body.Stream, prompts: []*prompt{p}, sampling: sampling}
	enc.message = newMessageObject(o)
	return o, enc, nil
}

// prompt renders the conversation and what of it the request marks for the cache. It also returns
// the tools.
func (body *messagesBody) prompt(s *Server) (*prompt, []messageTool, error) {
	if len(body.Messages) == 0 {
		return nil, nil, invalidRequest("messages", "messages: at least one message is required")
	}
	var tools []messageTool
	if !isNull(body.Tools) {
		if err := json.Unmarshal(body.Tools, &tools); err != nil {
			return nil, nil, invalidRequest("tools", "tools: %v", err)
		}
	}
	var messages []message
	if len(body.System) > 0 {
		messages = append(messages, message{role: "system", content: body.System})
	}
	for _, m := range body.Messages {
		messages = append(messages, message{role: m.Role, content: m.Content})
	}
	p := s.chatPrompt(body.Model, body.Tools, messages)
	marksTool := func(t messageTool) bool { return !isNull(t.CacheControl) }
	switch {
	case !isNull(body.CacheControl):
		p.marked = p.tokens - 1 // all but the marker that opens the answer
	case p.marked == 0 && slices.ContainsFunc(tools, marksTool):
		p.marked = CountTokens(string(body.Tools)) // which the prompt begins with
	}
	return p, tools, nil
}

// toolUse is the tool that the answer calls, and what else the answer has. A request forces a call
// with a tool_choice of any or tool. With auto the answer is text and then a call, unless the
// request brings the result of one. Without a tool_choice nothing is called.
func (body *messagesBody) toolUse(tools []messageTool) (tool, toolUse, error) {
	choice := body.ToolChoice
	if choice == nil || choice.Type == "none" {
		return tool{}, noTool, nil
	}
	at := slices.IndexFunc(tools, func(t messageTool) bool {
		client := t.Type == "" || t.Type == "custom"
		return client && (choice.Type != "tool" || t.Name == choice.Name)
	})
	if at < 0 {
		return tool{}, noTool, invalidRequest("tool_choice", "tool_choice: no tool is there to choose")
	}
	called := tool{tools[at].Name, tools[at].InputSchema}
	switch choice.Type {
	case "any", "tool":
		return called, onlyTool, nil
	case "auto":
		last := body.Messages[len(body.Messages)-1].Content
		if slices.ContainsFunc(last, func(p part) bool { return p.toolResult }) {
			return tool{}, noTool, nil
		}
		return called, textThenTool, nil
	}
	return tool{}, noTool, invalidRequest("tool_choice", "tool_choice: %q is none of auto, any, tool, none", choice.Type)
}

// thinking is what the request asks for; without its asking, an answer has none.
func (body *messagesBody) thinking(cfg *Config, s sampling) (thinking, error) {
	asked := body.Thinking
	if asked == nil || asked.Type == "disabled" || asked.Type == "between_tools" {
		return thinking{}, nil
	}
	t := cfg.thinking(nil, asked.Display != "omitted")
	t.budget = asked.BudgetTokens
	switch {
	case asked.Type != "enabled" && asked.Type != "adaptive":
		return t, invalidRequest("thinking", "thinking: %q is none of enabled, adaptive, disabled, between_tools", asked.Type)
	case asked.Type == "enabled" && (t.budget < 1 || t.budget >= s.maxTokens):
		return t, invalidRequest("thinking", "thinking: budget_tokens must be positive and less than max_tokens")
	case s.tools == onlyTool:
		return t, invalidRequest("thinking", "Thinking may not be enabled when tool_choice forces tool use.")
	}
	return t, nil
}

// countTokens answers with the length of the prompt and generates nothing.
func (c *call) countTokens() error {
	var body messagesBody
	if err := c.decode(&body); err != nil {
		return err
	}
	p, _, err := body.prompt(c.s)
	if err != nil {
		return err
	}
	return c.sendCount(body.Model, p, struct {
		InputTokens int `json:"input_tokens"`
	}{p.tokens})
}
