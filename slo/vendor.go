package slo

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// vendor is a provider that serves its own models only, by a host of its own.
type vendor struct {
	host       string
	models     []string             // how the names of its models begin that no other vendor has
	operations []exchange.Operation // none is not known
}

// vendors are those of which it is certain. Gateways, clouds and model servers serve
// anybody's models.
var vendors = []vendor{
	{host: "api.openai.com", models: []string{"gpt-3", "gpt-4", "gpt-5", "chatgpt-", "text-embedding-3", "dall-e"}, operations: []exchange.Operation{
		exchange.Chat, exchange.TextCompletion, exchange.Embeddings, exchange.FetchResponse,
		exchange.ImageGeneration, exchange.Speech, exchange.Transcription, exchange.Moderation,
	}},
	{host: "api.anthropic.com", models: []string{"claude"}, operations: []exchange.Operation{exchange.Chat}},
	{host: "generativelanguage.googleapis.com", models: []string{"gemini"}},
	{host: "api.x.ai", models: []string{"grok"}},
	{host: "api.cohere.com", models: []string{"command-", "embed-english", "embed-multilingual"}},
	{host: "api.mistral.ai", models: []string{"mistral-", "magistral", "codestral", "ministral"}},
	{host: "api.deepseek.com", models: []string{"deepseek-"}},
}

// vendorOf returns the vendor behind an upstream, or nil.
func vendorOf(u exchange.Upstream) *vendor {
	for i := range vendors {
		if strings.EqualFold(u.Host, vendors[i].host) {
			return &vendors[i]
		}
	}
	return nil
}

// maker returns the vendor whose models alone match a pattern, or nil.
func maker(pattern string) *vendor {
	begin, _, _ := strings.Cut(pattern, "*")
	for i := range vendors {
		for _, name := range vendors[i].models {
			if strings.HasPrefix(begin, name) {
				return &vendors[i]
			}
		}
	}
	return nil
}
