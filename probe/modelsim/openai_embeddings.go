package modelsim

import (
	"encoding/base64"
	"encoding/binary"
	"math"
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

// embeddings serves the API for embeddings.
func (c *call) embeddings() error {
	var body embeddingsBody
	if err := c.decode(&body); err != nil {
		return err
	}
	vectors, tokens, err := c.embed(body.Model, body.Input, body.Dimensions)
	if err != nil {
		return err
	}
	list := struct {
		Object string            `json:"object"`
		Data   []embeddingObject `json:"data"`
		Model  string            `json:"model"`
		Usage  struct {
			PromptTokens int `json:"prompt_tokens"`
			TotalTokens  int `json:"total_tokens"`
		} `json:"usage"`
	}{Object: "list", Model: body.Model}
	for i, v := range vectors {
		var embedding any = v
		if body.EncodingFormat == "base64" {
			embedding = base64Vector(v)
		}
		list.Data = append(list.Data, embeddingObject{Object: "embedding", Index: i, Embedding: embedding})
	}
	list.Usage.PromptTokens, list.Usage.TotalTokens = tokens, tokens
	return c.send(list, 0)
}

func base64Vector(v []float32) string {
	raw := make([]byte, 0, 4*len(v))
	for _, f := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(raw)
}
