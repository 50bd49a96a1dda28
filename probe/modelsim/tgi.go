package modelsim

import "net/http"

// tgi is the provider of Hugging Face's Text Generation Inference.
// https://huggingface.co/docs/text-generation-inference
type tgi struct{ plain }

// tgiEndpoints is the API of streams. Whole answers are at the path of SGLang.
func tgiEndpoints() []endpoint {
	return []endpoint{{"/generate_stream", "tgi-generate", "text_completion", tgi{}, sse{}, generate[tgiBody]}}
}

type tgiError struct {
	Error string `json:"error"`
	Type  string `json:"error_type"`
}

func (tgi) errorBody(e *apiError, _ string) any {
	kind := "generation"
	switch e.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return tgiError{"Model is overloaded", "overloaded"}
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		kind = "validation"
	}
	return tgiError{e.Message, kind}
}

func (tgi) overload() int { return http.StatusTooManyRequests }

func (tgi) garbage() event { return event{data: []byte("{\"index\":1,\"token\":{\"id\":1,\"te\x00")} }

// tgiBody is a request to generate.
type tgiBody struct {
	Inputs     string `json:"inputs"`
	Parameters struct {
		MaxNewTokens *int   `json:"max_new_tokens"`
		Details      bool   `json:"details"`
		Seed         *int64 `json:"seed"`
	} `json:"parameters"`
}

// defaultTGITokens is the length of an answer if the request does not say.
const defaultTGITokens = 100

func (body *tgiBody) plan(c *call) (order, encoder, error) {
	limit := defaultTGITokens
	if n := body.Parameters.MaxNewTokens; n != nil {
		limit = *n
	}
	if body.Inputs == "" {
		e := invalidRequest("inputs", "Input validation error: `inputs` cannot be empty")
		e.status = http.StatusUnprocessableEntity
		return order{}, nil, e
	}
	stream := c.api.framing != nil && c.api.dialect != "sglang-generate"
	o, err := c.textOrder(body.Inputs, stream, &samplingBody{Seed: body.Parameters.Seed}, limit)
	return o, &tgiEncoder{vocab: c.s.vocab, details: body.Parameters.Details}, err
}

// textOrder is the order of a request that has a prompt and names no model.
func (c *call) textOrder(text string, stream bool, body *samplingBody, limit int) (order, error) {
	sampling, err := body.sampling(&c.s.cfg, &limit)
	sampling.thinking = thinking{} // which these APIs do not have
	p := c.s.textPrompt(c.s.cfg.Models[0], textInput{text: text})
	return order{unnamed: true, stream: stream, prompts: []*prompt{p}, sampling: sampling}, err
}
