package sdks_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/sdks"
)

//go:generate go test -run Page -update .

var update = flag.Bool("update", false, "write the table of docs/sdks.md anew")

// address is where headway listens in the table.
const address = "http://127.0.0.1:8480"

func TestPageHasTheTable(t *testing.T) {
	const path, begin, end = "../../../docs/sdks.md", "| client | variable |", "\n\nVersions with *run*"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	from, to := strings.Index(page, begin), strings.Index(page, end)
	if from < 0 || to < from {
		t.Fatalf("%s has no place for the table", path)
	}
	want := page[:from] + table() + page[to:]
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page != want {
		t.Errorf("%s differs from the table in Go: run go generate ./cmd/internal/sdks", path)
	}
}

func table() string {
	lines := []string{"| client | variable | or in code | request | dialect | version |", "| --- | --- | --- | --- | --- | --- |"}
	for _, r := range sdks.Table() {
		variable, dialect, version := "–", "–", string(r.Source)
		if r.Variable != "" {
			variable = fmt.Sprintf("`%s=%s%s`%s", r.Variable, address, r.Suffix, r.Note)
		}
		if r.Dialect != "" {
			dialect = "`" + r.Dialect + "`"
		}
		if r.Version != "" {
			version = r.Version + ", " + version
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | `POST %s` | %s | %s |", r.Client, variable, r.InCode, r.Request, dialect, version))
	}
	return strings.Join(lines, "\n")
}

// The injector sets one value of a variable, so that all SDKs that read the variable must
// want the same one.
func TestAVariableHasOneMeaning(t *testing.T) {
	type meaning struct {
		provider sdks.Provider
		suffix   string
	}
	seen := map[string]meaning{}
	for _, r := range sdks.Table() {
		m := meaning{r.Provider, r.Suffix}
		if before, ok := seen[r.Variable]; ok && r.Variable != "" && before != m {
			t.Errorf("%s is %v for one SDK and %v for another", r.Variable, before, m)
		}
		seen[r.Variable] = m
	}
}

func TestProvidersOfAnUpstream(t *testing.T) {
	for _, tt := range []struct {
		name, host, path string
		port             int
		want             []sdks.Provider
		own              bool
	}{
		{"OpenAI", "api.openai.com", "", 443, []sdks.Provider{sdks.OpenAI}, true},
		{"OpenAI in a region", "eu.api.openai.com", "", 443, []sdks.Provider{sdks.OpenAI}, true},
		{"a resource of Azure", "shop.openai.azure.com", "", 443, []sdks.Provider{sdks.Azure}, true},
		{"case and a final point", "API.Anthropic.com.", "", 443, []sdks.Provider{sdks.Anthropic}, true},
		{"a host that only ends alike", "notanthropic.com", "", 443, []sdks.Provider{sdks.OpenAI}, false},
		{"Gemini", "generativelanguage.googleapis.com", "", 443, []sdks.Provider{sdks.Gemini}, true},
		{"Vertex AI, which has no variable", "europe-west1-aiplatform.googleapis.com", "", 443, nil, true},
		{"Bedrock", "bedrock-runtime.us-east-1.amazonaws.com", "", 443, []sdks.Provider{sdks.Bedrock}, true},
		{"SageMaker", "runtime.sagemaker.eu-west-1.amazonaws.com", "", 443, []sdks.Provider{sdks.SageMaker}, true},
		{"a model server behind a load balancer of Amazon", "x.elb.us-east-1.amazonaws.com", "", 80, []sdks.Provider{sdks.OpenAI}, false},
		{"Groq", "api.groq.com", "/", 443, []sdks.Provider{sdks.Groq}, true},
		{"Groq with the path for SDKs of OpenAI", "api.groq.com", "/openai", 443, []sdks.Provider{sdks.OpenAI}, true},
		{"a server in the cluster", "vllm.models.svc.cluster.local", "", 8000, []sdks.Provider{sdks.OpenAI}, false},
		{"Ollama by its port", "ollama", "", 11434, []sdks.Provider{sdks.OpenAI, sdks.Ollama}, false},
	} {
		if got, own := sdks.Of(tt.host, tt.port, tt.path); own != tt.own || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v, want %v, %v", tt.name, got, own, tt.want, tt.own)
		}
	}
}

func TestVariablesOfAProvider(t *testing.T) {
	for provider, want := range map[sdks.Provider][]sdks.Variable{
		sdks.OpenAI:    {{"OPENAI_BASE_URL", "/v1"}, {"OPENAI_API_BASE", "/v1"}, {"SPRING_AI_OPENAI_BASE_URL", ""}},
		sdks.Anthropic: {{"ANTHROPIC_BASE_URL", ""}},
		sdks.Azure:     {{"AZURE_OPENAI_ENDPOINT", ""}},
		sdks.Bedrock:   {{"AWS_ENDPOINT_URL_BEDROCK_RUNTIME", ""}},
		sdks.Gemini:    {{"GOOGLE_GEMINI_BASE_URL", ""}},
		sdks.Mistral:   nil,
	} {
		if got := sdks.Variables(provider); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", provider, got, want)
		}
	}
}
