package modelsim

// triton is the provider of the generate extension of KServe's protocol, as Triton has it.
// https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_generate.md
type triton struct{ plain }

func tritonEndpoints() []endpoint {
	const name, operation = "triton-generate", "text_completion"
	return []endpoint{
		{"/v2/models/*/generate", name, operation, triton{}, nil, generate[tritonBody]},
		{"/v2/models/*/generate_stream", name, operation, triton{}, sse{}, generate[tritonBody]},
	}
}

func (triton) errorBody(e *apiError, _ string) any { return fields{"error": e.Message} }

func (triton) garbage() event { return event{data: []byte("{\"model_name\":\"m\",\"text_out\x00")} }

// tritonBody is a request to generate. The names of the parameters are those of the model's backend:
// the simulator knows those of vLLM's and of TensorRT-LLM's.
type tritonBody struct {
	Text       string `json:"text_input"`
	MaxTokens  *int   `json:"max_tokens"`
	Parameters struct {
		MaxTokens *int `json:"max_tokens"`
	} `json:"parameters"`
}

func (body *tritonBody) plan(c *call) (order, encoder, error) {
	if body.Text == "" {
		return order{}, nil, invalidRequest("text_input", "missing required input 'text_input'")
	}
	limit := defaultCompletionTokens
	for _, n := range []*int{body.MaxTokens, body.Parameters.MaxTokens} {
		if n != nil {
			limit = *n
		}
	}
	o, err := c.textOrder(body.Text, c.api.framing != nil, new(samplingBody), limit)
	o.model, o.unnamed = c.pathName, false
	return o, &tritonEncoder{c.s.vocab, c.pathName}, err
}

// tritonEncoder words an answer as events with new text, or as one. Nothing says why it ends, and
// nobody counts tokens.
type tritonEncoder struct {
	vocab *vocabulary
	model string
}

func (e *tritonEncoder) body(text []byte) fields {
	return fields{"model_name": e.model, "model_version": "1", "text_output": string(text)}
}

func (e *tritonEncoder) open(tally) []event { return nil }

func (e *tritonEncoder) enter(section) []event { return nil }

func (e *tritonEncoder) delta(_ emission, tokens []token) event {
	return event{data: mustJSON(e.body(e.vocab.appendText(nil, tokens)))}
}

func (e *tritonEncoder) finish(int, string) []event { return nil }

func (e *tritonEncoder) close(tally) []event { return nil }

func (e *tritonEncoder) fail(err *apiError) []event {
	return []event{{data: mustJSON(triton{}.errorBody(err, ""))}}
}

func (e *tritonEncoder) whole(answers []answer, _ tally) any {
	return e.body(answers[0].said[textSection])
}
