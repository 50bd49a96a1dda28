package modelsim_test

import (
	"testing"
	"testing/synctest"
)

// everyAPI is a request that every API understands.
const everyAPI = `{"model":"m","max_tokens":5,"prompt":"hi","messages":[{"role":"user","content":[{"text":"hi"}]}],"contents":[{"parts":[{"text":"hi"}]}],"inputs":"hi","text_input":"hi"}`

func TestPathsLeadToAPIs(t *testing.T) {
	tests := []struct {
		name, path, dialect string
		status              int
	}{
		{"the API's own path", "/v1/chat/completions", "openai-chat", 200},
		{"a gateway's prefix", "/team/a/v1/chat/completions", "openai-chat", 200},
		{"a prefix with a version", "/v1/gateway/v1/chat/completions", "openai-chat", 200},
		{"no version", "/chat/completions", "", 404},
		{"more behind the API", "/v1/chat/completions/more", "", 404},
		{"a model in the path", "/v1beta/models/gemini-x:generateContent", "gemini-generate", 200},
		{"no model before the verb", "/v1beta/models/:generateContent", "", 404},
		{"another verb", "/v1beta/models/gemini-x:fly", "", 404},
		{"a project and a region", "/v1/projects/p/locations/l/publishers/google/models/gemini-x:generateContent", "gemini-generate", 200},
		{"a model of a region", "/model/us.anthropic.claude-x/invoke", "anthropic-bedrock", 200},
		{"an escaped name", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude-x/converse", "bedrock-converse", 200},
		{"another model", "/model/meta.llama-x/invoke", "bedrock-invoke", 200},
		{"a version of Cohere's own", "/v2/chat", "cohere-chat", 200},
		{"a model behind a version", "/v2/models/m/generate_stream", "triton-generate", 200},
		{"the same verb without a model", "/generate_stream", "tgi-generate", 200},
		{"an endpoint", "/endpoints/e/invocations", "sagemaker-invoke", 200},
		{"no name of an endpoint", "/endpoints//invocations", "", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := start(t, exact())
				r := h.post(tt.path, everyAPI)
				if r.err != nil || r.status != tt.status {
					t.Fatalf("status %d, %v, want %d", r.status, r.err, tt.status)
				}
				if list := h.sim.Exchanges(0); tt.dialect == "" && len(list) > 0 {
					t.Errorf("the ground truth has %+v", list)
				}
				if tt.dialect != "" && h.truth(r).Dialect != tt.dialect {
					t.Errorf("dialect %q, want %q", h.truth(r).Dialect, tt.dialect)
				}
			})
		})
	}
}
