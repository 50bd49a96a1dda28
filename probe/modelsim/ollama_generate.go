package modelsim

import (
	"bytes"
	"encoding/json"
	"time"
)

// ollamaBody has the fields that chat and generate share.
type ollamaBody struct {
	Model   string          `json:"model"`
	Stream  *bool           `json:"stream"`
	Think   json.RawMessage `json:"think"` // a boolean, or how hard
	Options struct {
		NumPredict *int   `json:"num_predict"`
		Seed       *int64 `json:"seed"`
	} `json:"options"`
}

// plan is the order for a prompt. A request that does not say otherwise gets a stream. A negative
// num_predict is no bound.
func (body *ollamaBody) plan(c *call, p *prompt) (order, *ollamaEncoder, error) {
	limit := body.Options.NumPredict
	if limit != nil && *limit < 0 {
		limit = nil
	}
	shared := samplingBody{Seed: body.Options.Seed}
	sampling, err := shared.sampling(&c.s.cfg, limit)
	if err != nil {
		return order{}, nil, err
	}
	if !isNull(body.Think) && !bytes.Equal(body.Think, []byte("false")) {
		sampling.thinking = c.s.cfg.thinking(nil, true)
	}
	return order{
		model: body.Model, stream: body.Stream == nil || *body.Stream, prompts: []*prompt{p}, sampling: sampling,
	}, &ollamaEncoder{vocab: c.s.vocab, model: body.Model, start: c.start}, nil
}

type ollamaChatBody struct {
	ollamaBody
	Messages []struct {
		Role      string            `json:"role"`
		Content   string            `json:"content"`
		Images    []json.RawMessage `json:"images"`
		ToolCalls json.RawMessage   `json:"tool_calls"`
	} `json:"messages"`
	Tools functionTools `json:"tools"`
}

func (body *ollamaChatBody) plan(c *call) (order, encoder, error) {
	if len(body.Messages) == 0 {
		return order{}, nil, invalidRequest("messages", "messages is empty: the simulator loads no models")
	}
	var messages []message
	for _, m := range body.Messages {
		turn := message{role: m.Role, content: content{{text: m.Content}}}
		for _, image := range m.Images {
			turn.content = append(turn.content, part{opaque: string(image)})
		}
		if !isNull(m.ToolCalls) {
			turn.extra = string(m.ToolCalls)
		}
		messages = append(messages, turn)
	}
	o, enc, err := body.ollamaBody.plan(c, c.s.chatPrompt(body.Model, declared(body.Tools.declarations()), messages))
	if err != nil {
		return order{}, nil, err
	}
	enc.chats = true
	enc.call.tool, o.tools = body.toolUse()
	return o, enc, nil
}

// toolUse is the tool that the answer calls. An answer is text and then a call of the first tool,
// unless the request brings the result of one.
func (body *ollamaChatBody) toolUse() (tool, toolUse) {
	declarations := body.Tools.declarations()
	if len(declarations) == 0 || body.Messages[len(body.Messages)-1].Role == "tool" {
		return tool{}, noTool
	}
	return declarations[0].tool(), textThenTool
}

type ollamaGenerateBody struct {
	ollamaBody
	Prompt string `json:"prompt"`
	System string `json:"system"`
}

func (body *ollamaGenerateBody) plan(c *call) (order, encoder, error) {
	o, enc, err := body.ollamaBody.plan(c, c.s.textPrompt(body.Model, textInput{text: body.System + body.Prompt}))
	return o, enc, err
}

// ollamaEmbed serves the API for embeddings.
func (c *call) ollamaEmbed() error {
	var body struct {
		Model      string     `json:"model"`
		Input      textInputs `json:"input"`
		Dimensions *int       `json:"dimensions"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	vectors, tokens, err := c.embed(body.Model, body.Input, body.Dimensions)
	if err != nil {
		return err
	}
	return c.send(struct {
		Model      string      `json:"model"`
		Embeddings [][]float32 `json:"embeddings"`
		ollamaTimes
	}{body.Model, vectors, ollamaTimes{Total: time.Since(c.start).Nanoseconds(), PromptTokens: tokens}}, 0)
}
