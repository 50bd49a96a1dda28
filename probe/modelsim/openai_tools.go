package modelsim

import "encoding/json"

// functionChoice is tool_choice: a word, or the function to call.
type functionChoice struct{ choice, name string }

// UnmarshalJSON reads either form.
func (c *functionChoice) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &c.choice) == nil {
		return nil
	}
	var named struct {
		Type     string `json:"type"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if err := json.Unmarshal(b, &named); err != nil {
		return invalidRequest("tool_choice", "Invalid 'tool_choice': expected a string or an object.")
	}
	c.choice, c.name = named.Type, named.Function.Name
	return nil
}

// functionUse is the function that the answer calls, and what else the answer has. A request forces a
// call with the choice required, which Mistral calls any, or with the name of a function. With auto
// the answer is text and then a call, unless the request brings the result of one (answered). Without
// a choice nothing is called.
func functionUse(tools json.RawMessage, choice functionChoice, answered bool) (tool, toolUse, error) {
	if choice.choice == "" || choice.choice == "none" || choice.choice == "auto" && answered {
		return tool{}, noTool, nil
	}
	var list []struct {
		Function struct {
			Name       string      `json:"name"`
			Parameters inputSchema `json:"parameters"`
		} `json:"function"`
	}
	if err := json.Unmarshal(tools, &list); err != nil {
		return tool{}, noTool, invalidRequest("tools", "Invalid 'tools': %v.", err)
	}
	for _, t := range list {
		if f := t.Function; choice.name == "" || choice.name == f.Name {
			use := onlyTool
			if choice.choice == "auto" {
				use = textThenTool
			}
			return tool{f.Name, f.Parameters}, use, nil
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
