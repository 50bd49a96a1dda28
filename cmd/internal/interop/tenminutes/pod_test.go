//go:build interop

package tenminutes_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// object has the fields of a pod, of a workload with a template of pods, or of a
// ConfigMap.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		podSpec  `yaml:",inline"`
		Template struct{ Spec podSpec }
	}
}

type podSpec struct {
	InitContainers []container `yaml:"initContainers"`
	Containers     []container
	Volumes        []struct {
		Name      string
		ConfigMap *struct{ Name string } `yaml:"configMap"`
		EmptyDir  map[string]any         `yaml:"emptyDir"`
	}
}

type container struct {
	Name    string
	Command []string
	Args    []string
	Env     []struct {
		Name, Value string
		ValueFrom   struct {
			FieldRef struct {
				FieldPath string `yaml:"fieldPath"`
			} `yaml:"fieldRef"`
		} `yaml:"valueFrom"`
	}
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
	StartupProbe struct {
		HTTPGet struct {
			Path string
			Port int
		} `yaml:"httpGet"`
		PeriodSeconds    int `yaml:"periodSeconds"`
		FailureThreshold int `yaml:"failureThreshold"`
	} `yaml:"startupProbe"`
	SecurityContext struct {
		RunAsUser              int  `yaml:"runAsUser"`
		RunAsGroup             int  `yaml:"runAsGroup"`
		ReadOnlyRootFilesystem bool `yaml:"readOnlyRootFilesystem"`
	} `yaml:"securityContext"`
}

// given is a pod as the API server hands it to a node, with the ConfigMaps that it mounts.
type given struct {
	podSpec
	configMaps map[string]map[string]string
}

// readPod reads the objects of a file, in YAML or in JSON.
func readPod(t *testing.T, file string) given {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g := given{configMaps: map[string]map[string]string{}}
	for _, o := range readObjects(t, file, text) {
		switch {
		case o.Kind == "ConfigMap":
			g.configMaps[o.Metadata.Name] = o.Data
		case o.Kind == "Pod":
			g.podSpec = o.Spec.podSpec
		case len(o.Spec.Template.Spec.Containers) > 0:
			g.podSpec = o.Spec.Template.Spec
		}
	}
	return g
}

// readObjects reads objects in YAML or in JSON, from a file with that name.
func readObjects(t *testing.T, file string, text []byte) (all []object) {
	t.Helper()
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, o)
	}
}

// sidecar returns the container of headway.
func (g *given) sidecar(t *testing.T) container {
	t.Helper()
	i := slices.IndexFunc(g.InitContainers, func(c container) bool { return c.Name == "headway" })
	if i < 0 {
		t.Fatal("the pod has no init container headway")
	}
	return g.InitContainers[i]
}

// fields are the pod's own, which a container's variables may name.
var fields = map[string]string{
	"metadata.name": "application-0", "metadata.uid": "0f14d0ab-9605-4a62-a9e4-5ed26688389b", "metadata.namespace": "shop", "spec.nodeName": "node-1",
}

// environment returns the variables of a container, as the kubelet fills them in.
// instead has the values that a user puts in place of the example's.
func (c *container) environment(t *testing.T, instead map[string]string) (env []string) {
	t.Helper()
	for _, e := range c.Env {
		if path := e.ValueFrom.FieldRef.FieldPath; path != "" {
			if e.Value = fields[path]; e.Value == "" {
				t.Errorf("%s: the test knows no field %s", e.Name, path)
			}
		}
		if own, ok := instead[e.Name]; ok {
			e.Value = own
		}
		env = append(env, e.Name+"="+e.Value)
	}
	return env
}

// mounts makes the volumes of a container as the kubelet does: a ConfigMap that nobody
// may change, an empty folder that everybody may write.
func (g *given) mounts(t *testing.T, c *container) (all []interop.Mount) {
	t.Helper()
	for _, m := range c.VolumeMounts {
		folder, err := os.MkdirTemp("", "headway-volume-") // the container's user cannot enter t.TempDir
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(folder) })
		mode := os.FileMode(0o777)
		for _, v := range g.Volumes {
			if v.Name != m.Name || v.ConfigMap == nil {
				continue
			}
			mode = 0o755
			if g.configMaps[v.ConfigMap.Name] == nil {
				t.Errorf("nothing has the ConfigMap %s", v.ConfigMap.Name)
			}
			for name, text := range g.configMaps[v.ConfigMap.Name] {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil { //nolint:gosec // the container's user reads it
					t.Fatal(err)
				}
			}
		}
		if err := os.Chmod(folder, mode); err != nil {
			t.Fatal(err)
		}
		all = append(all, interop.Mount{Source: folder, Target: m.MountPath, Writable: !m.ReadOnly})
	}
	return all
}
