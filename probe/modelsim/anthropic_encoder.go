package modelsim

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// messagesEncoder words an answer as the events of the Messages API or as one message.
type messagesEncoder struct {
	vocab     *vocabulary
	message   messageObject
	id        string
	requestID string
	tool      tool // that the answer calls
	input     toolInput
	omits     bool // there is thinking, but the client gets its signature only
	index     int  // of the content block, -1 before the first
	thinks    bool // the block is open and thinking
	reason    string
	events    int
	name      string // of the event that is in buf
	buf       []byte
}

// begin starts an event in the encoder's buffer. Its name and type agree.
func (e *messagesEncoder) begin(name string) {
	e.name = name
	e.buf = append(e.buf[:0], `{"type":"`+name+`"`...)
}

// beginDelta starts the event of a content delta of this type, up to the value of its field.
func (e *messagesEncoder) beginDelta(kind, field string) {
	e.begin("content_block_delta")
	e.buf = append(e.buf, `,"index":`...)
	e.buf = strconv.AppendInt(e.buf, int64(e.index), 10)
	e.buf = append(e.buf, `,"delta":{"type":"`...)
	e.buf = append(e.buf, kind...)
	e.buf = append(e.buf, `","`...)
	e.buf = append(e.buf, field...)
	e.buf = append(e.buf, `":"`...)
}

// end ends the event. The service pads events with spaces before the last brace, and so does this.
func (e *messagesEncoder) end() event {
	const spaces = "             "
	e.events++
	e.buf = append(e.buf, spaces[:e.events*5%len(spaces)]...)
	e.buf = append(e.buf, '}')
	return event{name: e.name, data: e.buf}
}

// event is a whole event in memory of its own; fields are its JSON behind the type, with a comma
// before each.
func (e *messagesEncoder) event(name, fields string) event {
	e.begin(name)
	e.buf = append(e.buf, fields...)
	whole := e.end()
	whole.data = slices.Clone(whole.data)
	return whole
}

// start is the event that begins the next content block.
func (e *messagesEncoder) start(block any) event {
	e.index++
	_, e.thinks = block.(thinkingBlock)
	return e.event("content_block_start", e.at()+`,"content_block":`+string(mustJSON(block)))
}

func (e *messagesEncoder) at() string { return `,"index":` + strconv.Itoa(e.index) }

// stop ends the content block, if there is one. Thinking ends with its signature.
func (e *messagesEncoder) stop() []event {
	var events []event
	if e.index < 0 {
		return nil
	}
	if e.thinks {
		events = append(events, e.event("content_block_delta", e.at()+`,"delta":{"type":"signature_delta","signature":"`+e.signature()+`"}`))
	}
	return append(events, e.event("content_block_stop", e.at()))
}

// signature stands for what proves that thinking was the model's own.
func (e *messagesEncoder) signature() string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("thought by "+e.id+" ", 4)))
}

// open tells the input as far as it is known, and one token of output, as the service does.
func (e *messagesEncoder) open(t tally) []event {
	m := e.message
	t.output, t.reasoning = 1, 0
	m.Usage = t.fullMessageUsage()
	events := []event{e.event("message_start", `,"message":`+string(mustJSON(m))), e.event("ping", "")}
	if e.omits {
		events = append(events, e.start(thinkingBlock{Type: "thinking"}))
	}
	return events
}

func (e *messagesEncoder) enter(s section) []event {
	switch s {
	case thinkingSection:
		return []event{e.start(thinkingBlock{Type: "thinking"})}
	case textSection:
		return append(e.stop(), e.start(textBlock{Type: "text"}))
	case toolNameSection:
		return e.stop()
	}
	return []event{e.event("content_block_delta", e.at()+`,"delta":{"type":"input_json_delta","partial_json":""}`)}
}

func (e *messagesEncoder) delta(em emission, tokens []token) event {
	switch em.section {
	case toolNameSection:
		return e.start(e.call(map[string]string{}))
	case toolInputSection:
		e.beginDelta("input_json_delta", "partial_json")
		e.buf = append(e.input.append(e.buf, e.vocab, em, tokens), `"}`...)
		return e.end()
	case thinkingSection:
		e.beginDelta("thinking_delta", "thinking")
	default:
		e.beginDelta("text_delta", "text")
	}
	e.buf = e.vocab.appendQuoted(e.buf, tokens)
	e.buf = append(e.buf, `"}`...)
	return e.end()
}

func (e *messagesEncoder) call(input map[string]string) toolBlock {
	b := toolBlock{Type: "tool_use", ID: "toolu_" + e.id, Name: e.tool.name, Input: input}
	b.Caller.Type = "direct"
	return b
}

func (e *messagesEncoder) finish(_ int, reason string) []event {
	e.reason = reason
	return e.stop()
}

func (e *messagesEncoder) close(t tally) []event {
	delta := `,"delta":{"stop_reason":"` + stopReason(e.reason) + `","stop_sequence":null},"usage":` + string(mustJSON(t.messageUsage()))
	return []event{e.event("message_delta", delta), e.event("message_stop", "")}
}

// fail is the error event. Nothing follows it.
func (e *messagesEncoder) fail(err *apiError) []event {
	body := mustJSON(anthropic{}.errorBody(err, e.requestID))
	return []event{{name: "error", data: body}}
}

func (e *messagesEncoder) whole(answers []answer, t tally) any {
	m, said := e.message, answers[0].said
	if len(said[thinkingSection]) > 0 || e.omits {
		m.Content = append(m.Content, thinkingBlock{Type: "thinking", Thinking: string(said[thinkingSection]), Signature: e.signature()})
	}
	if len(said[textSection]) > 0 {
		m.Content = append(m.Content, textBlock{Type: "text", Text: string(said[textSection])})
	}
	if len(said[toolNameSection]) > 0 {
		m.Content = append(m.Content, e.call(e.tool.arguments(said[toolInputSection])))
	}
	reason := stopReason(answers[0].reason)
	m.StopReason = &reason
	m.Usage = t.fullMessageUsage()
	return m
}
