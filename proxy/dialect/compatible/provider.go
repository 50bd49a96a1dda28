package compatible

import (
	"strings"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
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

// Provider is gen_ai.provider.name as far as the request tells it: by its host, or by its
// path. Azure's names the deployment, or the query names the version of Azure's API.
func Provider(h *dialect.Head) string {
	for _, p := range hosts {
		if strings.HasSuffix(h.Upstream.Host, p.suffix) {
			return p.provider
		}
	}
	if strings.Contains(h.Path, deployments) ||
		strings.Contains(h.Path, "/openai/") && strings.Contains(h.Query, "api-version=") {
		return "azure.ai.openai"
	}
	return Unnamed
}

// Unnamed is the provider of a request that names none. The software that answers may
// still name itself in its response.
const Unnamed = "openai"

// Deployment is the name of the Azure deployment in the path, if there is one.
func Deployment(h *dialect.Head) string {
	_, rest, _ := strings.Cut(h.Path, deployments)
	name, _, _ := strings.Cut(rest, "/")
	return name[:min(len(name), frame.MaxText)] // as much as is kept of a model's name
}

const deployments = "/openai/deployments/"
