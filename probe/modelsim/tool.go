package modelsim

import "encoding/json"

// inputSchema is the JSON schema of a tool's input.
type inputSchema struct {
	Required []string `json:"required"`
}

// tool is a tool that an answer calls. Its input has one property, the first that the schema
// requires.
type tool struct {
	name   string
	schema inputSchema
}

func (t tool) property() string {
	if len(t.schema.Required) > 0 {
		return t.schema.Required[0]
	}
	return "input"
}

// arguments is the input of a call with this text.
func (t tool) arguments(text []byte) map[string]string {
	if len(text) == 0 {
		return map[string]string{}
	}
	return map[string]string{t.property(): string(text)}
}

// toolInput words the input of a call piece by piece, as a JSON object that is itself the text of a
// JSON string. The braces belong to the first token and to the last.
type toolInput struct {
	property string
	begun    bool
}

func (in *toolInput) append(dst []byte, v *vocabulary, em emission, tokens []token) []byte {
	if !in.begun {
		in.begun = true
		dst = append(dst, quoted(`{`+quoteJSON(in.property)+`: "`)...)
	}
	dst = v.appendRequoted(dst, tokens)
	if em.ended {
		dst = append(dst, quoted(`"}`)...)
	}
	return dst
}

// toolCall collects a call that an API sends in one piece.
type toolCall struct {
	tool
	text []byte
}

// add adds the tokens of an emission. It says whether the call is whole.
func (c *toolCall) add(v *vocabulary, em emission, tokens []token) bool {
	if em.section == toolInputSection {
		c.text = v.appendText(c.text, tokens)
	}
	return em.ended
}

// declaration is a tool that a request declares.
type declaration struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
}

func (d declaration) tool() tool {
	t := tool{name: d.Name}
	// A schema that is something else requires nothing.
	_ = json.Unmarshal(d.Schema, &t.schema)
	return t
}

// declared is what the prompt has of the tools. It does not depend on the way in which an SDK spells
// them.
func declared(tools []declaration) json.RawMessage {
	if len(tools) == 0 {
		return nil
	}
	return canonical(mustJSON(tools))
}

// canonical is a JSON value without spaces and with sorted keys.
func canonical(raw json.RawMessage) json.RawMessage {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	return mustJSON(v)
}
