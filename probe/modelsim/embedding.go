package modelsim

import (
	"math"
	"math/rand/v2"
)

// maxEmbeddingDims bounds the dimensions that a request may ask for.
const maxEmbeddingDims = 4096

// embed returns an embedding of each input, and the number of their tokens. An embedding is a prefill
// without decode.
func (c *call) embed(model string, inputs []textInput, dimensions *int) ([][]float32, int, error) {
	if n := len(inputs); n == 0 || n > c.s.cfg.MaxInputs {
		return nil, 0, invalidRequest("input", "Invalid 'input': expected 1 to %d inputs, got %d.", c.s.cfg.MaxInputs, n)
	}
	dims := c.s.cfg.EmbeddingDims
	if dimensions != nil {
		dims = *dimensions
	}
	if dims < 1 || dims > maxEmbeddingDims {
		return nil, 0, invalidRequest("dimensions", "Invalid 'dimensions': expected a value from 1 to %d, got %d.", maxEmbeddingDims, dims)
	}
	o := order{model: model, embed: true, sampling: sampling{choices: 1, seed: c.s.cfg.Seed}}
	tokens := 0
	for _, in := range inputs {
		p := c.s.textPrompt(model, in)
		o.prompts = append(o.prompts, p)
		tokens += p.tokens
	}
	if err := c.submit(o); err != nil {
		return nil, 0, err
	}
	var b batch
	for left := len(o.prompts); left > 0; left -= len(b.emissions) {
		if err := c.next(&b); err != nil {
			return nil, 0, err
		}
	}
	vectors := make([][]float32, len(o.prompts))
	for i, p := range o.prompts {
		vectors[i] = unitVector(mix(c.s.cfg.Seed, p.sum), dims)
	}
	return vectors, tokens, nil
}

// unitVector is a point on the unit sphere that depends on content alone.
func unitVector(content uint64, dims int) []float32 {
	r := rand.New(rand.NewPCG(content, saltEmbedding))
	wide := make([]float64, dims)
	square := 0.0
	for i := range wide {
		wide[i] = r.NormFloat64()
		square += wide[i] * wide[i]
	}
	v := make([]float32, dims)
	for i := range v {
		v[i] = float32(wide[i] / math.Sqrt(square))
	}
	return v
}
