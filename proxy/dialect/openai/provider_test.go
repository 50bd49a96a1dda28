package openai_test

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/openai"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// The provider is that of the host, or of Azure's path, or the server software that a
// response gives away.
func TestProvider(t *testing.T) {
	const path = "/v1/chat/completions"
	for _, c := range []struct{ name, host, path, response, want string }{
		{"a host with a name", "api.groq.com", path, `{"system_fingerprint":"fp_ollama"}`, "groq"},
		{"the end of a host", "east.openai.azure.com", path, `{}`, "azure.ai.openai"},
		{"a path of Azure behind another host", "gateway.internal", "/openai/deployments/d/chat/completions", `{"timings":{}}`, "azure.ai.openai"},
		{"nothing", "10.0.0.7", path, `{"system_fingerprint":"fp_1a2b"}`, "openai"},
		{"vLLM", "10.0.0.7", path, `{"choices":[{"index":0,"finish_reason":"stop","stop_reason":null}]}`, "vllm"},
		{"SGLang", "10.0.0.7", path, `{"choices":[{"index":0,"matched_stop":null}]}`, "sglang"},
		{"llama.cpp by its times", "10.0.0.7", path, `{"timings":{"prompt_n":1}}`, "llama_cpp"},
		{"llama.cpp by its version", "10.0.0.7", path, `{"system_fingerprint":"b7010-8f9a1b2c"}`, "llama_cpp"},
		{"Ollama", "ollama", path, `{"system_fingerprint":"fp_ollama"}`, "ollama"},
		{"TGI", "tgi", path, `{"system_fingerprint":"3.3.4-sha-9f38d93"}`, "tgi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &dialect.Head{Method: "POST", Path: c.path, Upstream: exchange.Upstream{Host: c.host}}
			decoder := openai.Chat().NewDecoder(h)
			h.Response = dialect.Response{Status: 200, ContentType: "application/json"}
			decoder.Feed([]byte(c.response), time.Millisecond)
			if got := decoder.Close().Provider; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
