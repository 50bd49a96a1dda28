package exchange_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestOperationsThatGenerateTokens(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   exchange.Operation
		want bool
	}{
		{"a conversation", exchange.Chat, true},
		{"content of any kind", exchange.GenerateContent, true},
		{"the rest of a text", exchange.TextCompletion, true},
		{"vectors", exchange.Embeddings, false},
		{"a stored response, generated before", exchange.FetchResponse, false},
		{"an image", exchange.ImageGeneration, false},
		{"sound", exchange.Speech, false},
		{"text from sound", exchange.Transcription, false},
		{"an order", exchange.Rerank, false},
		{"scores", exchange.Moderation, false},
		{"no known dialect", "", false},
		{"a name that is no operation", "messages", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.Generates(); got != tt.want {
				t.Errorf("%q generates: %v, want %v", tt.in, got, tt.want)
			}
		})
	}
}
