package modelsim

// llamaBody is a request in the format of Meta's models, which stands for all formats but Claude's.
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html
type llamaBody struct {
	Prompt    string `json:"prompt"`
	MaxGenLen *int   `json:"max_gen_len"`
}

// defaultLlamaTokens is the longest answer if the request does not say.
const defaultLlamaTokens = 512

func (body *llamaBody) plan(c *call) (order, encoder, error) {
	if body.MaxGenLen == nil {
		limit := defaultLlamaTokens
		body.MaxGenLen = &limit
	}
	sampling, err := new(samplingBody).sampling(&c.s.cfg, body.MaxGenLen)
	if err != nil {
		return order{}, nil, err
	}
	p := c.s.textPrompt(c.pathName, textInput{text: body.Prompt})
	return order{model: c.pathName, stream: c.api.framing != nil, prompts: []*prompt{p}, sampling: sampling},
		&invokeEncoder{&llamaEncoder{vocab: c.s.vocab, prompt: p.tokens}, c.start}, nil
}

// llamaEncoder words an answer as generations.
type llamaEncoder struct {
	vocab     *vocabulary
	prompt    int // tokens
	told      bool
	generated int
	reason    string
}

type llamaGeneration struct {
	Generation string  `json:"generation"`
	Prompt     *int    `json:"prompt_token_count"`
	Generated  int     `json:"generation_token_count"`
	StopReason *string `json:"stop_reason"`
}

func (e *llamaEncoder) open(tally) []event { return nil }

func (e *llamaEncoder) enter(section) []event { return nil }

// delta tells the length of the prompt once.
func (e *llamaEncoder) delta(em emission, tokens []token) event {
	e.generated = em.produced
	g := llamaGeneration{Generation: string(e.vocab.appendText(nil, tokens)), Generated: em.produced}
	if !e.told {
		e.told, g.Prompt = true, &e.prompt
	}
	return event{data: mustJSON(g)}
}

func (e *llamaEncoder) finish(_ int, reason string) []event {
	e.reason = reason
	return nil
}

func (e *llamaEncoder) close(tally) []event {
	return []event{{data: mustJSON(llamaGeneration{Generated: e.generated, StopReason: &e.reason})}}
}

func (e *llamaEncoder) fail(err *apiError) []event { return []event{bedrockFailure(err)} }

func (e *llamaEncoder) whole(answers []answer, t tally) any {
	a := answers[0]
	return llamaGeneration{Generation: string(a.said[textSection]), Prompt: &e.prompt, Generated: t.output, StopReason: &a.reason}
}
