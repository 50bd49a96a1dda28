package modelsim

type geminiEmbedBody struct {
	Content    geminiContent `json:"content"`
	Dimensions *int          `json:"outputDimensionality"`
}

type geminiVector struct {
	Values []float32 `json:"values"`
}

// geminiEmbedUsage counts the inputs of all embeddings.
type geminiEmbedUsage struct {
	Prompt int `json:"promptTokenCount"`
	Total  int `json:"totalTokenCount"`
}

// geminiEmbedding serves embedContent.
func (c *call) geminiEmbedding() error {
	var body geminiEmbedBody
	if err := c.decode(&body); err != nil {
		return err
	}
	vectors, usage, err := c.geminiVectors([]geminiEmbedBody{body})
	if err != nil {
		return err
	}
	return c.send(struct {
		Embedding geminiVector     `json:"embedding"`
		Usage     geminiEmbedUsage `json:"usageMetadata"`
	}{vectors[0], usage}, 0)
}

// geminiEmbeddings serves batchEmbedContents.
func (c *call) geminiEmbeddings() error {
	var body struct {
		Requests []geminiEmbedBody `json:"requests"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	vectors, usage, err := c.geminiVectors(body.Requests)
	if err != nil {
		return err
	}
	return c.send(struct {
		Embeddings []geminiVector   `json:"embeddings"`
		Usage      geminiEmbedUsage `json:"usageMetadata"`
	}{vectors, usage}, 0)
}

func (c *call) geminiVectors(requests []geminiEmbedBody) ([]geminiVector, geminiEmbedUsage, error) {
	var inputs []textInput
	var dims *int
	for _, r := range requests {
		var in textInput
		for _, p := range r.Content.Parts {
			in.text += p.text + p.opaque
		}
		inputs = append(inputs, in)
		dims = r.Dimensions
	}
	embedded, tokens, err := c.embed(c.pathName, inputs, dims)
	var vectors []geminiVector
	for _, v := range embedded {
		vectors = append(vectors, geminiVector{v})
	}
	return vectors, geminiEmbedUsage{tokens, tokens}, err
}
