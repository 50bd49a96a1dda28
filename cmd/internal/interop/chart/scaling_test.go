//go:build interop

package chart_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// scaled is a kustomization as docs/scaling.md words it: vLLM, and the ScaledObject.
func scaled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "kubernetes"), os.DirFS(interop.Path(t, "deploy/kubernetes"))); err != nil {
		t.Fatal(err)
	}
	app := filepath.Join(dir, "kubernetes", "app")
	if err := os.Mkdir(app, 0o755); err != nil { //nolint:gosec // a folder of the test
		t.Fatal(err)
	}
	const text = "resources: [../overlays/vllm]\ncomponents: [../keda]\n"
	if err := os.WriteFile(filepath.Join(app, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return buildAt(t, app)
}

// The component adds the ScaledObject of a workload that is there, and nothing else.
func TestInteropChartScaledObjectScalesTheWorkload(t *testing.T) {
	objects, before := parse(t, scaled(t)), parse(t, build(t, "overlays/vllm"))
	if len(objects) != len(before)+1 {
		t.Errorf("%d objects, and %d without the component", len(objects), len(before))
	}
	spec, _ := objects["ScaledObject vllm"]["spec"].(map[string]any)
	target, _ := spec["scaleTargetRef"].(map[string]any)
	if kind, _ := target["kind"].(string); objects[kind+" "+target["name"].(string)] == nil {
		t.Errorf("it scales %v, which is not among the objects", target)
	}
}

// TestInteropKubernetesTakesTheScaledObject has a server check the object against the schema
// of KEDA's release, and refuse what KEDA does not know.
func TestInteropKubernetesTakesTheScaledObject(t *testing.T) {
	k := interop.StartKubernetes(t)
	serve(t, k, interop.Tool(t, "kubernetes/keda/keda.sh_scaledobjects.yaml"), "scaledobjects.keda.sh")
	apply := func(text string) (string, error) {
		file := filepath.Join(t.TempDir(), "objects.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return k.Kubectl(t, interop.Administrator, "apply", "--dry-run=server", "--validate=strict", "--filename="+file)
	}
	whole := scaled(t)
	out, err := apply(whole)
	if err != nil || !strings.Contains(out, "scaledobject.keda.sh/vllm created (server dry run)") {
		t.Errorf("%s, %v", out, err)
	}
	text, err := os.ReadFile(interop.Path(t, "deploy/kubernetes/keda/scaledobject.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ right, wrong, want string }{
		{"minReplicaCount: 1", "minReplicas: 1", `unknown field "spec.minReplicas"`},
		{"maxReplicaCount: 8", "maxReplicaCount: eight", "spec.maxReplicaCount in body must be of type integer"},
		{"  triggers:", "  trigger:", `unknown field "spec.trigger"`},
		{"kind: Deployment, name: vllm", "kind: Deployment", "spec.scaleTargetRef.name: Required value"},
		{`threshold: "1"`, "threshold: 1", "spec.triggers[0].metadata.threshold in body must be of type string"},
		{"stabilizationWindowSeconds: 600", "stabilizationWindow: 600", `unknown field "spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindow"`},
	} {
		changed := strings.Replace(string(text), tt.right, tt.wrong, 1)
		if changed == string(text) {
			t.Fatalf("the object lacks %q", tt.right)
		}
		if _, err := apply(changed); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.wrong, err, tt.want)
		}
	}
}
