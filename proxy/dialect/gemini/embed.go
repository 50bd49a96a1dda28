package gemini

import (
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Embed is embedContent and batchEmbedContents.
// https://ai.google.dev/api/embeddings
func Embed() dialect.Dialect {
	return &reading.API{
		Name: "gemini-embed",
		Guide: reading.Guide{
			Request:   "`POST …/models/MODEL:embedContent`, `:batchEmbedContents`",
			Usage:     "`usageMetadata`",
			Reference: "https://ai.google.dev/api/embeddings",
		},
		Operation: exchange.Embeddings,
		Matches: func(h *dialect.Head) bool {
			v := verb(h)
			return v == "embedContent" || v == "batchEmbedContents"
		},
		Provider:  provider,
		PathModel: model,
		Request:   frame.MustShape(frame.Paths{}),
		Response: frame.MustShape(reading.Join(reading.ErrorPaths(), frame.Paths{
			"usageMetadata.promptTokenCount": reading.InputTokens,
			"usageMetadata.totalTokenCount":  reading.TotalTokens,
		})),
	}
}
