package modelsim

import "strconv"

// defaultCompletionTokens is the length of a legacy completion whose request names none. OpenAI's
// API and vLLM have the same.
const defaultCompletionTokens = 16

type completionsBody struct {
	samplingBody
	Prompt    textInputs `json:"prompt"`
	MaxTokens *int       `json:"max_tokens"`
	Echo      bool       `json:"echo"`
}

func (body *completionsBody) plan(c *call) (order, encoder, error) {
	if n := len(body.Prompt); n == 0 || n > c.s.cfg.MaxInputs {
		return order{}, nil, invalidRequest("prompt", "Invalid 'prompt': expected 1 to %d prompts, got %d.", c.s.cfg.MaxInputs, n)
	}
	if body.MaxTokens == nil {
		limit := defaultCompletionTokens
		body.MaxTokens = &limit
	}
	sampling, err := body.sampling(&c.s.cfg, body.MaxTokens)
	if err != nil {
		return order{}, nil, err
	}
	o := order{model: body.Model, responseID: "cmpl-" + c.id, stream: body.Stream, sampling: sampling}
	enc := &completionsEncoder{}
	for _, in := range body.Prompt {
		o.prompts = append(o.prompts, c.s.textPrompt(body.Model, in))
		for range sampling.choices {
			if body.Echo {
				enc.echo = append(enc.echo, in.text)
			}
		}
	}
	enc.chunks = c.newChunks(&body.samplingBody, o, "text_completion", tool{}, completionWording)
	return o, enc, nil
}

// completionsEncoder words an answer as text completions. Chunks and whole answers have one shape.
type completionsEncoder struct {
	chunks
	echo []string // by choice, the prompt to repeat before the answer
}

func completionWording(choice int) wordings {
	return wordings{textSection: {`{"text":"`, `","index":` + strconv.Itoa(choice) + `,"logprobs":null,"finish_reason":null}`}}
}

func (e *completionsEncoder) open(tally) []event { return nil }

// enter is the echo, which carries no generated token.
func (e *completionsEncoder) enter(section) []event {
	var events []event
	for i, text := range e.echo {
		events = append(events, e.event(`{"text":`+quoteJSON(text)+`,"index":`+strconv.Itoa(i)+`,"logprobs":null,"finish_reason":null}`))
	}
	return events
}

func (e *completionsEncoder) finish(choice int, reason string) []event {
	return []event{e.event(`{"text":"","index":` + strconv.Itoa(choice) + `,"logprobs":null,"finish_reason":"` + reason + `"}`)}
}

type completionChoice struct {
	Text         string    `json:"text"`
	Index        int       `json:"index"`
	Logprobs     *struct{} `json:"logprobs"`
	FinishReason string    `json:"finish_reason"`
}

func (e *completionsEncoder) whole(answers []answer, t tally) any {
	body := struct {
		envelope
		Choices []completionChoice `json:"choices"`
		Usage   tokenUsage         `json:"usage"`
		Metrics *metrics           `json:"metrics,omitempty"`
	}{envelope: e.envelope, Usage: t.usage(), Metrics: e.told(t)}
	for i, a := range answers {
		text := string(a.said[textSection])
		if len(e.echo) > 0 {
			text = e.echo[i] + text
		}
		body.Choices = append(body.Choices, completionChoice{Text: text, Index: i, FinishReason: a.reason})
	}
	return body
}
