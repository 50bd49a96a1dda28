package modelsim

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

type embeddingsBody struct {
	Model          string     `json:"model"`
	Input          textInputs `json:"input"`
	EncodingFormat string     `json:"encoding_format"`
	Dimensions     *int       `json:"dimensions"`
}

type embeddingObject struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"` // []float32, or base64 of them, little endian
}

// maxEmbeddingDims bounds the dimensions that a request may ask for.
const maxEmbeddingDims = 4096

// embeddings serves the API for embeddings. An embedding is a prefill without decode.
func (c *call) embeddings() error {
	var body embeddingsBody
	if err := c.decode(&body); err != nil {
		return err
	}
	if n := len(body.Input); n == 0 || n > c.s.cfg.MaxInputs {
		return invalidRequest("input", "Invalid 'input': expected 1 to %d inputs, got %d.", c.s.cfg.MaxInputs, n)
	}
	dims := c.s.cfg.EmbeddingDims
	if body.Dimensions != nil {
		dims = *body.Dimensions
	}
	if dims < 1 || dims > maxEmbeddingDims {
		return invalidRequest("dimensions", "Invalid 'dimensions': expected a value from 1 to %d, got %d.", maxEmbeddingDims, dims)
	}
	o := order{model: body.Model, embed: true, sampling: sampling{choices: 1, seed: c.s.cfg.Seed}}
	for _, in := range body.Input {
		o.prompts = append(o.prompts, c.s.textPrompt(body.Model, in))
	}
	if err := c.submit(o); err != nil {
		return err
	}
	var b batch
	for left := len(o.prompts); left > 0; {
		if err := c.next(&b); err != nil {
			return err
		}
		left -= len(b.emissions)
	}
	return c.send(c.embeddingList(&body, o.prompts, dims), 0)
}

func (c *call) embeddingList(body *embeddingsBody, prompts []*prompt, dims int) any {
	list := struct {
		Object string            `json:"object"`
		Data   []embeddingObject `json:"data"`
		Model  string            `json:"model"`
		Usage  struct {
			PromptTokens int `json:"prompt_tokens"`
			TotalTokens  int `json:"total_tokens"`
		} `json:"usage"`
	}{Object: "list", Model: body.Model}
	for i, p := range prompts {
		var embedding any = unitVector(mix(c.s.cfg.Seed, p.sum), dims)
		if body.EncodingFormat == "base64" {
			embedding = base64Vector(embedding.([]float32))
		}
		list.Data = append(list.Data, embeddingObject{Object: "embedding", Index: i, Embedding: embedding})
		list.Usage.PromptTokens += p.tokens
	}
	list.Usage.TotalTokens = list.Usage.PromptTokens
	return list
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

func base64Vector(v []float32) string {
	raw := make([]byte, 0, 4*len(v))
	for _, f := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(raw)
}
