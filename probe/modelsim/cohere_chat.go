package modelsim

import (
	"encoding/json"
	"strings"
)

// cohereBody is a request to chat.
// https://docs.cohere.com/v2/reference/chat
type cohereBody struct {
	samplingBody
	Messages []struct {
		Role      string          `json:"role"`
		Content   content         `json:"content"`
		ToolCalls json.RawMessage `json:"tool_calls"`
	} `json:"messages"`
	Tools      functionTools `json:"tools"`
	ToolChoice string        `json:"tool_choice"`
	MaxTokens  *int          `json:"max_tokens"`
	Thinking   *struct {
		Type        string `json:"type"`
		TokenBudget *int   `json:"token_budget"`
	} `json:"thinking"`
}

// plan lets an answer call a tool when the request has tools, because the API has no word for that.
func (body *cohereBody) plan(c *call) (order, encoder, error) {
	body.N, body.StreamOptions = nil, nil // not of this API
	if len(body.Messages) == 0 {
		return order{}, nil, invalidRequest("messages", "invalid request: messages must not be empty")
	}
	sampling, err := body.sampling(&c.s.cfg, body.MaxTokens)
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
	enc := &cohereEncoder{vocab: c.s.vocab, id: c.id, index: -1}
	answered := body.Messages[len(body.Messages)-1].Role == "tool"
	choice := functionChoice{choice: strings.ToLower(body.ToolChoice)}
	if choice.choice == "" && len(body.Tools) > 0 {
		choice.choice = "auto"
	}
	if enc.tool, sampling.tools, err = choice.use(body.Tools.declarations(), answered); err != nil {
		return order{}, nil, err
	}
	enc.plans, enc.input.property = sampling.tools == textThenTool, enc.tool.property()
	sampling.thinking = thinking{}
	if t := body.Thinking; t != nil && t.Type == "enabled" {
		sampling.thinking = c.s.cfg.thinking(t.TokenBudget, true)
	}
	return order{
		model: body.Model, responseID: c.id, stream: body.Stream,
		prompts: []*prompt{c.s.chatPrompt(body.Model, declared(body.Tools.declarations()), messages)}, sampling: sampling,
	}, enc, nil
}
