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

// envelope is what all objects of one answer have in common.
type envelope struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Model   string `json:"model"`
}

// chunks builds the data-only events of chat and legacy completions, whose chunks
// differ in the choice alone.
type chunks struct {
	envelope
	vocab           *vocabulary
	includeUsage    bool
	continuousUsage bool
	tellMetrics     bool
	prompt, shown   int // tokens
	head            []byte
	buf             []byte
}

// told is the metrics of an answer that is not streamed, nil where they are not told.
func (k *chunks) told(t tally) *metrics {
	if !k.tellMetrics {
		return nil
	}
	return t.metrics()
}

func (c *call) newChunks(body *samplingBody, id, object string, prompts []*prompt) chunks {
	k := chunks{
		envelope: envelope{ID: id, Object: object, Created: c.start.Unix(), Model: body.Model},
		vocab:    c.s.vocab, includeUsage: body.includeUsage(),
		continuousUsage: body.includeUsage() && body.continuousUsage(),
		tellMetrics:     c.s.cfg.TellMetrics,
	}
	for _, p := range prompts {
		k.prompt += p.tokens
	}
	k.head = append(k.head, `data: {"id":"`+id+`","object":"`+object+`","created":`...)
	k.head = strconv.AppendInt(k.head, k.Created, 10)
	k.head = append(k.head, `,"model":`+quoteJSON(body.Model)+`,"choices":[`...)
	return k
}

// begin starts an event and opens its list of choices.
func (k *chunks) begin() { k.buf = append(k.buf[:0], k.head...) }

// end closes the list and the event.
func (k *chunks) end() []byte {
	switch {
	case k.continuousUsage:
		k.buf = append(k.buf, `],"usage":{"prompt_tokens":`...)
		k.buf = strconv.AppendInt(k.buf, int64(k.prompt), 10)
		k.buf = append(k.buf, `,"completion_tokens":`...)
		k.buf = strconv.AppendInt(k.buf, int64(k.shown), 10)
		k.buf = append(k.buf, `,"total_tokens":`...)
		k.buf = strconv.AppendInt(k.buf, int64(k.prompt+k.shown), 10)
		k.buf = append(k.buf, "}}\n\n"...)
	case k.includeUsage:
		k.buf = append(k.buf, "],\"usage\":null}\n\n"...)
	default:
		k.buf = append(k.buf, "]}\n\n"...)
	}
	return k.buf
}

// event is one event with the given choice, in memory of its own.
func (k *chunks) event(choice string) []byte {
	k.begin()
	k.buf = append(k.buf, choice...)
	return slices.Clone(k.end())
}

// close is the usage chunk, if asked for, and the terminator.
func (k *chunks) close(t tally) [][]byte {
	done := []byte("data: [DONE]\n\n")
	if !k.includeUsage {
		return [][]byte{done}
	}
	usage := append(slices.Clone(k.head), `],"usage":`...)
	usage = append(usage, mustJSON(t.usage())...)
	if k.tellMetrics {
		usage = append(append(usage, `,"metrics":`...), mustJSON(t.metrics())...)
	}
	return [][]byte{append(usage, "}\n\n"...), done}
}

// fail is the error event and, as vLLM sends it, still the terminator.
func (k *chunks) fail(e *apiError) [][]byte {
	return [][]byte{dataEvent(errorBody{e}), []byte("data: [DONE]\n\n")}
}

func dataEvent(v any) []byte {
	return append(append([]byte("data: "), mustJSON(v)...), "\n\n"...)
}

// mustJSON marshals values of this package's own types, which cannot fail.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("modelsim: marshaling its own type: " + err.Error())
	}
	return b
}
