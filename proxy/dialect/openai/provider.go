package openai

import (
	"bytes"
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
	"github.com/headway-sidecar/headway/proxy/dialect/reading"
)

// hosts are the providers that have names of their own, by the end of their host names.
// The values are those of gen_ai.provider.name where the conventions have one.
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/#gen-ai-provider-name
var hosts = []struct{ suffix, provider string }{
	{"api.openai.com", "openai"},
	{".openai.azure.com", "azure.ai.openai"},
	{".cognitiveservices.azure.com", "azure.ai.openai"},
	{".services.ai.azure.com", "azure.ai.inference"},
	{".models.ai.azure.com", "azure.ai.inference"},
	{".amazonaws.com", "aws.bedrock"},
	{".api.aws", "aws.bedrock"},
	{"generativelanguage.googleapis.com", "gcp.gemini"},
	{"aiplatform.googleapis.com", "gcp.vertex_ai"},
	{"api.anthropic.com", "anthropic"},
	{"api.cohere.com", "cohere"},
	{"api.cohere.ai", "cohere"},
	{"api.deepseek.com", "deepseek"},
	{"api.groq.com", "groq"},
	{"api.mistral.ai", "mistral_ai"},
	{"api.perplexity.ai", "perplexity"},
	{"api.x.ai", "x_ai"},
	{".ml.cloud.ibm.com", "ibm.watsonx.ai"},
	{"openrouter.ai", "openrouter"},
	{"api.together.xyz", "together"},
	{"api.together.ai", "together"},
	{"api.fireworks.ai", "fireworks"},
	{"api.cerebras.ai", "cerebras"},
	{"api.moonshot.ai", "moonshot"},
	{"api.moonshot.cn", "moonshot"},
	{"api.minimax.io", "minimax"},
	{"api.minimax.chat", "minimax"},
	{"api.z.ai", "z_ai"},
	{"open.bigmodel.cn", "z_ai"},
	{".aliyuncs.com", "alibaba"},
	{"router.huggingface.co", "huggingface"},
	{".githubcopilot.com", "github_copilot"},
	{".cloud.databricks.com", "databricks"},
	{".azuredatabricks.net", "databricks"},
}

// provider is gen_ai.provider.name as far as the request tells it: by its host, or by its
// path. Azure's names the deployment, or the query names the version of Azure's API.
func provider(h *dialect.Head) string {
	for _, p := range hosts {
		if strings.HasSuffix(h.Upstream.Host, p.suffix) {
			return p.provider
		}
	}
	if strings.Contains(h.Path, deployments) ||
		strings.Contains(h.Path, "/openai/") && strings.Contains(h.Query, "api-version=") {
		return "azure.ai.openai"
	}
	return unnamed
}

// unnamed is the provider of a request that names none. The software that answers may
// still name itself, see servers.
const unnamed = "openai"

// servers are the inference servers that give themselves away in a response of OpenAI's
// shape. The fields of serverPaths follow their order.
var servers = []string{"vllm", "sglang", "llama_cpp"}

// serverPaths are places that one of servers alone has.
func serverPaths() frame.Paths {
	const vllm, sglang, llamacpp = reading.Server, reading.Server + 1, reading.Server + 2
	return frame.Paths{
		"prompt_token_ids":        vllm,
		"prompt_logprobs":         vllm,
		"kv_transfer_params":      vllm,
		"choices.[].stop_reason":  vllm,
		"choices.[].matched_stop": sglang,
		"sglext":                  sglang,
		"timings":                 llamacpp,
		"system_fingerprint":      reading.Fingerprint,
	}
}

// serverOf returns the server that a fingerprint names, or nothing.
func serverOf(fingerprint []byte) string {
	if string(fingerprint) == "fp_ollama" {
		return "ollama"
	}
	if rest, ok := bytes.CutPrefix(fingerprint, []byte("b")); ok && len(rest) > 5 && rest[4] == '-' && !bytes.ContainsFunc(rest[:4], notDigit) {
		return "llama_cpp" // b7010-1a2b3c4d, say
	}
	if bytes.Contains(fingerprint, []byte("-sha-")) {
		return "tgi" // 3.3.4-sha-…
	}
	return ""
}

func notDigit(r rune) bool { return r < '0' || r > '9' }
