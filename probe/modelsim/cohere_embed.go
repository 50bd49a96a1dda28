package modelsim

import (
	"cmp"
	"math"
	"slices"
)

// cohereMeta tells what a request costs that generates nothing.
type cohereMeta struct {
	APIVersion struct {
		Version string `json:"version"`
	} `json:"api_version"`
	Billed fields `json:"billed_units"`
}

func newCohereMeta(unit string, n int) cohereMeta {
	m := cohereMeta{Billed: fields{unit: n}}
	m.APIVersion.Version = "2"
	return m
}

// cohereEmbed answers with embeddings as numbers.
// https://docs.cohere.com/v2/reference/embed
func (c *call) cohereEmbed() error {
	var body struct {
		Model     string   `json:"model"`
		Texts     []string `json:"texts"`
		Dimension *int     `json:"output_dimension"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	vectors, tokens, err := c.embed(body.Model, textsOf(body.Texts...), body.Dimension)
	if err != nil {
		return err
	}
	return c.send(fields{
		"id": c.id, "texts": body.Texts, "embeddings": fields{"float": vectors}, "response_type": "embeddings_by_type",
		"meta": newCohereMeta("input_tokens", tokens),
	}, 0)
}

// cohereRerank orders documents by the angle between their embeddings and that of the query.
// https://docs.cohere.com/v2/reference/rerank
func (c *call) cohereRerank() error {
	var body struct {
		Model     string   `json:"model"`
		Query     string   `json:"query"`
		Documents []string `json:"documents"`
		TopN      int      `json:"top_n"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	vectors, _, err := c.embed(body.Model, textsOf(append(body.Documents, body.Query)...), nil)
	if err != nil {
		return err
	}
	type result struct {
		Index int     `json:"index"`
		Score float64 `json:"relevance_score"`
	}
	var results []result
	query := vectors[len(body.Documents)]
	for i := range body.Documents {
		cosine := 0.0
		for k, v := range vectors[i] {
			cosine += float64(v) * float64(query[k])
		}
		results = append(results, result{i, math.Round((1+cosine)*1e6/2) / 1e6})
	}
	slices.SortStableFunc(results, func(a, b result) int { return cmp.Compare(b.Score, a.Score) })
	if n := body.TopN; n > 0 && n < len(results) {
		results = results[:n]
	}
	return c.send(fields{"id": c.id, "results": results, "meta": newCohereMeta("search_units", 1)}, 0)
}

func textsOf(texts ...string) []textInput {
	var inputs []textInput
	for _, text := range texts {
		inputs = append(inputs, textInput{text: text})
	}
	return inputs
}
