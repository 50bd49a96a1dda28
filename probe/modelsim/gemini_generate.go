package modelsim

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// geminiBody is a request. The API takes every name in both spellings; the Python SDK has a few of them
// in snake case.
type geminiBody struct {
	geminiPrompt
	ToolConfig struct {
		FunctionCalling struct {
			Mode    string   `json:"mode"`
			Allowed []string `json:"allowedFunctionNames"`
		} `json:"functionCallingConfig"`
	} `json:"toolConfig"`
	Generation struct {
		MaxOutputTokens *int   `json:"maxOutputTokens"`
		Seed            *int64 `json:"seed"`
		Thinking        *struct {
			Budget      *int `json:"thinkingBudget"`
			SnakeBudget *int `json:"thinking_budget"`
			Shown       bool `json:"includeThoughts"`
			SnakeShown  bool `json:"include_thoughts"`
		} `json:"thinkingConfig"`
	} `json:"generationConfig"`
}

// geminiPrompt is the conversation in a request.
type geminiPrompt struct {
	Contents          []geminiContent `json:"contents"`
	SystemInstruction *geminiContent  `json:"systemInstruction"`
	Tools             []struct {
		Functions []geminiFunction `json:"functionDeclarations"`
	} `json:"tools"`
}

type geminiFunction struct {
	declaration
	Parameters  json.RawMessage `json:"parameters"`
	JSONSchema  json.RawMessage `json:"parametersJsonSchema"`
	SnakeSchema json.RawMessage `json:"parameters_json_schema"`
}

// declarations are the functions that the answer may call.
func (body *geminiPrompt) declarations() []declaration {
	var list []declaration
	for _, t := range body.Tools {
		for _, f := range t.Functions {
			for _, schema := range []json.RawMessage{f.Parameters, f.JSONSchema, f.SnakeSchema} {
				if !isNull(schema) {
					f.Schema = schema
				}
			}
			list = append(list, f.declaration)
		}
	}
	return list
}

// geminiContent is one turn, or one input of an embedding.
type geminiContent struct {
	Role  string       `json:"role"`
	Parts []geminiPart `json:"parts"`
}

// geminiPart is text, or something else in its raw form.
type geminiPart struct{ part }

// UnmarshalJSON reads any kind of part. Calls of functions and their results count like text.
func (p *geminiPart) UnmarshalJSON(raw []byte) error {
	var kinds struct {
		Text         *string         `json:"text"`
		FunctionCall json.RawMessage `json:"functionCall"`
		Response     json.RawMessage `json:"functionResponse"`
	}
	if err := json.Unmarshal(raw, &kinds); err != nil {
		return invalidRequest("contents", "Invalid value at 'contents[].parts[]': %v.", err)
	}
	p.toolResult = !isNull(kinds.Response)
	switch {
	case kinds.Text != nil:
		p.text = *kinds.Text
	case p.toolResult, !isNull(kinds.FunctionCall):
		p.text = string(canonical(raw))
	default:
		p.opaque = string(raw)
	}
	return nil
}

func (c *geminiContent) message(role string) message {
	m := message{role: role}
	if c.Role != "" {
		m.role = c.Role
	}
	for _, p := range c.Parts {
		m.content = append(m.content, p.part)
	}
	return m
}

func (body *geminiPrompt) prompt(c *call) (*prompt, error) {
	if len(body.Contents) == 0 {
		return nil, invalidRequest("contents", "* GenerateContentRequest.contents: contents is not specified")
	}
	var messages []message
	if body.SystemInstruction != nil {
		messages = append(messages, body.SystemInstruction.message("system"))
	}
	for _, turn := range body.Contents {
		messages = append(messages, turn.message("user"))
	}
	return c.s.chatPrompt(c.pathName, declared(body.declarations()), messages), nil
}

// plan takes the model from the path. Whether the answer is a stream depends on the path as well.
func (body *geminiBody) plan(c *call) (order, encoder, error) {
	p, err := body.prompt(c)
	if err != nil {
		return order{}, nil, err
	}
	shared := samplingBody{Seed: body.Generation.Seed}
	sampling, err := shared.sampling(&c.s.cfg, body.Generation.MaxOutputTokens)
	if err != nil {
		return order{}, nil, err
	}
	if t := body.Generation.Thinking; t != nil {
		sampling.thinking = c.s.cfg.thinking(cmp.Or(t.Budget, t.SnakeBudget), t.Shown || t.SnakeShown)
	}
	enc := &geminiEncoder{
		vocab: c.s.vocab, model: c.pathName, id: c.id, vertex: strings.Contains(c.r.URL.Path, "/publishers/google/"),
	}
	if enc.call.tool, sampling.tools, err = body.toolUse(); err != nil {
		return order{}, nil, err
	}
	return order{
		model: c.pathName, responseID: c.id, stream: c.api.framing != nil, prompts: []*prompt{p}, sampling: sampling,
	}, enc, nil
}

// toolUse is the function that the answer calls. The mode ANY forces a call. With AUTO the answer is
// text and then a call, unless the request brings the result of one. Without a mode nothing is
// called.
func (body *geminiBody) toolUse() (tool, toolUse, error) {
	asked := body.ToolConfig.FunctionCalling
	if asked.Mode != "ANY" && asked.Mode != "AUTO" {
		return tool{}, noTool, nil
	}
	last := body.Contents[len(body.Contents)-1].Parts
	answersCall := slices.ContainsFunc(last, func(p geminiPart) bool { return p.toolResult })
	for _, d := range body.declarations() {
		switch {
		case len(asked.Allowed) > 0 && !slices.Contains(asked.Allowed, d.Name):
		case asked.Mode == "ANY":
			return d.tool(), onlyTool, nil
		case !answersCall:
			return d.tool(), textThenTool, nil
		}
	}
	if asked.Mode == "ANY" {
		return tool{}, noTool, invalidRequest("tools", "Function calling config is set without function_declarations.")
	}
	return tool{}, noTool, nil
}

// geminiTokens answers with the length of the prompt and generates nothing.
func (c *call) geminiTokens() error {
	var body geminiPrompt
	if err := c.decode(&body); err != nil {
		return err
	}
	p, err := body.prompt(c)
	if err != nil {
		return err
	}
	return c.sendCount(c.pathName, p, struct {
		TotalTokens int `json:"totalTokens"`
	}{p.tokens})
}
