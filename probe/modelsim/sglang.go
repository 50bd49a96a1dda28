package modelsim

import "encoding/json"

// sglang is the provider of SGLang's native API.
// https://docs.sglang.ai/basic_usage/native_api.html
type sglang struct{ plain }

// sglangEndpoints has the path at which TGI answers too; the body tells which of them is meant.
func sglangEndpoints() []endpoint {
	return []endpoint{{"/generate", "sglang-generate", "text_completion", sglang{}, sse{}, generate[generateBody]}}
}

func (sglang) errorBody(e *apiError, _ string) any {
	return fields{"error": fields{"message": e.Message}}
}

func (sglang) garbage() event {
	return event{data: []byte("{\"text\":\"The\",\"meta_info\":{\"prom\x00")}
}

// generateBody is a request to SGLang, or to TGI if it has inputs.
type generateBody struct {
	sglangBody
	tgi *tgiBody
}

// UnmarshalJSON reads either body.
func (body *generateBody) UnmarshalJSON(b []byte) error {
	var either struct {
		Inputs *string `json:"inputs"`
	}
	if json.Unmarshal(b, &either) == nil && either.Inputs != nil {
		body.tgi = new(tgiBody)
		return json.Unmarshal(b, body.tgi)
	}
	return json.Unmarshal(b, &body.sglangBody)
}

func (body *generateBody) plan(c *call) (order, encoder, error) {
	if body.tgi != nil {
		c.api.provider, c.out.provider = tgi{}, tgi{}
		return body.tgi.plan(c)
	}
	return body.sglangBody.plan(c)
}

type sglangBody struct {
	Text     string `json:"text"`
	Stream   bool   `json:"stream"`
	Sampling struct {
		MaxNewTokens *int `json:"max_new_tokens"`
		IgnoreEOS    bool `json:"ignore_eos"`
	} `json:"sampling_params"`
}

// defaultSGLangTokens is the length of an answer if the request does not say.
const defaultSGLangTokens = 128

func (body *sglangBody) plan(c *call) (order, encoder, error) {
	if body.Text == "" {
		return order{}, nil, invalidRequest("text", "Either text, input_ids or input_embeds should be provided.")
	}
	limit := defaultSGLangTokens
	if n := body.Sampling.MaxNewTokens; n != nil {
		limit = *n
	}
	o, err := c.textOrder(body.Text, body.Stream, new(samplingBody), limit)
	return o, &sglangEncoder{vocab: c.s.vocab, id: c.id}, err
}

// sglangEncoder words an answer as events with all of the text so far, or as one such event.
type sglangEncoder struct {
	vocab *vocabulary
	id    string
	tally tally
	text  []byte
	ids   []int
}

type sglangMeta struct {
	ID         string  `json:"id"`
	Finish     any     `json:"finish_reason"`
	Prompt     int     `json:"prompt_tokens"`
	Completion int     `json:"completion_tokens"`
	Cached     int     `json:"cached_tokens"`
	E2E        float64 `json:"e2e_latency,omitempty"` // seconds
}

func (e *sglangEncoder) body(text string, t tally, generated int, reason string) fields {
	meta := sglangMeta{ID: e.id, Prompt: t.prompt, Completion: generated, Cached: t.cached}
	switch reason {
	case "":
	case "length":
		meta.Finish = fields{"type": "length", "length": generated}
	default:
		meta.Finish = fields{"type": "stop", "matched": 2}
	}
	if s := t.spans; reason != "" && s.lastAt > 0 {
		meta.E2E = float64(s.lastAt-s.readyAt) / 1e9
	}
	return fields{"text": text, "output_ids": e.ids, "meta_info": meta}
}

func (e *sglangEncoder) open(t tally) []event {
	e.tally = t
	return nil
}

func (e *sglangEncoder) enter(section) []event { return nil }

func (e *sglangEncoder) delta(em emission, tokens []token) event {
	e.text = e.vocab.appendText(e.text, tokens)
	for _, t := range tokens {
		e.ids = append(e.ids, int(t))
	}
	reason := ""
	if em.ended {
		reason = em.reason
	}
	return event{data: mustJSON(e.body(string(e.text), e.tally, em.produced, reason))}
}

func (e *sglangEncoder) finish(int, string) []event { return nil }

func (e *sglangEncoder) close(tally) []event { return []event{done()} }

func (e *sglangEncoder) fail(err *apiError) []event {
	return []event{{data: mustJSON(sglang{}.errorBody(err, ""))}, done()}
}

func (e *sglangEncoder) whole(answers []answer, t tally) any {
	return e.body(string(answers[0].said[textSection]), t, t.output, answers[0].reason)
}
