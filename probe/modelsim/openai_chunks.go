package modelsim

import (
	"encoding/json"
	"slices"
	"strconv"
)

// tokenUsage is the usage object of chat and legacy completions.
type tokenUsage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
	PromptDetails    struct {
		CachedTokens int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		ReasoningTokens int `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

func (t tally) usage() tokenUsage {
	u := tokenUsage{PromptTokens: t.prompt, CompletionTokens: t.output, TotalTokens: t.prompt + t.output}
	u.PromptDetails.CachedTokens = t.cached
	u.CompletionDetails.ReasoningTokens = t.reasoning
	return u
}

// envelope has the fields that all objects of one answer share.
type envelope struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
}

// chunks builds the data-only events of chat and legacy completions. Their chunks differ only in
// the choice.
type chunks struct {
	envelope
	vocab           *vocabulary
	includeUsage    bool
	continuousUsage bool
	tellMetrics     bool
	prompt, shown   int // tokens
	head            []byte
	choices         []wordings
	inputs          []toolInput // of the call of each choice
	buf             []byte
}

// wording surrounds the text of one choice in a chunk, and wordings have one for each section.
type (
	wording  struct{ before, after string }
	wordings [sections]wording
)

// told is the metrics of an answer that is not streamed. It is nil when the server tells none.
func (k *chunks) told(t tally) *metrics {
	if !k.tellMetrics {
		return nil
	}
	return t.metrics()
}

func (c *call) newChunks(body *samplingBody, o order, object string, called tool, choice func(int) wordings) chunks {
	k := chunks{
		envelope: envelope{ID: o.responseID, Object: object, Created: c.start.Unix(), Model: o.model},
		vocab:    c.s.vocab, includeUsage: body.includeUsage(),
		continuousUsage: body.includeUsage() && body.continuousUsage(),
		tellMetrics:     c.s.cfg.TellMetrics,
	}
	for i, p := range o.prompts {
		k.prompt += p.tokens
		for n := range o.choices {
			k.choices = append(k.choices, choice(i*o.choices+n))
			k.inputs = append(k.inputs, toolInput{property: called.property()})
		}
	}
	k.head = append(k.head, `{"id":"`+k.ID+`","object":"`+object+`","created":`...)
	k.head = strconv.AppendInt(k.head, k.Created, 10)
	k.head = append(k.head, `,"model":`+quoteJSON(k.Model)+`,"choices":[`...)
	return k
}

// delta is the chunk with tokens of a choice.
func (k *chunks) delta(e emission, tokens []token) event {
	k.shown += len(tokens)
	k.begin()
	w := &k.choices[e.choice][e.section]
	k.buf = append(k.buf, w.before...)
	switch {
	case e.section == toolInputSection:
		k.buf = k.inputs[e.choice].append(k.buf, k.vocab, e, tokens)
	case e.section == toolNameSection && e.ended: // there is no input
		k.buf = append(k.buf, "{}"...)
	case e.section != toolNameSection:
		k.buf = k.vocab.appendQuoted(k.buf, tokens)
	}
	k.buf = append(k.buf, w.after...)
	return event{data: k.end()}
}

// begin starts an event and opens its list of choices.
func (k *chunks) begin() { k.buf = append(k.buf[:0], k.head...) }

// end closes the list and the event, whose data it returns.
func (k *chunks) end() []byte {
	switch {
	case k.continuousUsage:
		k.buf = append(k.buf, `],"usage":{"prompt_tokens":`...)
		k.buf = strconv.AppendInt(k.buf, int64(k.prompt), 10)
		k.buf = append(k.buf, `,"completion_tokens":`...)
		k.buf = strconv.AppendInt(k.buf, int64(k.shown), 10)
		k.buf = append(k.buf, `,"total_tokens":`...)
		k.buf = strconv.AppendInt(k.buf, int64(k.prompt+k.shown), 10)
		k.buf = append(k.buf, "}}"...)
	case k.includeUsage:
		k.buf = append(k.buf, "],\"usage\":null}"...)
	default:
		k.buf = append(k.buf, "]}"...)
	}
	return k.buf
}

// event is one event with the given choice, in memory of its own.
func (k *chunks) event(choice string) event {
	k.begin()
	k.buf = append(k.buf, choice...)
	return event{data: slices.Clone(k.end())}
}

// close is the terminator, after the usage chunk if the client wants that.
func (k *chunks) close(t tally) []event {
	if !k.includeUsage {
		return []event{done()}
	}
	usage := append(slices.Clone(k.head), `],"usage":`...)
	usage = append(usage, mustJSON(t.usage())...)
	if k.tellMetrics {
		usage = append(append(usage, `,"metrics":`...), mustJSON(t.metrics())...)
	}
	return []event{{data: append(usage, '}')}, done()}
}

// fail is the error event and then, as vLLM sends it, the terminator.
func (k *chunks) fail(e *apiError) []event {
	return []event{{data: mustJSON(errorBody{e})}, done()}
}

// done is the terminator of a stream.
func done() event { return event{data: []byte("[DONE]")} }

// mustJSON marshals v, which must be of a type of this package, for which marshaling cannot fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("modelsim: marshaling its own type: " + err.Error())
	}
	return b
}
