package modelsim

import (
	"encoding/json"
	"strconv"
)

type responsesBody struct {
	samplingBody
	Input              json.RawMessage `json:"input"`
	Instructions       *string         `json:"instructions"`
	Tools              json.RawMessage `json:"tools"`
	ToolChoice         functionChoice  `json:"tool_choice"`
	MaxOutputTokens    *int            `json:"max_output_tokens"`
	PreviousResponseID string          `json:"previous_response_id"`
	Metadata           json.RawMessage `json:"metadata"`
	Temperature        *float64        `json:"temperature"`
	TopP               *float64        `json:"top_p"`
}

// plan never finds a previous response, for the simulator stores none.
func (body *responsesBody) plan(c *call) (order, encoder, error) {
	body.N, body.StreamOptions = nil, nil // not of this API
	if id := body.PreviousResponseID; id != "" {
		e := invalidRequest("previous_response_id", "Previous response with id '%s' not found.", id)
		e.Code = "previous_response_not_found"
		return order{}, nil, e
	}
	sampling, err := body.sampling(&c.s.cfg, body.MaxOutputTokens)
	if err != nil {
		return order{}, nil, err
	}
	messages, err := body.messages()
	if err != nil {
		return order{}, nil, err
	}
	tools, err := body.declarations()
	if err != nil {
		return order{}, nil, err
	}
	enc := &responsesEncoder{vocab: c.s.vocab, id: c.id, reasons: c.s.cfg.ReasoningShare > 0, tellMetrics: c.s.cfg.TellMetrics}
	if enc.tool, sampling.tools, err = body.ToolChoice.use(tools, body.answered()); err != nil {
		return order{}, nil, err
	}
	enc.input.property = enc.tool.property()
	o := order{
		model: body.Model, responseID: "resp_" + c.id, stream: body.Stream,
		prompts: []*prompt{c.s.chatPrompt(body.Model, declared(tools), messages)}, sampling: sampling,
	}
	enc.response = newResponse(body, o.responseID, c.start.Unix())
	return o, enc, nil
}

