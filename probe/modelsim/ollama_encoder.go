package modelsim

import "time"

// ollamaEncoder words an answer as the lines of Ollama's chat or generate. A call of a tool is whole,
// and an answer that is not streamed is the last line with all of the content.
type ollamaEncoder struct {
	vocab  *vocabulary
	model  string
	start  time.Time
	chats  bool
	call   toolCall
	reason string
}

type ollamaLine struct {
	Model     string         `json:"model"`
	CreatedAt time.Time      `json:"created_at"`
	Message   *ollamaMessage `json:"message,omitempty"`  // of chat
	Response  *string        `json:"response,omitempty"` // of generate
	Thinking  string         `json:"thinking,omitempty"` // likewise
	Done      bool           `json:"done"`
	Reason    string         `json:"done_reason,omitempty"`
	ollamaTimes
}

type ollamaMessage struct {
	Role     string       `json:"role"`
	Content  string       `json:"content"`
	Thinking string       `json:"thinking,omitempty"`
	Calls    []ollamaCall `json:"tool_calls,omitempty"`
}

type ollamaCall struct {
	Function struct {
		Name      string            `json:"name"`
		Arguments map[string]string `json:"arguments"`
	} `json:"function"`
}

// ollamaTimes are the counts and, in nanoseconds, the times of a last line. One that is zero is left
// out. A request that waits for the engine waits as for a model that is loaded.
type ollamaTimes struct {
	Total        int64 `json:"total_duration,omitempty"`
	Load         int64 `json:"load_duration,omitempty"`
	PromptTokens int   `json:"prompt_eval_count,omitempty"`
	Prompt       int64 `json:"prompt_eval_duration,omitempty"`
	Tokens       int   `json:"eval_count,omitempty"`
	Generation   int64 `json:"eval_duration,omitempty"`
}

func (e *ollamaEncoder) times(t tally) ollamaTimes {
	s := t.spans
	return ollamaTimes{
		Total: time.Since(e.start).Nanoseconds(), Load: s.scheduledAt - s.readyAt,
		PromptTokens: t.prompt, Prompt: s.firstAt - s.scheduledAt,
		Tokens: t.output, Generation: s.lastAt - s.firstAt,
	}
}

// line is a line with this much of an answer.
func (e *ollamaEncoder) line(text, thinking string, calls ...ollamaCall) ollamaLine {
	l := ollamaLine{Model: e.model, CreatedAt: time.Now().UTC()}
	if e.chats {
		l.Message = &ollamaMessage{Role: "assistant", Content: text, Thinking: thinking, Calls: calls}
	} else {
		l.Response, l.Thinking = &text, thinking
	}
	return l
}

func (e *ollamaEncoder) toolCall(text []byte) ollamaCall {
	var call ollamaCall
	call.Function.Name, call.Function.Arguments = e.call.name, e.call.arguments(text)
	return call
}

func (e *ollamaEncoder) open(tally) []event { return nil }

func (e *ollamaEncoder) enter(section) []event { return nil }

func (e *ollamaEncoder) delta(em emission, tokens []token) event {
	var line ollamaLine
	switch text := string(e.vocab.appendText(nil, tokens)); em.section {
	case thinkingSection:
		line = e.line("", text)
	case textSection:
		line = e.line(text, "")
	default:
		if !e.call.add(e.vocab, em, tokens) {
			return event{}
		}
		line = e.line("", "", e.toolCall(e.call.text))
	}
	return event{data: mustJSON(line)}
}

// finish keeps the reason for the last line, which has the counts.
func (e *ollamaEncoder) finish(_ int, reason string) []event {
	e.reason = reason
	return nil
}

// last makes a line the last one.
func (e *ollamaEncoder) last(l ollamaLine, reason string, t tally) ollamaLine {
	l.Done, l.Reason, l.ollamaTimes = true, ollamaReason(reason), e.times(t)
	return l
}

func (e *ollamaEncoder) close(t tally) []event {
	return []event{{data: mustJSON(e.last(e.line("", ""), e.reason, t))}}
}

func (e *ollamaEncoder) fail(err *apiError) []event {
	return []event{{data: mustJSON(ollama{}.errorBody(err, ""))}}
}

func (e *ollamaEncoder) whole(answers []answer, t tally) any {
	said := answers[0].said
	var calls []ollamaCall
	if len(said[toolNameSection]) > 0 {
		calls = append(calls, e.toolCall(said[toolInputSection]))
	}
	return e.last(e.line(string(said[textSection]), string(said[thinkingSection]), calls...), answers[0].reason, t)
}

// ollamaReason is the API's word for why the engine ended an answer. It has none for a call.
func ollamaReason(reason string) string {
	if reason == "length" {
		return "length"
	}
	return "stop"
}
