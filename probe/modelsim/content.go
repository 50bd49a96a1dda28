package modelsim

import (
	"bytes"
	"encoding/json"
)

// content is a message's content: a string, null, or an array of parts.
type content []part

// part is text, or something else in its raw form.
type part struct {
	text       string
	opaque     string
	toolResult bool // of a call that an earlier answer made
	marked     bool // the prompt up to here is for the cache
}

// UnmarshalJSON reads any of the forms.
func (c *content) UnmarshalJSON(b []byte) error {
	*c = nil
	var text string
	if err := json.Unmarshal(b, &text); err == nil {
		if !isNull(b) {
			*c = content{{text: text}}
		}
		return nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return invalidRequest("content", "Invalid type for 'content': expected a string or an array of parts.")
	}
	for _, r := range raw {
		p, err := newPart(r)
		if err != nil {
			return err
		}
		*c = append(*c, p)
	}
	return nil
}

func newPart(raw json.RawMessage) (part, error) {
	var p struct {
		Type         string          `json:"type"`
		Text         *string         `json:"text"`
		Refusal      *string         `json:"refusal"`
		CacheControl json.RawMessage `json:"cache_control"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return part{}, invalidRequest("content", "Invalid content part: %v.", err)
	}
	made := part{toolResult: p.Type == "tool_result", marked: !isNull(p.CacheControl)}
	switch {
	case p.Text != nil:
		made.text = *p.Text
	case p.Refusal != nil:
		made.text = *p.Refusal
	case p.Type == "tool_use", p.Type == "tool_result", p.Type == "thinking":
		made.text = string(raw)
	default:
		made.opaque = string(raw)
	}
	return made, nil
}

func isNull(b []byte) bool { return len(b) == 0 || bytes.Equal(bytes.TrimSpace(b), []byte("null")) }

// message is one turn of a conversation, or an item of a Responses input that is not one.
type message struct {
	role    string
	content content
	extra   string // raw tool calls and the like
}

// chatPrompt renders messages as a chat template does: tools first, then for each message a marker
// with the role, the content and an end marker, and at last the marker that opens the answer.
func (s *Server) chatPrompt(model string, tools json.RawMessage, messages []message) *prompt {
	p := newPrompt(model, s.cfg.BlockSize)
	marker := func(name string) { p.add(hashString("<|" + name + "|>")) }
	if !isNull(tools) {
		p.addText(string(tools))
	}
	for _, m := range messages {
		marker(m.role)
		for _, part := range m.content {
			if part.opaque != "" {
				p.addOpaque(part.opaque)
			} else {
				p.addText(part.text)
			}
			if part.marked {
				p.marked = p.tokens
			}
		}
		p.addText(m.extra)
		marker("end")
	}
	marker("assistant")
	return p
}

// textPrompt is a plain prompt behind a begin-of-text token.
func (s *Server) textPrompt(model string, in textInput) *prompt {
	p := newPrompt(model, s.cfg.BlockSize)
	p.add(hashString("<|begin|>"))
	p.addText(in.text)
	for _, id := range in.ids {
		p.add(mix(fnvOffset, uint64(id)))
	}
	return p
}

// textInput is a string or a list of token ids.
type textInput struct {
	text string
	ids  []int
}

// textInputs is the prompt of legacy completions and the input of embeddings: a string, strings,
// token ids, or lists of token ids.
type textInputs []textInput

// UnmarshalJSON reads any of the forms.
func (in *textInputs) UnmarshalJSON(b []byte) error {
	if isNull(b) {
		*in = textInputs{{}}
		return nil
	}
	var one string
	if json.Unmarshal(b, &one) == nil {
		*in = textInputs{{text: one}}
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) == nil {
		for _, text := range many {
			*in = append(*in, textInput{text: text})
		}
		return nil
	}
	var ids []int
	if json.Unmarshal(b, &ids) == nil {
		*in = textInputs{{ids: ids}}
		return nil
	}
	var lists [][]int
	if json.Unmarshal(b, &lists) == nil {
		for _, ids := range lists {
			*in = append(*in, textInput{ids: ids})
		}
		return nil
	}
	return invalidRequest("input", "Invalid input: expected a string, an array of strings or arrays of token ids.")
}

// samplingBody has the fields that the bodies of the generating APIs share. min_tokens, ignore_eos
// and continuous_usage_stats are vLLM's.
type samplingBody struct {
	Model         string `json:"model"`
	Stream        bool   `json:"stream"`
	N             *int   `json:"n"`
	Seed          *int64 `json:"seed"`
	MinTokens     int    `json:"min_tokens"`
	IgnoreEOS     *bool  `json:"ignore_eos"`
	StreamOptions *struct {
		IncludeUsage    bool `json:"include_usage"`
		ContinuousUsage bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
}

// sampling checks the body and applies the server's defaults.
func (b *samplingBody) sampling(cfg *Config, maxTokens *int) (sampling, error) {
	s := sampling{choices: 1, minTokens: b.MinTokens, ignoreEOS: cfg.IgnoreEOS, seed: cfg.Seed, thinking: thinking{share: cfg.ReasoningShare}}
	if b.N != nil {
		s.choices = *b.N
	}
	if s.choices < 1 || s.choices > cfg.MaxChoices {
		return s, invalidRequest("n", "Invalid 'n': expected a value from 1 to %d, got %d.", cfg.MaxChoices, s.choices)
	}
	if maxTokens != nil {
		if s.maxTokens = *maxTokens; s.maxTokens < 1 {
			return s, invalidRequest("max_tokens", "Invalid 'max_tokens': expected a value of at least 1, got %d.", s.maxTokens)
		}
	}
	if b.IgnoreEOS != nil {
		s.ignoreEOS = *b.IgnoreEOS
	}
	if b.Seed != nil {
		s.seed = mix(s.seed, uint64(*b.Seed))
	}
	if b.StreamOptions != nil && !b.Stream {
		return s, invalidRequest("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	return s, nil
}

func (b *samplingBody) includeUsage() bool {
	return b.StreamOptions != nil && b.StreamOptions.IncludeUsage
}

func (b *samplingBody) continuousUsage() bool {
	return b.StreamOptions != nil && b.StreamOptions.ContinuousUsage
}
