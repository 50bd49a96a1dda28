package modelsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
)

// conversation is what a client of Realtime has said in a session.
type conversation struct {
	model  string
	items  []json.RawMessage
	events atomic.Int64 // sent
}

func newConversation(r *http.Request) *conversation {
	query := r.URL.Query()
	model := query.Get("model")
	if model == "" {
		model = query.Get("deployment") // at Azure
	}
	return &conversation{model: model}
}

// event is an event of the server that is no part of an answer.
func (v *conversation) event(name string, fields map[string]any) []byte {
	fields["type"], fields["event_id"] = name, fmt.Sprintf("event_s%d", v.events.Add(1))
	return mustJSON(fields)
}

func (v *conversation) greeting() []byte {
	return v.event("session.created", map[string]any{"session": map[string]any{
		"type": "realtime", "object": "realtime.session", "id": "sess_sim", "model": v.model, "output_modalities": []string{"text"},
	}})
}

// hear handles a message that asks for no answer. Of sound the simulator understands nothing.
func (v *conversation) hear(m asked, text []byte) [][]byte {
	var said struct {
		Session json.RawMessage `json:"session"`
		Item    json.RawMessage `json:"item"`
	}
	_ = json.Unmarshal(text, &said) // the caller knows that it is JSON
	switch m.Type {
	case "session.update":
		return [][]byte{v.event("session.updated", map[string]any{"session": said.Session})}
	case "conversation.item.create":
		v.items = append(v.items, said.Item)
		return [][]byte{v.event("conversation.item.added", map[string]any{"item": said.Item, "previous_item_id": nil})}
	case "input_audio_buffer.append", "response.cancel":
		return nil
	}
	return [][]byte{v.failure(m, mustJSON(errorBody{invalidRequest("type", "Unknown event type %q.", m.Type)}))}
}

// failure is the error event for the body of an error; it names the event that is to blame.
func (v *conversation) failure(m asked, body []byte) []byte {
	var e struct {
		Error map[string]any `json:"error"`
	}
	_ = json.Unmarshal(body, &e) // the simulator's own
	e.Error["event_id"] = nil
	if m.EventID != "" {
		e.Error["event_id"] = m.EventID
	}
	return v.event("error", map[string]any{"error": e.Error})
}

// body is the body of the request to Responses that a response.create stands for.
func (v *conversation) body(text []byte) ([]byte, error) {
	var create struct {
		Response struct {
			Instructions    *string           `json:"instructions,omitempty"`
			Input           []json.RawMessage `json:"input,omitempty"`
			MaxOutputTokens any               `json:"max_output_tokens,omitempty"`
		} `json:"response"`
	}
	if err := json.Unmarshal(text, &create); err != nil {
		return nil, err
	}
	fields := map[string]any{"model": v.model, "stream": true, "input": v.items}
	if input := create.Response.Input; input != nil {
		fields["input"] = input
	}
	if instructions := create.Response.Instructions; instructions != nil {
		fields["instructions"] = *instructions
	}
	if most, ok := create.Response.MaxOutputTokens.(float64); ok { // it may be "inf"
		fields["max_output_tokens"] = int(most)
	}
	return json.Marshal(fields)
}

// realtimeBody is the body of a question in Realtime.
type realtimeBody struct{ responsesBody }

func (body *realtimeBody) plan(c *call) (order, encoder, error) {
	o, _, err := body.responsesBody.plan(c)
	return o, &realtimeEncoder{vocab: c.s.vocab, id: c.id, response: realtimeResponse{
		ID: o.responseID, Object: "realtime.response", Status: "in_progress", ConversationID: "conv_sim",
		OutputModalities: []string{"text"}, Output: []realtimeItem{},
	}}, err
}

type realtimeResponse struct {
	ID               string           `json:"id"`
	Object           string           `json:"object"`
	Status           string           `json:"status"`
	StatusDetails    *realtimeDetails `json:"status_details"`
	ConversationID   string           `json:"conversation_id"`
	OutputModalities []string         `json:"output_modalities"`
	Output           []realtimeItem   `json:"output"`
	Usage            *realtimeUsage   `json:"usage"`
}

type realtimeDetails struct {
	Type   string    `json:"type"`
	Reason string    `json:"reason,omitempty"`
	Error  *apiError `json:"error,omitempty"`
}

type realtimeItem struct {
	ID      string         `json:"id"`
	Object  string         `json:"object"`
	Type    string         `json:"type"`
	Status  string         `json:"status"`
	Role    string         `json:"role"`
	Content []realtimePart `json:"content"`
}