// messages reads the input, a string or a list of items, behind the instructions.
func (body *responsesBody) messages() ([]message, error) {
	var messages []message
	if body.Instructions != nil {
		messages = append(messages, message{role: "system", content: content{{text: *body.Instructions}}})
	}
	var text string
	if err := json.Unmarshal(body.Input, &text); err == nil && !isNull(body.Input) {
		return append(messages, message{role: "user", content: content{{text: text}}}), nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(body.Input, &items); err != nil || len(items) == 0 {
		return nil, invalidRequest("input", "Invalid 'input': expected a string or an array of items.")
	}
	for _, raw := range items {
		var item struct {
			Role    string  `json:"role"`
			Content content `json:"content"`
		}
		if err := json.Unmarshal(raw, &item); err != nil {
			return nil, invalidRequest("input", "Invalid input item: %v.", err)
		}
		if item.Role == "" { // a function call, its output, a reasoning item
			messages = append(messages, message{role: "item", extra: string(raw)})
			continue
		}
		messages = append(messages, message{role: item.Role, content: item.Content})
	}
	return messages, nil
}

// responsesEncoder words an answer as the typed events of the Responses API or as one response.
type responsesEncoder struct {
	vocab    *vocabulary
	response response
	id       string
	reasons  bool // a reasoning item precedes the others
	tool     tool // that the answer calls
	input    toolInput
	items    int // that have begun, without reasoning
	sequence int
	text     []byte // of the open item
	buf      []byte

	tellMetrics bool
}

// event is one typed event in memory of its own. Its name and type agree, sequence numbers
// count from 0, and the type comes first, as the service has it.
func (e *responsesEncoder) event(name string, fields map[string]any) event {
	b := []byte(`{"type":"` + name + `","sequence_number":`)
	b = strconv.AppendInt(b, int64(e.sequence), 10)
	e.sequence++
	b = append(b, ',')
	return event{name: name, data: append(b, mustJSON(fields)[1:]...)}
}

func (e *responsesEncoder) messageID() string   { return "msg_" + e.id }
func (e *responsesEncoder) reasoningID() string { return "rs_" + e.id }

// at adds the address of the message to fields.
func (e *responsesEncoder) at(fields map[string]any) map[string]any {
	fields["output_index"] = e.outputIndex()
	fields["item_id"], fields["content_index"] = e.messageID(), 0
	return fields
}

// outputIndex is that of the open item.
func (e *responsesEncoder) outputIndex() int {
	if e.reasons {
		return e.items
	}
	return e.items - 1
}

func (e *responsesEncoder) open(tally) []event {
	r := e.response
	r.Status = "in_progress"
	events := []event{
		e.event("response.created", map[string]any{"response": r}),
		e.event("response.in_progress", map[string]any{"response": r}),
	}
	if e.reasons {
		events = append(events, e.event("response.output_item.added",
			map[string]any{"output_index": 0, "item": newReasoningItem(e.reasoningID())}))
	}
	return events
}

// enter ends the item before the section and begins that of a text. A call begins with its name.
func (e *responsesEncoder) enter(s section) []event {
	if s == toolInputSection {
		return nil
	}
	var events []event
	switch {
	case e.items > 0:
		events = e.endMessage("completed")
	case e.reasons:
		item := newReasoningItem(e.reasoningID())
		e.response.Output = append(e.response.Output, item)
		events = append(events, e.event("response.output_item.done", map[string]any{"output_index": 0, "item": item}))
	}
	e.items++
	e.text = nil
	if s == toolNameSection {
		return events
	}
	item := messageItem{ID: e.messageID(), Type: "message", Status: "in_progress", Role: "assistant", Content: []outputText{}}
	return append(events,
		e.event("response.output_item.added", map[string]any{"output_index": e.outputIndex(), "item": item}),
		e.event("response.content_part.added", e.at(map[string]any{"part": newOutputText("")})))
}

func (e *responsesEncoder) delta(em emission, tokens []token) event {
	switch em.section {
	case toolNameSection:
		return e.beginCall()
	case toolInputSection:
		return e.addInput(em, tokens)
	}
	e.text = e.vocab.appendText(e.text, tokens)
	const name = "response.output_text.delta"
	e.buf = append(e.buf[:0], `{"type":"`+name+`","sequence_number":`...)
	e.buf = strconv.AppendInt(e.buf, int64(e.sequence), 10)
	e.sequence++
	e.buf = append(e.buf, `,"item_id":"`+e.messageID()+`","output_index":`...)
	e.buf = strconv.AppendInt(e.buf, int64(e.outputIndex()), 10)
	e.buf = append(e.buf, `,"content_index":0,"delta":"`...)
	e.buf = e.vocab.appendQuoted(e.buf, tokens)
	return event{name: name, data: append(e.buf, `","logprobs":[]}`...)}
}

func (e *responsesEncoder) finish(_ int, reason string) []event {
	e.complete(reason)
	if reason == "tool_calls" {
		return e.endCall()
	}
	return e.endMessage(e.response.Status)
}

// endMessage ends the item of the text.
func (e *responsesEncoder) endMessage(status string) []event {
	text := newOutputText(string(e.text))
	item := messageItem{ID: e.messageID(), Type: "message", Status: status, Role: "assistant", Content: []outputText{text}}
	e.response.Output = append(e.response.Output, item)
	return []event{
		e.event("response.output_text.done", e.at(map[string]any{"text": text.Text, "logprobs": []any{}})),
		e.event("response.content_part.done", e.at(map[string]any{"part": text})),
		e.event("response.output_item.done", map[string]any{"output_index": e.outputIndex(), "item": item}),
	}
}

// complete gives the response its status.
func (e *responsesEncoder) complete(reason string) {
	e.response.Status = "completed"
	if reason == "length" {
		e.response.Status = "incomplete"
		e.response.IncompleteDetails = &incompleteDetails{Reason: "max_output_tokens"}
	}
}

// close is the terminal event; the Responses API sends no [DONE].
func (e *responsesEncoder) close(t tally) []event {
	e.tell(t)
	return []event{e.event("response."+e.response.Status, map[string]any{"response": e.response})}
}

// fail is the error event and then the failed response. The error is nested in its event, as the
// service sends it and unlike the specification.
func (e *responsesEncoder) fail(err *apiError) []event {
	r := e.response
	r.Status = "failed"
	r.Error = &responseError{Code: "server_error", Message: err.Message}
	return []event{
		e.event("error", map[string]any{"error": err}),
		e.event("response.failed", map[string]any{"response": r}),
	}
}

func (e *responsesEncoder) whole(answers []answer, t tally) any {
	a := answers[0]
	for _, s := range []section{textSection, toolNameSection} {
		if len(a.said[s]) > 0 {
			e.enter(s)
			e.text = a.said[s]
		}
	}
	if a.reason == "tool_calls" {
		e.text = a.said[toolInputSection]
	}
	e.finish(0, a.reason)
	e.tell(t)
	return e.response
}

// tell adds the usage and, if the server tells them, the metrics.
func (e *responsesEncoder) tell(t tally) {
	e.response.Usage = t.responsesUsage()
	if e.tellMetrics {
		e.response.Metrics = t.metrics()
	}
}
