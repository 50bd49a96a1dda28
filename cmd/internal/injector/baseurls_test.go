package injector_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-sidecar/headway/cmd/internal/injector"
)

func TestBaseURLsByUpstream(t *testing.T) {
	const at = "http://127.0.0.1:8480"
	for _, tt := range []struct {
		name        string
		annotations []string
		want        map[string]string
		warning     string
	}{
		{"OpenAI", []string{openAI}, map[string]string{"OPENAI_BASE_URL": at + "/v1", "OPENAI_API_BASE": at + "/v1", "SPRING_AI_OPENAI_BASE_URL": at}, ""},
		{"Anthropic", []string{"upstream: https://api.anthropic.com"}, map[string]string{"ANTHROPIC_BASE_URL": at}, ""},
		{"Azure", []string{"upstream: https://shop.openai.azure.com"}, map[string]string{"AZURE_OPENAI_ENDPOINT": at}, ""},
		{"Gemini", []string{"upstream: https://generativelanguage.googleapis.com"}, map[string]string{"GOOGLE_GEMINI_BASE_URL": at}, ""},
		{"a model server in the cluster", []string{"upstream: http://vllm.models:8000"}, map[string]string{"OPENAI_BASE_URL": at + "/v1", "OPENAI_API_BASE": at + "/v1", "SPRING_AI_OPENAI_BASE_URL": at}, ""},
		{"Ollama", []string{"upstream: http://ollama:11434"}, map[string]string{"OPENAI_BASE_URL": at + "/v1", "OPENAI_API_BASE": at + "/v1", "SPRING_AI_OPENAI_BASE_URL": at, "OLLAMA_HOST": at}, ""},
		{"another port", []string{openAI, "listen: 0.0.0.0:9480"}, map[string]string{"OPENAI_BASE_URL": "http://127.0.0.1:9480/v1", "OPENAI_API_BASE": "http://127.0.0.1:9480/v1", "SPRING_AI_OPENAI_BASE_URL": "http://127.0.0.1:9480"}, ""},
		{"routes", []string{"routes: /openai=https://api.openai.com,/anthropic=https://api.anthropic.com"},
			map[string]string{"OPENAI_BASE_URL": at + "/openai/v1", "OPENAI_API_BASE": at + "/openai/v1", "SPRING_AI_OPENAI_BASE_URL": at + "/openai", "ANTHROPIC_BASE_URL": at + "/anthropic"}, ""},
		{"the provider goes before a server that imitates it", []string{"upstream: http://vllm:8000", "routes: /openai=https://api.openai.com"},
			map[string]string{"OPENAI_BASE_URL": at + "/openai/v1", "OPENAI_API_BASE": at + "/openai/v1", "SPRING_AI_OPENAI_BASE_URL": at + "/openai"}, ""},
		{"a route with the version in it", []string{"routes: /local=http://vllm:8000/v1"},
			map[string]string{"OPENAI_BASE_URL": at + "/local", "OPENAI_API_BASE": at + "/local", "SPRING_AI_OPENAI_BASE_URL": at + "/local"}, ""},
		{"an API without a variable", []string{"upstream: https://europe-west1-aiplatform.googleapis.com"}, map[string]string{},
			"headway.dev/upstream: no SDK has a variable for europe-west1-aiplatform.googleapis.com: give your client the base URL http://127.0.0.1:8480"},
		{"Bedrock, whose requests are signed", []string{"upstream: https://bedrock-runtime.us-east-1.amazonaws.com"}, map[string]string{},
			"container app: AWS_ENDPOINT_URL_BEDROCK_RUNTIME is not set, because AWS would refuse signed requests"},
		{"a server beside the sidecar", []string{"upstream: http://127.0.0.1:8000", "role: server", "listen: 0.0.0.0:8480"}, map[string]string{}, ""},
		{"transparent", []string{openAI, "mode: transparent"}, map[string]string{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := asking(tt.annotations...)
			v := injector.Mutate(p, &injector.Namespace{Name: "shop"}, own, settings())
			if v.Result != injector.Injected || strings.Join(v.Warnings, "\n") != "" && tt.warning == "" || !strings.Contains(strings.Join(v.Warnings, "\n"), tt.warning) {
				t.Errorf("%s, %q", v.Result, v.Warnings)
			}
			got := map[string]string{}
			for _, e := range patched(t, p, &v).Spec.Containers[0].Env {
				got[e.Name] = e.Value
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAVariableOfTheApplicationStays(t *testing.T) {
	p := with(asking(openAI), env("OPENAI_BASE_URL", "https://gateway.example.com/v1"))
	v := injector.Mutate(p, &injector.Namespace{Name: "shop"}, own, settings())
	after := patched(t, p, &v)
	want := []corev1.EnvVar{{Name: "OPENAI_BASE_URL", Value: "https://gateway.example.com/v1"},
		{Name: "OPENAI_API_BASE", Value: "http://127.0.0.1:8480/v1"}, {Name: "SPRING_AI_OPENAI_BASE_URL", Value: "http://127.0.0.1:8480"}}
	if got := after.Spec.Containers[0].Env; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if len(v.Warnings) != 1 || !strings.HasPrefix(v.Warnings[0], "headway: container app: it has a OPENAI_BASE_URL of its own") || strings.Contains(v.Warnings[0], "gateway") {
		t.Errorf("%q", v.Warnings)
	}
	if again := injector.Mutate(after, &injector.Namespace{Name: "shop"}, own, settings()); len(again.Patch) > 0 {
		t.Errorf("the second time: %+v", again.Patch)
	}
	strict := injector.Namespace{Name: "shop", Labels: map[string]string{injector.Strict: "true"}}
	if v := injector.Mutate(p, &strict, own, settings()); v.Result != injector.Refused {
		t.Errorf("strict: %s", v.Result)
	}
}

func TestBedrockWithAKeyIsNotSigned(t *testing.T) {
	p := with(asking("upstream: https://bedrock-runtime.us-east-1.amazonaws.com"), env("AWS_BEARER_TOKEN_BEDROCK", "x"))
	v := injector.Mutate(p, &injector.Namespace{Name: "shop"}, own, settings())
	got := patched(t, p, &v).Spec.Containers[0].Env
	if len(v.Warnings) > 0 || len(got) != 2 || got[1] != (corev1.EnvVar{Name: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", Value: "http://127.0.0.1:8480"}) {
		t.Errorf("%v, %q", got, v.Warnings)
	}
}

// Another webhook may add a container after the first pass; the API server then asks again.
func TestAContainerThatCameLaterGetsTheVariablesToo(t *testing.T) {
	p := asking(openAI)
	v := injector.Mutate(p, &injector.Namespace{Name: "shop"}, own, settings())
	p = patched(t, p, &v)
	p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "late"}, corev1.Container{Name: "istio-proxy"})
	v = injector.Mutate(p, &injector.Namespace{Name: "shop"}, own, settings())
	if len(v.Patch) != 1 || v.Patch[0].Path != "/spec/containers/1/env" {
		t.Errorf("%+v", v.Patch)
	}
}

func TestAWarningFitsAndIsOneLine(t *testing.T) {
	var annotations []string
	for _, letter := range "abcdefghijklmnopqrst" {
		annotations = append(annotations, "zz"+string(letter)+": x")
	}
	p := asking(append(annotations, "upstream: http://"+strings.Repeat("é", 400)+"\n\x00")...)
	v := injector.Mutate(p, &injector.Namespace{Name: "shop"}, own, settings())
	total := 0
	for _, w := range v.Warnings {
		total += len(w)
		if len(w) > 256 || strings.ContainsAny(w, "\n\x00") {
			t.Errorf("%d bytes: %q", len(w), w)
		}
	}
	if total > 4096 || len(v.Warnings) < 10 {
		t.Errorf("%d bytes in %d warnings", total, len(v.Warnings))
	}
}

func TestNoSecretOfAURLIsInAWarning(t *testing.T) {
	for _, upstream := range []string{"https://user:hunter2@api.openai.com:x", "ftp://user:hunter2@h", "https://user:hunter2@your-host/?key=hunter2"} {
		v := injector.Mutate(asking("upstream: "+upstream), &injector.Namespace{Name: "shop"}, own, settings())
		if text := strings.Join(v.Warnings, " "); text == "" || strings.Contains(text, "hunter2") {
			t.Errorf("%q", text)
		}
	}
}
