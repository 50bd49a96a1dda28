package modelsim

// llamaCPP is the provider of llama.cpp's native API.
// https://github.com/ggml-org/llama.cpp/tree/master/tools/server
type llamaCPP struct{ plain }

func llamaCPPEndpoints() []endpoint {
	return []endpoint{{"/completion", "llamacpp-completion", "text_completion", llamaCPP{}, sse{}, generate[llamaCPPBody]}}
}

func (llamaCPP) errorBody(e *apiError, _ string) any {
	return fields{"error": fields{"code": e.status, "message": e.Message, "type": e.Type}}
}

func (llamaCPP) garbage() event { return event{data: []byte("{\"index\":0,\"content\":\"Th\x00")} }

// llamaCPPBody is a request to completion.
type llamaCPPBody struct {
	Prompt    string `json:"prompt"`
	Stream    bool   `json:"stream"`
	NPredict  *int   `json:"n_predict"`
	IgnoreEOS *bool  `json:"ignore_eos"`
	Seed      *int64 `json:"seed"`
}

// defaultLlamaCPPTokens is the length of an answer if the request does not say. The server itself goes
// on until the model ends.
const defaultLlamaCPPTokens = 512

func (body *llamaCPPBody) plan(c *call) (order, encoder, error) {
	if body.Prompt == "" {
		return order{}, nil, invalidRequest("prompt", `"prompt" is missing`)
	}
	limit := defaultLlamaCPPTokens
	if body.NPredict != nil {
		limit = *body.NPredict
	}
	o, err := c.textOrder(body.Prompt, body.Stream, &samplingBody{Seed: body.Seed, IgnoreEOS: body.IgnoreEOS}, limit)
	return o, &llamaCPPEncoder{vocab: c.s.vocab, model: c.s.cfg.Models[0]}, err
}

// llamaCPPEncoder words an answer as events with new text, the last of which has the counts and none, or
// as one event.
type llamaCPPEncoder struct {
	vocab  *vocabulary
	model  string
	prompt int // tokens
	reason string
}

func (e *llamaCPPEncoder) open(t tally) []event {
	e.prompt = t.prompt
	return nil
}

func (e *llamaCPPEncoder) enter(section) []event { return nil }

func (e *llamaCPPEncoder) delta(em emission, tokens []token) event {
	return event{data: mustJSON(fields{
		"index": 0, "content": string(e.vocab.appendText(nil, tokens)), "tokens": tokens, "stop": false, "id_slot": 0,
		"tokens_predicted": em.produced, "tokens_evaluated": e.prompt,
	})}
}

func (e *llamaCPPEncoder) finish(_ int, reason string) []event {
	e.reason = reason
	return nil
}

func (e *llamaCPPEncoder) close(t tally) []event {
	return []event{{data: mustJSON(e.last("", e.reason, t))}}
}

// last is the event that ends an answer.
func (e *llamaCPPEncoder) last(text, reason string, t tally) fields {
	stopped := "eos"
	if reason == "length" {
		stopped = "limit"
	}
	s := t.spans
	return fields{
		"index": 0, "content": text, "tokens": []int{}, "id_slot": 0, "stop": true, "model": e.model,
		"tokens_predicted": t.output, "tokens_evaluated": t.prompt, "tokens_cached": t.prompt + t.output,
		"has_new_line": false, "truncated": false, "stop_type": stopped, "stopping_word": "",
		"timings": fields{
			"cache_n": t.cached, "prompt_n": t.prompt - t.cached, "prompt_ms": milliseconds(s.firstAt - s.scheduledAt),
			"predicted_n": t.output, "predicted_ms": milliseconds(s.lastAt - s.firstAt),
		},
	}
}

func (e *llamaCPPEncoder) fail(err *apiError) []event {
	return []event{{data: mustJSON(llamaCPP{}.errorBody(err, ""))}}
}

func (e *llamaCPPEncoder) whole(answers []answer, t tally) any {
	return e.last(string(answers[0].said[textSection]), answers[0].reason, t)
}
