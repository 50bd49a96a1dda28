//go:build interop

package chart_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// build runs kustomize build on a folder of deploy/kubernetes.
func build(t *testing.T, folder string) string {
	t.Helper()
	return buildAt(t, interop.Path(t, "deploy/kubernetes/"+folder))
}

func buildAt(t *testing.T, folder string) string {
	t.Helper()
	command := exec.Command(interop.Tool(t, "bin/kustomize"), "build", folder)
	out, err := command.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("kustomize build %s: %v: %s", folder, err, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// overlays are the folders of deploy/kubernetes/overlays.
func overlays(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob(interop.Path(t, "deploy/kubernetes/overlays/*"))
	if err != nil || len(folders) != 4 {
		t.Fatalf("%q, %v", folders, err)
	}
	for i, folder := range folders {
		folders[i] = filepath.Base(folder)
	}
	return folders
}

// kustomize builds every kustomization of the folders, and changes nothing but what a
// kustomization says.
func TestInteropChartOverlaysAreWhatKustomizeMakes(t *testing.T) {
	for _, overlay := range overlays(t) {
		golden.Check(t, "testdata/rendered/"+overlay+".yaml", build(t, "overlays/"+overlay))
	}
	for _, base := range []string{"injector", "prober"} {
		if len(parse(t, build(t, "bases/"+base))) < 3 {
			t.Errorf("%s has too few objects", base)
		}
	}
}

// People who copy an example get the same as people who build the overlay.
func TestInteropChartOverlaysAreTheExamples(t *testing.T) {
	for overlay, file := range map[string]string{"explicit": "sidecar.yaml", "transparent": "transparent.yaml"} {
		text, err := os.ReadFile(interop.Path(t, "deploy/kubernetes/"+file))
		if err != nil {
			t.Fatal(err)
		}
		want, got := parse(t, string(text)), parse(t, build(t, "overlays/"+overlay))
		if slos := "ConfigMap headway-slos"; want[slos] == nil { // one example has it for both
			delete(got, slos)
		}
		if g, w := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(g, w) {
			t.Errorf("%s has %q, %s has %q", overlay, g, file, w)
		}
		for name := range want {
			same(t, overlay+", "+name, got[name], want[name])
		}
	}
}

// workloads are written as people write them: on one line, with an init container of their
// own, and as other kinds than Deployment.
const workloads = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec: {template: {spec: {initContainers: [{name: migrate, image: m}], containers: [{name: a, image: b}], volumes: [{name: v, emptyDir: {}}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 5
      containers: [{name: a, image: b}]
`

// The sidecar starts before every other init container, whose traffic it may have to carry.
func TestInteropChartComponentAddsTheSidecarToEveryWorkload(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "sidecar"), os.DirFS(interop.Path(t, "deploy/kubernetes/bases/sidecar"))); err != nil {
		t.Fatal(err)
	}
	app := filepath.Join(dir, "app")
	if err := os.Mkdir(app, 0o755); err != nil { //nolint:gosec // a folder of the test
		t.Fatal(err)
	}
	for name, text := range map[string]string{"workloads.yaml": workloads, "kustomization.yaml": "resources: [workloads.yaml]\ncomponents: [../sidecar]\n"} {
		if err := os.WriteFile(filepath.Join(app, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	objects := parse(t, buildAt(t, app))
	for object, want := range map[string]string{"StatefulSet store": "[headway migrate] [headway-config headway-data v] 130", "DaemonSet agent": "[headway] [headway-config headway-data] 130"} {
		var workload struct {
			Spec struct {
				Template struct {
					Spec struct {
						InitContainers, Volumes []struct{ Name string }
						Grace                   int `json:"terminationGracePeriodSeconds"`
					}
				}
			}
		}
		text, err := json.Marshal(objects[object])
		if err == nil {
			err = json.Unmarshal(text, &workload)
		}
		if err != nil {
			t.Fatal(err)
		}
		pod := workload.Spec.Template.Spec
		var containers, volumes []string
		for _, c := range pod.InitContainers {
			containers = append(containers, c.Name)
		}
		for _, v := range pod.Volumes {
			volumes = append(volumes, v.Name)
		}
		if got := fmt.Sprint(containers, volumes, pod.Grace); got != want {
			t.Errorf("%s: got %s, want %s", object, got, want)
		}
	}
}