type realtimePart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type realtimeUsage struct {
	TotalTokens  int `json:"total_tokens"`
	InputTokens  int `json:"input_tokens"`
	OutputTokens int `json:"output_tokens"`
	InputDetails struct {
		TextTokens   int `json:"text_tokens"`
		AudioTokens  int `json:"audio_tokens"`
		CachedTokens int `json:"cached_tokens"`
	} `json:"input_token_details"`
	OutputDetails struct {
		TextTokens  int `json:"text_tokens"`
		AudioTokens int `json:"audio_tokens"`
	} `json:"output_token_details"`
}

// realtimeEncoder words an answer as the events of Realtime.
type realtimeEncoder struct {
	vocab    *vocabulary
	id       string
	response realtimeResponse
	sent     int
	text     []byte
}

// event is one event, whose type comes first as the service has it.
func (e *realtimeEncoder) event(name string, fields map[string]any) event {
	data := fmt.Appendf(nil, `{"type":%q,"event_id":"event_%s_%d",`, name, e.id, e.sent)
	e.sent++
	return event{name, false, append(data, mustJSON(fields)[1:]...)}
}

// at adds the address of the one part to fields.
func (e *realtimeEncoder) at(fields map[string]any) map[string]any {
	fields["response_id"], fields["item_id"] = e.response.ID, "item_"+e.id
	fields["output_index"], fields["content_index"] = 0, 0
	return fields
}

func (e *realtimeEncoder) item(status string, content ...realtimePart) realtimeItem {
	return realtimeItem{
		ID: "item_" + e.id, Object: "realtime.item", Type: "message", Status: status, Role: "assistant", Content: append([]realtimePart{}, content...),
	}
}

func (e *realtimeEncoder) open(tally) []event {
	return []event{e.event("response.created", map[string]any{"response": e.response})}
}

func (e *realtimeEncoder) enter(section) []event {
	return []event{
		e.event("response.output_item.added", map[string]any{"response_id": e.response.ID, "output_index": 0, "item": e.item("in_progress")}),
		e.event("response.content_part.added", e.at(map[string]any{"part": realtimePart{Type: "text"}})),
	}
}

func (e *realtimeEncoder) delta(_ emission, tokens []token) event {
	e.text = e.vocab.appendText(e.text, tokens)
	data := fmt.Appendf(nil, `{"type":"response.output_text.delta","event_id":"event_%s_`, e.id)
	data = strconv.AppendInt(data, int64(e.sent), 10)
	e.sent++
	data = fmt.Appendf(data, `","response_id":%q,"item_id":"item_%s","output_index":0,"content_index":0,"delta":"`, e.response.ID, e.id)
	data = e.vocab.appendQuoted(data, tokens)
	return event{"response.output_text.delta", false, append(data, `"}`...)}
}

func (e *realtimeEncoder) finish(_ int, reason string) []event {
	e.response.Status = "completed"
	if reason == "length" {
		e.response.Status, e.response.StatusDetails = "incomplete", &realtimeDetails{Type: "incomplete", Reason: "max_output_tokens"}
	}
	part := realtimePart{Type: "text", Text: string(e.text)}
	e.response.Output = append(e.response.Output, e.item(e.response.Status, part))
	return []event{
		e.event("response.output_text.done", e.at(map[string]any{"text": part.Text})),
		e.event("response.content_part.done", e.at(map[string]any{"part": part})),
		e.event("response.output_item.done", map[string]any{"response_id": e.response.ID, "output_index": 0, "item": e.response.Output[0]}),
	}
}

func (e *realtimeEncoder) close(t tally) []event {
	u := &realtimeUsage{TotalTokens: t.prompt + t.output, InputTokens: t.prompt, OutputTokens: t.output}
	u.InputDetails.TextTokens, u.InputDetails.CachedTokens, u.OutputDetails.TextTokens = t.prompt, t.cached, t.output
	e.response.Usage = u
	return []event{e.event("response.done", map[string]any{"response": e.response})}
}

func (e *realtimeEncoder) fail(err *apiError) []event {
	e.response.Status, e.response.StatusDetails = "failed", &realtimeDetails{Type: "failed", Error: err}
	return []event{e.event("response.done", map[string]any{"response": e.response})}
}

// whole is not called: a session has nothing but streams.
func (e *realtimeEncoder) whole([]answer, tally) any { return e.response }
