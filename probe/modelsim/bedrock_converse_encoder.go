package modelsim

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// converseEncoder words an answer as the events of ConverseStream or as the answer of Converse.
type converseEncoder struct {
	vocab  *vocabulary
	id     string
	start  time.Time
	tool   tool
	input  toolInput
	index  int  // of the content block, -1 before the first
	thinks bool // the block is thinking
	events int
}

// event is an event; fields are its JSON without the braces. The service pads events with a field p,
// and so does this.
func (e *converseEncoder) event(name, fields string) event {
	const padding = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	e.events++
	return event{name: name, data: []byte(`{` + fields + `,"p":"` + padding[:e.events*7%len(padding)] + `"}`)}
}

// of is the address of the content block, behind its fields.
func (e *converseEncoder) of() string { return `"contentBlockIndex":` + strconv.Itoa(e.index) }

func (e *converseEncoder) deltaEvent(delta string) event {
	return e.event("contentBlockDelta", e.of()+`,"delta":{`+delta+`}`)
}

// stop ends the content block, if there is one. Thinking ends with its signature.
func (e *converseEncoder) stop() []event {
	if e.index < 0 {
		return nil
	}
	var events []event
	if e.thinks {
		events = append(events, e.deltaEvent(`"reasoningContent":{"signature":"`+e.signature()+`"}`))
	}
	return append(events, e.event("contentBlockStop", e.of()))
}

// signature stands for what proves that thinking was the model's own.
func (e *converseEncoder) signature() string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("thought by "+e.id+" ", 4)))
}

func (e *converseEncoder) open(tally) []event {
	return []event{e.event("messageStart", `"role":"assistant"`)}
}

// enter begins a content block. Only a call has an event for that, which its name is in.
func (e *converseEncoder) enter(s section) []event {
	if s == toolInputSection {
		return nil
	}
	events := e.stop()
	e.index++
	e.thinks = s == thinkingSection
	return events
}

func (e *converseEncoder) delta(em emission, tokens []token) event {
	switch em.section {
	case thinkingSection:
		return e.deltaEvent(`"reasoningContent":{"text":"` + string(e.vocab.appendQuoted(nil, tokens)) + `"}`)
	case textSection:
		return e.deltaEvent(`"text":"` + string(e.vocab.appendQuoted(nil, tokens)) + `"`)
	case toolNameSection:
		return e.event("contentBlockStart", e.of()+`,"start":{"toolUse":`+string(mustJSON(e.call()))+`}`)
	}
	return e.deltaEvent(`"toolUse":{"input":"` + string(e.input.append(nil, e.vocab, em, tokens)) + `"}`)
}

func (e *converseEncoder) finish(_ int, reason string) []event {
	return append(e.stop(), e.event("messageStop", `"stopReason":"`+stopReason(reason)+`"`))
}

func (e *converseEncoder) close(t tally) []event {
	return []event{e.event("metadata", `"usage":`+string(mustJSON(t.converseUsage()))+`,"metrics":`+string(mustJSON(e.metrics())))}
}

func (e *converseEncoder) fail(err *apiError) []event { return []event{bedrockFailure(err)} }

type converseOutput struct {
	Text      string             `json:"text,omitempty"`
	Reasoning *converseReasoning `json:"reasoningContent,omitempty"`
	ToolUse   *converseToolUse   `json:"toolUse,omitempty"`
}

type converseReasoning struct {
	Text struct {
		Text      string `json:"text"`
		Signature string `json:"signature"`
	} `json:"reasoningText"`
}

type converseToolUse struct {
	ID    string `json:"toolUseId"`
	Name  string `json:"name"`
	Input any    `json:"input,omitempty"` // a map, but in the start of a block
}

func (e *converseEncoder) call() *converseToolUse {
	return &converseToolUse{ID: "tooluse_" + e.id, Name: e.tool.name}
}

// converseUsage counts tokens that the cache held or got beside the input.
type converseUsage struct {
	Input      int `json:"inputTokens"`
	Output     int `json:"outputTokens"`
	Total      int `json:"totalTokens"`
	CacheRead  int `json:"cacheReadInputTokens"`
	CacheWrite int `json:"cacheWriteInputTokens"`
}

func (t tally) converseUsage() converseUsage {
	return converseUsage{
		Input: t.prompt - t.cached - t.written, Output: t.output, Total: t.prompt + t.output, CacheRead: t.cached, CacheWrite: t.written,
	}
}

type converseMetrics struct {
	Latency int64 `json:"latencyMs"`
}

func (e *converseEncoder) metrics() converseMetrics {
	return converseMetrics{time.Since(e.start).Milliseconds()}
}

func (e *converseEncoder) whole(answers []answer, t tally) any {
	var blocks []converseOutput
	said := answers[0].said
	if text := said[thinkingSection]; len(text) > 0 {
		reasoning := new(converseReasoning)
		reasoning.Text.Text, reasoning.Text.Signature = string(text), e.signature()
		blocks = append(blocks, converseOutput{Reasoning: reasoning})
	}
	if text := said[textSection]; len(text) > 0 {
		blocks = append(blocks, converseOutput{Text: string(text)})
	}
	if len(said[toolNameSection]) > 0 {
		call := e.call()
		call.Input = e.tool.arguments(said[toolInputSection])
		blocks = append(blocks, converseOutput{ToolUse: call})
	}
	var body struct {
		Output struct {
			Message struct {
				Role    string           `json:"role"`
				Content []converseOutput `json:"content"`
			} `json:"message"`
		} `json:"output"`
		StopReason string          `json:"stopReason"`
		Usage      converseUsage   `json:"usage"`
		Metrics    converseMetrics `json:"metrics"`
	}
	body.Output.Message.Role, body.Output.Message.Content = "assistant", blocks
	body.StopReason, body.Usage, body.Metrics = stopReason(answers[0].reason), t.converseUsage(), e.metrics()
	return body
}
