package modelsim

import "encoding/json"

// declarations are the functions among the tools, whose fields Responses has beside their type.
func (body *responsesBody) declarations() ([]declaration, error) {
	if isNull(body.Tools) {
		return nil, nil
	}
	var tools []struct {
		Type string `json:"type"`
		declaration
		Parameters json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(body.Tools, &tools); err != nil {
		return nil, invalidRequest("tools", "Invalid 'tools': %v.", err)
	}
	var list []declaration
	for _, t := range tools {
		if t.Type == "function" {
			t.Schema = t.Parameters
			list = append(list, t.declaration)
		}
	}
	return list, nil
}

// answered says whether the input ends with the output of a call.
func (body *responsesBody) answered() bool {
	var items []struct {
		Type string `json:"type"`
	}
	// An input that is a text has no items.
	_ = json.Unmarshal(body.Input, &items)
	return len(items) > 0 && items[len(items)-1].Type == "function_call_output"
}

// callItem is a call of a function.
type callItem struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Status    string `json:"status"`
	CallID    string `json:"call_id"`
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

func (e *responsesEncoder) callItem(status, arguments string) callItem {
	return callItem{
		ID: "fc_" + e.id, Type: "function_call", Status: status, CallID: "call_" + e.id, Name: e.tool.name, Arguments: arguments,
	}
}

// atCall adds the address of the call to fields.
func (e *responsesEncoder) atCall(fields map[string]any) map[string]any {
	fields["output_index"], fields["item_id"] = e.outputIndex(), "fc_"+e.id
	return fields
}

// beginCall begins the item of the call, whose name is a token.
func (e *responsesEncoder) beginCall() event {
	return e.event("response.output_item.added", map[string]any{"output_index": e.outputIndex(), "item": e.callItem("in_progress", "")})
}

// addInput is a piece of the arguments.
func (e *responsesEncoder) addInput(em emission, tokens []token) event {
	e.text = e.vocab.appendText(e.text, tokens)
	piece := append(e.input.append([]byte(`"`), e.vocab, em, tokens), '"')
	return e.event("response.function_call_arguments.delta", e.atCall(map[string]any{"delta": json.RawMessage(piece)}))
}

// endCall ends the item of the call.
func (e *responsesEncoder) endCall() []event {
	arguments := "{}"
	if len(e.text) > 0 { // spelled as in the pieces
		arguments = "{" + quoteJSON(e.tool.property()) + ": " + quoteJSON(string(e.text)) + "}"
	}
	item := e.callItem("completed", arguments)
	e.response.Output = append(e.response.Output, item)
	return []event{
		e.event("response.function_call_arguments.done", e.atCall(map[string]any{"name": item.Name, "arguments": item.Arguments})),
		e.event("response.output_item.done", map[string]any{"output_index": e.outputIndex(), "item": item}),
	}
}
