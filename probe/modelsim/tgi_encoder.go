package modelsim

// tgiEncoder words an answer as one event for each step, or as one answer.
type tgiEncoder struct {
	vocab   *vocabulary
	details bool // the request wants them
	prompt  int  // tokens
	text    []byte
	index   int
}

type tgiToken struct {
	ID      int     `json:"id"`
	Text    string  `json:"text"`
	Logprob float64 `json:"logprob"`
	Special bool    `json:"special"`
}

// tgiDetails tells the length of the prompt in streams only.
type tgiDetails struct {
	FinishReason string `json:"finish_reason"`
	Generated    int    `json:"generated_tokens"`
	InputLength  int    `json:"input_length,omitempty"`
	Seed         *int64 `json:"seed"`
}

// told is the details, if the request wants them.
func (e *tgiEncoder) told(reason string, prompt, generated int) *tgiDetails {
	if !e.details {
		return nil
	}
	if reason == "stop" {
		reason = "eos_token"
	}
	return &tgiDetails{FinishReason: reason, Generated: generated, InputLength: prompt}
}

func (e *tgiEncoder) open(t tally) []event {
	e.prompt = t.prompt
	return nil
}

func (e *tgiEncoder) enter(section) []event { return nil }

// delta is the event of a token. The last one has the whole text, and the details. Several tokens of
// one step share an event, which the server itself never does.
func (e *tgiEncoder) delta(em emission, tokens []token) event {
	at := len(e.text)
	e.text = e.vocab.appendText(e.text, tokens)
	e.index++
	body := struct {
		Index     int         `json:"index"`
		Token     tgiToken    `json:"token"`
		Generated *string     `json:"generated_text"`
		Details   *tgiDetails `json:"details"`
	}{Index: e.index, Token: tgiToken{ID: int(tokens[0]), Text: string(e.text[at:]), Logprob: -0.5}}
	if em.ended {
		text := string(e.text)
		body.Generated, body.Details = &text, e.told(em.reason, e.prompt, em.produced)
	}
	return event{data: mustJSON(body)}
}

func (e *tgiEncoder) finish(int, string) []event { return nil }

func (e *tgiEncoder) close(tally) []event { return nil }

func (e *tgiEncoder) fail(err *apiError) []event {
	return []event{{data: mustJSON(tgi{}.errorBody(err, ""))}}
}

func (e *tgiEncoder) whole(answers []answer, t tally) any {
	return struct {
		Generated string      `json:"generated_text"`
		Details   *tgiDetails `json:"details,omitempty"`
	}{string(answers[0].said[textSection]), e.told(answers[0].reason, 0, t.output)}
}
