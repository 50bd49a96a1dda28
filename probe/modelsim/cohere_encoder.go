package modelsim

import (
	"encoding/json"
	"strconv"
)

// cohereEncoder words an answer as the events of chat or as one answer.
// https://docs.cohere.com/v2/docs/streaming
type cohereEncoder struct {
	vocab  *vocabulary
	id     string
	tool   tool
	input  toolInput
	plans  bool   // the text is a plan, and a call follows
	part   string // the part that is open: content, tool-call, or none
	index  int    // of that part, -1 before the first
	reason string
}

// fields are those of a JSON object.
type fields map[string]any

// event is one event, whose name and type agree; rest is its JSON behind the type.
func (e *cohereEncoder) event(kind, rest string) event {
	return event{name: kind, data: []byte(`{"type":"` + kind + `",` + rest + `}`)}
}

func (e *cohereEncoder) at() string { return `"index":` + strconv.Itoa(e.index) }

func changed(delta fields) string { return `"delta":` + string(mustJSON(delta)) }

// change is an event that adds to the open part of the message.
func (e *cohereEncoder) change(kind string, message fields) event {
	return e.event(kind, e.at()+","+changed(fields{"message": message}))
}

func (e *cohereEncoder) open(tally) []event {
	message := fields{"role": "assistant", "content": []any{}, "tool_plan": "", "tool_calls": []any{}, "citations": []any{}}
	return []event{e.event("message-start", `"id":"`+e.id+`",`+changed(fields{"message": message}))}
}

// end ends the open part, if there is one.
func (e *cohereEncoder) end() []event {
	if e.part == "" {
		return nil
	}
	kind := e.part + "-end"
	e.part = ""
	return []event{e.event(kind, e.at())}
}

// enter begins a part of the content. A plan is none, and a call begins with its name.
func (e *cohereEncoder) enter(s section) []event {
	if s == toolInputSection {
		return nil
	}
	events := e.end()
	if s == toolNameSection || s == textSection && e.plans {
		return events
	}
	kind := partKind(s)
	e.index++
	e.part = "content"
	return append(events, e.change("content-start", fields{"content": fields{"type": kind, kind: ""}}))
}

// partKind is the type of a part of the content, and the name of its text.
func partKind(s section) string {
	if s == thinkingSection {
		return "thinking"
	}
	return "text"
}

func (e *cohereEncoder) delta(em emission, tokens []token) event {
	switch em.section {
	case toolNameSection:
		e.index, e.part = 0, "tool-call"
		call := newFunctionCall(e.callID(), e.tool, nil)
		if !em.ended { // with an input to come
			call.Function.Arguments = ""
		}
		return e.change("tool-call-start", fields{"tool_calls": call})
	case toolInputSection:
		piece := append(e.input.append([]byte(`"`), e.vocab, em, tokens), '"')
		return e.change("tool-call-delta", fields{"tool_calls": fields{"function": fields{"arguments": json.RawMessage(piece)}}})
	}
	text := string(e.vocab.appendText(nil, tokens))
	if em.section == textSection && e.plans {
		return e.event("tool-plan-delta", changed(fields{"message": fields{"tool_plan": text}}))
	}
	return e.change("content-delta", fields{"content": fields{partKind(em.section): text}})
}

func (e *cohereEncoder) callID() string { return "call_" + e.id }

func (e *cohereEncoder) finish(_ int, reason string) []event {
	e.reason = reason
	return e.end()
}

func (e *cohereEncoder) close(t tally) []event {
	return []event{e.event("message-end", changed(fields{"finish_reason": cohereReason(e.reason), "usage": t.cohereUsage()}))}
}

// fail ends the message with the reason ERROR.
func (e *cohereEncoder) fail(err *apiError) []event {
	return []event{e.event("message-end", changed(fields{"finish_reason": "ERROR", "error": err.Message}))}
}

func (e *cohereEncoder) whole(answers []answer, t tally) any {
	said := answers[0].said
	message, content := fields{"role": "assistant"}, []fields{}
	for _, s := range []section{thinkingSection, textSection} {
		switch text := string(said[s]); {
		case text == "":
		case s == textSection && e.plans:
			message["tool_plan"] = text
		default:
			content = append(content, fields{"type": partKind(s), partKind(s): text})
		}
	}
	if len(content) > 0 {
		message["content"] = content
	}
	if len(said[toolNameSection]) > 0 {
		message["tool_calls"] = []functionCall{newFunctionCall(e.callID(), e.tool, said[toolInputSection])}
	}
	return fields{"id": e.id, "finish_reason": cohereReason(answers[0].reason), "message": message, "usage": t.cohereUsage()}
}
