//go:build interop

package chart_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// manifests returns every manifest that users apply, and what Helm and kustomize make.
func manifests(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"deploy/kubernetes/*.yaml", "deploy/kubernetes/bases/injector/injector.yaml", "deploy/kubernetes/bases/prober/prober.yaml", "deploy/kubernetes/hpa/hpa.yaml", "cmd/internal/interop/chart/testdata/rendered/*.yaml"} {
		files, err := filepath.Glob(interop.Path(t, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		all = append(all, files...)
	}
	return all
}

// foreign are the kinds of objects that Kubernetes itself does not have, so that its API
// has no schema of them.
const foreign = "Certificate,Issuer,PodMonitor,ServiceMonitor,PrometheusRule"

func TestInteropChartManifestsFitTheSchemas(t *testing.T) {
	schemas := writeSchemas(t)
	command := func(files ...string) *exec.Cmd {
		return exec.Command(interop.Tool(t, "bin/kubeconform"), append([]string{
			"-strict", "-summary", "-output=json", "-skip=" + foreign,
			"-schema-location=" + schemas + "/{{.ResourceKind}}{{.KindSuffix}}.json",
		}, files...)...)
	}
	out, err := command(manifests(t)...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	var result struct {
		Summary struct{ Valid, Invalid, Errors, Skipped int }
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%+v", result.Summary)
	if result.Summary.Valid < 50 {
		t.Errorf("kubeconform read %d objects", result.Summary.Valid)
	}
	// The check can fail.
	text, err := os.ReadFile(interop.Path(t, "deploy/kubernetes/sidecar.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for right, wrong := range map[string]string{
		"readinessProbe:": "readyProbe:", "containerPort: 8481": "containerPort: headway", "      initContainers:\n": "      initContainer:\n",
	} {
		file := filepath.Join(t.TempDir(), "wrong.yaml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), right, wrong)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := command(file).CombinedOutput(); err == nil {
			t.Errorf("%q passes:\n%s", wrong, out)
		}
	}
}

// writeSchemas makes a JSON schema of each kind of Kubernetes' API, in a folder, by the
// names that kubeconform looks for: deployment-apps-v1.json. They refuse unknown fields.
func writeSchemas(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(interop.Tool(t, "kubernetes/swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, definition := range api.Definitions {
		strict(definition)
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		for _, k := range kinds {
			kind, _ := k.(map[string]any)
			group, _, _ := strings.Cut(kind["group"].(string), ".")
			file := strings.ToLower(kind["kind"].(string)) + "-" + strings.TrimPrefix(group+"-", "-") + kind["version"].(string) + ".json"
			writeJSON(t, filepath.Join(dir, file), map[string]any{"$ref": "definitions.json#/definitions/" + name})
		}
	}
	writeJSON(t, filepath.Join(dir, "definitions.json"), map[string]any{"definitions": api.Definitions})
	return dir
}

// strict makes a part of the API's description a JSON schema that refuses unknown fields.
func strict(schema map[string]any) {
	if schema["format"] == "int-or-string" {
		schema["type"] = []any{"string", "integer"}
	}
	delete(schema, "format") // the type says enough
	if properties, ok := schema["properties"].(map[string]any); ok {
		schema["additionalProperties"] = false
		for _, p := range properties {
			strict(p.(map[string]any))
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[key].(map[string]any); ok {
			strict(inner)
		}
	}
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// promtool takes the rules as the chart gives them to the Prometheus operator.
func TestInteropChartRulesPassPromtool(t *testing.T) {
	text, err := os.ReadFile("testdata/rendered/monitoring.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := yaml.Marshal(parse(t, string(text))["PrometheusRule headway-slo"]["spec"])
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, spec, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(interop.Tool(t, "bin/promtool"), "check", "rules", file).CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "SUCCESS") {
		t.Errorf("%v\n%s\n%s", err, out, spec)
	}
}

// exceptions are the findings of kube-score that headway's own containers keep, and why.
var exceptions = map[string]string{
	"CPU limit is not set":                                "throttling would delay every token: docs/lifecycle.md, Memory and cores",
	"ImagePullPolicy is not set to Always":                "the images have versions, which do not change; pods must start while the registry is away",
	"Ephemeral Storage limit is not set":                  "headway's root is read-only, and its volume has a limit of its own",
	"Ephemeral Storage request is not set":                "the same",
	"Deployment does not have a host podAntiAffinity set": "topologySpreadConstraints spread the pods",
}

// redirects are the exceptions of the init container of transparent mode, which ends before
// the application starts.
var redirects = map[string]string{
	"The container is running with a low user ID": "an added capability takes effect for root only",
	"The container running with a low group ID":   "the same",
	"Memory limit is not set":                     "it runs for a moment, with less memory than the others request",
	"CPU request is not set":                      "the same",
	"Memory request is not set":                   "the same",
}

// kube-score finds nothing in the injector and the prober, and nothing in the sidecars of
// the examples, but what is listed above. The examples' applications are other people's.
func TestInteropKubernetesChartHasNothingForKubeScore(t *testing.T) {
	if os.Getenv("HEADWAY_TEST_KUBERNETES") == "" {
		t.Skip("make interop-all runs this test, with kube-score")
	}
	used := map[string]bool{}
	for _, file := range manifests(t) {
		out, err := exec.Command(interop.Tool(t, "bin/kube-score"), "score", "--kubernetes-version=v1.29", "--output-format=ci", file).Output()
		if len(out) == 0 {
			t.Fatalf("%s: %v", file, err)
		}
		for line := range strings.Lines(string(out)) {
			finding, found := findingOf(line)
			if !found {
				continue
			}
			used[finding] = true
			redirect := strings.Contains(line, ": (headway-redirect) ") && redirects[finding] != ""
			if exceptions[finding] == "" && !redirect {
				t.Errorf("%s: %s", filepath.Base(file), strings.TrimSpace(line))
			}
		}
	}
	for finding := range exceptions {
		if !used[finding] {
			t.Errorf("nothing needs the exception %q any more", finding)
		}
	}
}

// findingOf returns what kube-score says against headway in a line of its output.
func findingOf(line string) (string, bool) {
	level, rest, _ := strings.Cut(line, "] ")
	if level != "[CRITICAL" && level != "[WARNING" {
		return "", false
	}
	object, finding, _ := strings.Cut(rest, ": ")
	if container, of, ok := strings.Cut(strings.TrimPrefix(finding, "("), ") "); ok && strings.HasPrefix(finding, "(") {
		own := container == "injector" || strings.HasPrefix(container, "headway")
		return strings.TrimSpace(of), own
	}
	return strings.TrimSpace(finding), strings.HasPrefix(object, "headway-")
}
