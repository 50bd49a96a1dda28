package openai

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Embeddings is the embeddings API. It generates nothing: there are no tokens but
// those of the input.
// https://platform.openai.com/docs/api-reference/embeddings
func Embeddings() dialect.Dialect {
	embeddings := post("/embeddings")
	return &api{
		name:      "openai-embeddings",
		operation: exchange.Embeddings,
		// Ollama has an API of its own at /api/embeddings.
		match:   func(h *dialect.Head) bool { return embeddings(h) && !strings.HasSuffix(h.Path, "/api/embeddings") },
		request: frame.MustShape(frame.Paths{"model": askModel}),
		response: frame.MustShape(frame.Paths{
			"model":               model,
			"object":              object,
			"error":               failure,
			"usage.prompt_tokens": promptTokens,
			"usage.prompt_tokens_details.cached_tokens": cachedTokens,
		}),
	}
}
