package modelsim

import (
	"cmp"
	"encoding/json"
)

// functionTools are the tools of a request, in the form that many APIs have from OpenAI's.
type functionTools []struct {
	Function struct {
		declaration
		Parameters json.RawMessage `json:"parameters"`
	} `json:"function"`
}

func (f functionTools) declarations() []declaration {
	var list []declaration
	for _, t := range f {
		d := t.Function.declaration
		d.Schema = t.Function.Parameters
		list = append(list, d)
	}
	return list
}

// functionChoice is tool_choice: a word, or the function to call.
type functionChoice struct{ choice, name string }

// UnmarshalJSON reads either form.
func (c *functionChoice) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &c.choice) == nil {
		return nil
	}
	var named struct {
		Type     string `json:"type"`
		Name     string `json:"name"` // in Responses
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if err := json.Unmarshal(b, &named); err != nil {
		return invalidRequest("tool_choice", "Invalid 'tool_choice': expected a string or an object.")
	}
	c.choice, c.name = named.Type, cmp.Or(named.Name, named.Function.Name)
	return nil
}

// use is the tool that the answer calls, and what else the answer has. A request forces a call
// with the choice required, which Mistral calls any, or with the name of a function. With auto the
// answer is text and then a call, unless the request brings the result of one (answered). Without a
// choice nothing is called.
func (c functionChoice) use(tools []declaration, answered bool) (tool, toolUse, error) {
	use := onlyTool
	switch c.choice {
	case "", "none":
		return tool{}, noTool, nil
	case "auto":
		if answered {
			return tool{}, noTool, nil
		}
		use = textThenTool
	case "required", "any", "function":
	default:
		return tool{}, noTool, invalidRequest("tool_choice", "tool_choice: %q is none of auto, required, none", c.choice)
	}
	for _, d := range tools {
		if c.name == "" || c.name == d.Name {
			return d.tool(), use, nil
		}
	}
	return tool{}, noTool, invalidRequest("tool_choice", "tool_choice: no tool is there to choose")
}

// functionCall is a call in a whole answer.
type functionCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

func newFunctionCall(id string, t tool, text []byte) functionCall {
	call := functionCall{ID: id, Type: "function"}
	call.Function.Name, call.Function.Arguments = t.name, string(mustJSON(t.arguments(text)))
	return call
}
