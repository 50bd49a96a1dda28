package sidecar_test

import (
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Each request is read by one dialect, whatever stands before the path that it knows.
func TestTheDialectOfARequest(t *testing.T) {
	for _, c := range []struct{ method, path, want, model, provider string }{
		{"POST", "/v1/chat/completions", "openai-chat", "", "openai"},
		{"POST", "/openai/deployments/d/chat/completions", "openai-chat", "d", "azure.ai.openai"},
		{"POST", "/v1beta/openai/chat/completions", "openai-chat", "", "openai"},
		{"POST", "/serving-endpoints/chat/completions", "openai-chat", "", "openai"},
		{"POST", "/v1/completions", "openai-completions", "", "openai"},
		{"POST", "/v1/responses", "openai-responses", "", "openai"},
		{"GET", "/v1/responses/resp_1", "", "", ""},
		{"POST", "/v1/embeddings", "openai-embeddings", "", "openai"},
		{"POST", "/v1/images/generations", "openai-images", "", "openai"},
		{"POST", "/v1/audio/speech", "openai-speech", "", "openai"},
		{"POST", "/v1/audio/transcriptions", "openai-transcription", "", "openai"},
		{"POST", "/v1/moderations", "openai-moderation", "", "openai"},
		{"POST", "/v1/rerank", "openai-rerank", "", "openai"},
		{"POST", "/v1/messages", "anthropic-messages", "", "anthropic"},
		{"POST", "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:streamRawPredict", "anthropic-vertex", "claude-x@1", "gcp.vertex_ai"},
		{"POST", "/model/us.anthropic.claude-x-v1%3A0/invoke-with-response-stream", "anthropic-bedrock", "us.anthropic.claude-x-v1:0", "aws.bedrock"},
		{"POST", "/model/us.anthropic.claude-x-v1:0/invoke", "anthropic-bedrock", "us.anthropic.claude-x-v1:0", "aws.bedrock"},
		{"POST", "/model/us.anthropic.claude-x-v1%3A0/converse", "bedrock-converse", "us.anthropic.claude-x-v1:0", "aws.bedrock"},
		{"POST", "/model/arn%3Aaws%3Abedrock%3Aeu%3A1%3Ainference-profile%2Fx/converse-stream", "bedrock-converse", "arn:aws:bedrock:eu:1:inference-profile/x", "aws.bedrock"},
		{"POST", "/model/amazon.nova-lite-v1%3A0/invoke", "bedrock-invoke", "amazon.nova-lite-v1:0", "aws.bedrock"},
		{"POST", "/endpoints/e/invocations-response-stream", "sagemaker-invoke", "e", "aws.sagemaker"},
		{"POST", "/endpoints/e/invocations", "sagemaker-invoke", "e", "aws.sagemaker"},
		{"POST", "/v1beta/models/gemini-x:streamGenerateContent", "gemini-generate", "gemini-x", "gcp.gemini"},
		{"POST", "/v1/projects/p/locations/l/publishers/google/models/gemini-x:generateContent", "gemini-generate", "gemini-x", "gcp.vertex_ai"},
		{"POST", "/v1beta/models/gemini-x:batchEmbedContents", "gemini-embed", "gemini-x", "gcp.gemini"},
		{"POST", "/v1beta/models/gemini-x:countTokens", "", "", ""},
		{"POST", "/v1beta/interactions", "gemini-interactions", "", "gcp.gemini"},
		{"POST", "/v2/chat", "cohere-chat", "", "cohere"},
		{"POST", "/v1/chat", "cohere-v1-chat", "", "cohere"},
		{"POST", "/v2/embed", "cohere-embed", "", "cohere"},
		{"POST", "/v2/rerank", "cohere-rerank", "", "cohere"},
		{"POST", "/api/chat", "ollama-chat", "", "ollama"},
		{"POST", "/api/generate", "ollama-generate", "", "ollama"},
		{"POST", "/api/embed", "ollama-embed", "", "ollama"},
		{"POST", "/api/embeddings", "ollama-embed", "", "ollama"},
		{"POST", "/v2/models/llama/generate_stream", "triton-generate", "llama", "triton"},
		{"POST", "/v2/models/llama/versions/1/generate", "triton-generate", "llama", "triton"},
		{"POST", "/generate_stream", "tgi-generate", "", "tgi"},
		{"PUT", "/generate", "sglang-generate", "", "sglang"},
		{"POST", "/completion", "llamacpp-completion", "", "llama_cpp"},
		{"POST", "/infill", "llamacpp-completion", "", "llama_cpp"},
		{"GET", "/v1/models", "", "", ""},
		{"GET", "/api/chat", "", "", ""},
		{"POST", "/v1/messages/count_tokens", "", "", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			h := &dialect.Head{Method: c.method, Path: c.path, Header: exchange.Header(func(func(_, _ []byte) bool) {})}
			found := sidecar.Dialects().Match(h)
			if found == nil {
				if c.want != "" {
					t.Fatalf("no dialect, want %s", c.want)
				}
				return
			}
			ask := found.NewDecoder(h).Ask()
			if ask.Dialect != c.want || ask.Model != c.model || ask.Provider != c.provider {
				t.Errorf("\n got %s, model %q of %s\nwant %s, model %q of %s", ask.Dialect, ask.Model, ask.Provider, c.want, c.model, c.provider)
			}
		})
	}
}

// The search for the dialect is part of every request.
func BenchmarkMatch(b *testing.B) {
	set := sidecar.Dialects()
	h := &dialect.Head{Method: "POST", Path: "/v1/chat/completions", Header: exchange.Header(func(func(_, _ []byte) bool) {})}
	b.ReportAllocs()
	for b.Loop() {
		set.Match(h)
	}
}
