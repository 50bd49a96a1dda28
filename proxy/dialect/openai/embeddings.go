package openai

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/compatible"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Embeddings is the embeddings API. It generates nothing: there are no tokens but
// those of the input.
// https://platform.openai.com/docs/api-reference/embeddings
func Embeddings() dialect.Dialect {
	embeddings := compatible.Post("/embeddings")
	return &reading.API{
		Name: "openai-embeddings",
		Guide: reading.Guide{
			Request:   "`POST …/embeddings`",
			Usage:     "`usage`; the total, if it is alone",
			Reference: "https://platform.openai.com/docs/api-reference/embeddings",
		},
		Operation: exchange.Embeddings,
		// Ollama has an API of its own at /api/embeddings.
		Matches:    func(h *dialect.Head) bool { return embeddings(h) && !strings.HasSuffix(h.Path, "/api/embeddings") },
		Provider:   compatible.Provider,
		PathModel:  compatible.Deployment,
		Terminator: compatible.Terminator,
		Request:    frame.MustShape(frame.Paths{"model": reading.AskModel}),
		Response: frame.MustShape(reading.Join(frame.Paths{
			"model":                          reading.Model,
			"total_tokens":                   reading.TotalTokens,
			"meta.billed_units.input_tokens": reading.InputTokens, // Cohere's, at gateways
			"meta.tokens.input_tokens":       reading.InputTokens,
		}, compatible.FailurePaths(), reading.Under("usage.", compatible.UsagePaths()), reading.Under("data.usage.", countPaths()))),
	}
}
