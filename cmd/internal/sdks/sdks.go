// Package sdks is the one table of the settings by which client SDKs take a base URL. The
// injector sets these variables on the containers of applications, and docs/sdks.md prints
// the table.
package sdks

import (
	"strings"
)

// Provider is whose API an SDK calls.
type Provider string

// The providers of the table.
const (
	OpenAI    Provider = "openai" // and every server that speaks its API
	Azure     Provider = "azure"
	Anthropic Provider = "anthropic"
	Gemini    Provider = "gemini"
	Bedrock   Provider = "bedrock"
	SageMaker Provider = "sagemaker"
	Cohere    Provider = "cohere"
	Groq      Provider = "groq"
	Mistral   Provider = "mistral"
	Ollama    Provider = "ollama"
	TGI       Provider = "tgi"
	Unknown   Provider = "" // an API that no SDK of the table calls
)

// Evidence says how somebody found out what stands in a row.
type Evidence string

// The kinds of evidence, from the best to the weakest.
const (
	Run        Evidence = "run"           // the SDK ran, and a server wrote its request down
	InSource   Evidence = "source"        // the source of the SDK reads the variable
	Documented Evidence = "documentation" // the documentation of the SDK says so
)

// Row is how one SDK takes its base URL.
type Row struct {
	Client   string
	Provider Provider
	Variable string // of the environment; empty if the SDK reads none
	Suffix   string // belongs behind headway's address: /v1, or nothing
	Note     string // about the variable, in Markdown
	InCode   string // the setting in code, in Markdown
	Request  string // the path of the request, behind headway's address
	Dialect  string // as which headway reads it; empty for none
	Version  string // of the SDK; empty if it was not looked at
	Source   Evidence
}

// Variable is a variable of the environment that takes a base URL.
type Variable struct {
	Name   string
	Suffix string // belongs behind headway's address
}

// Variables returns the variables that SDKs of a provider read, each once.
func Variables(p Provider) []Variable {
	var all []Variable
	seen := map[string]bool{}
	for _, r := range Table() {
		if r.Provider == p && r.Variable != "" && !seen[r.Variable] {
			seen[r.Variable] = true
			all = append(all, Variable{r.Variable, r.Suffix})
		}
	}
	return all
}

// hosts are the providers by the end of the names of their hosts, as their API references
// give them. A name of the list stands for its subdomains, too.
var hosts = []struct {
	prefix, suffix string
	provider       Provider
}{
	{"", "api.openai.com", OpenAI},
	{"", "openai.azure.com", Azure},
	{"", "cognitiveservices.azure.com", Azure},
	{"", "services.ai.azure.com", Azure},
	{"", "anthropic.com", Anthropic},
	{"", "generativelanguage.googleapis.com", Gemini},
	{"", "googleapis.com", Unknown}, // Vertex AI: its SDKs name the host by project and region
	{"bedrock-runtime", "amazonaws.com", Bedrock},
	{"bedrock-runtime", "amazonaws.com.cn", Bedrock},
	{"runtime.sagemaker", "amazonaws.com", SageMaker},
	{"runtime.sagemaker", "amazonaws.com.cn", SageMaker},
	{"", "api.cohere.com", Cohere},
	{"", "api.cohere.ai", Cohere},
	{"", "api.groq.com", Groq},
}

// ollamaPort is the port of Ollama, which has its own API beside OpenAI's.
const ollamaPort = 11434

// Of returns the providers whose SDKs can call the API at an upstream. basePath is the
// path in the URL of the upstream: with it, https://api.groq.com/openai is an upstream for
// SDKs of OpenAI, and without it for Groq's own. own says whether the host is that of a
// provider. Of assumes OpenAI's API for every other host: vLLM, SGLang, a gateway.
func Of(host string, port int, basePath string) (providers []Provider, own bool) {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	for _, h := range hosts {
		if name != h.suffix && !strings.HasSuffix(name, "."+h.suffix) || !strings.HasPrefix(name, h.prefix) {
			continue
		}
		switch {
		case h.provider == Unknown:
			return nil, true
		case h.provider == Groq && strings.Trim(basePath, "/") != "":
			return []Provider{OpenAI}, true
		}
		return []Provider{h.provider}, true
	}
	if port == ollamaPort {
		return []Provider{OpenAI, Ollama}, false
	}
	return []Provider{OpenAI}, false
}
