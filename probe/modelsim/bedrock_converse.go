package modelsim

import (
	"encoding/json"
	"slices"
)

type converseBody struct {
	System   []converseBlock `json:"system"`
	Messages []struct {
		Role    string          `json:"role"`
		Content []converseBlock `json:"content"`
	} `json:"messages"`
	Inference struct {
		MaxTokens *int `json:"maxTokens"`
	} `json:"inferenceConfig"`
	ToolConfig struct {
		Tools []struct {
			Spec *struct {
				declaration
				Schema struct {
					JSON json.RawMessage `json:"json"`
				} `json:"inputSchema"`
			} `json:"toolSpec"`
		} `json:"tools"`
		Choice struct {
			Auto json.RawMessage `json:"auto"`
			Any  json.RawMessage `json:"any"`
			Tool *struct {
				Name string `json:"name"`
			} `json:"tool"`
		} `json:"toolChoice"`
	} `json:"toolConfig"`
	Additional struct {
		Thinking *struct {
			Type         string `json:"type"`
			BudgetTokens *int   `json:"budget_tokens"`
		} `json:"thinking"`
	} `json:"additionalModelRequestFields"`
}

// converseBlock is text, something else in its raw form, or the end of what is for the cache.
type converseBlock struct{ part }

// UnmarshalJSON reads any kind of block.
func (b *converseBlock) UnmarshalJSON(raw []byte) error {
	var kinds struct {
		Text       *string         `json:"text"`
		CachePoint json.RawMessage `json:"cachePoint"`
		ToolUse    json.RawMessage `json:"toolUse"`
		ToolResult json.RawMessage `json:"toolResult"`
		Reasoning  json.RawMessage `json:"reasoningContent"`
	}
	if err := json.Unmarshal(raw, &kinds); err != nil {
		return invalidRequest("content", "The content block is not valid: %v.", err)
	}
	b.marked, b.toolResult = !isNull(kinds.CachePoint), !isNull(kinds.ToolResult)
	switch {
	case b.marked:
	case kinds.Text != nil:
		b.text = *kinds.Text
	case b.toolResult, !isNull(kinds.ToolUse), !isNull(kinds.Reasoning):
		b.text = string(canonical(raw))
	default:
		b.opaque = string(raw)
	}
	return nil
}

func converseContent(blocks []converseBlock) content {
	var c content
	for _, b := range blocks {
		c = append(c, b.part)
	}
	return c
}

// plan takes the model from the path. Whether the answer is a stream depends on the path as well.
func (body *converseBody) plan(c *call) (order, encoder, error) {
	if len(body.Messages) == 0 {
		return order{}, nil, invalidRequest("messages", "The conversation has no messages.")
	}
	var messages []message
	if len(body.System) > 0 {
		messages = append(messages, message{role: "system", content: converseContent(body.System)})
	}
	for _, m := range body.Messages {
		messages = append(messages, message{role: m.Role, content: converseContent(m.Content)})
	}
	sampling, err := new(samplingBody).sampling(&c.s.cfg, body.Inference.MaxTokens)
	if err != nil {
		return order{}, nil, err
	}
	if t := body.Additional.Thinking; t != nil && t.Type != "disabled" {
		sampling.thinking = c.s.cfg.thinking(t.BudgetTokens, true)
	}
	enc := &converseEncoder{vocab: c.s.vocab, id: c.id, start: c.start, index: -1}
	if enc.tool, sampling.tools, err = body.toolUse(); err != nil {
		return order{}, nil, err
	}
	enc.input.property = enc.tool.property()
	return order{
		model: c.pathName, stream: c.api.framing != nil, sampling: sampling,
		prompts: []*prompt{c.s.chatPrompt(c.pathName, declared(body.declarations()), messages)},
	}, enc, nil
}

// toolUse is the tool that the answer calls. The choices any and tool force a call. With auto the
// answer is text and then a call, unless the request brings the result of one. Without a choice
// nothing is called.
func (body *converseBody) toolUse() (tool, toolUse, error) {
	choice := body.ToolConfig.Choice
	use := onlyTool
	if isNull(choice.Any) && choice.Tool == nil {
		use = textThenTool
		last := body.Messages[len(body.Messages)-1].Content
		if isNull(choice.Auto) || slices.ContainsFunc(last, func(b converseBlock) bool { return b.toolResult }) {
			return tool{}, noTool, nil
		}
	}
	for _, d := range body.declarations() {
		if choice.Tool == nil || choice.Tool.Name == d.Name {
			return d.tool(), use, nil
		}
	}
	return tool{}, noTool, invalidRequest("toolConfig", "The tool configuration has no tool to choose.")
}

// declarations are the tools that the answer may call.
func (body *converseBody) declarations() []declaration {
	var list []declaration
	for _, t := range body.ToolConfig.Tools {
		if t.Spec != nil {
			d := t.Spec.declaration
			d.Schema = t.Spec.Schema.JSON
			list = append(list, d)
		}
	}
	return list
}
