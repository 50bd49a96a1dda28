package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// chartFiles is the folder of the files that the templates of the chart read.
const chartFiles = "../../deploy/helm/headway/files/"

// The chart cannot run headway, so it has the rules of its SLO file as a file.
func TestRulesOfTheChartAreThoseOfItsSLOs(t *testing.T) {
	var out, problems bytes.Buffer
	if err := runRules(t.Context(), []string{"--slo", chartFiles + "slos.yaml"}, &out, &problems); err != nil || problems.Len() > 0 {
		t.Fatalf("%v\n%s", err, &problems)
	}
	golden.Check(t, chartFiles+"slo.rules.yaml", out.String())
}

// The chart, the base of kustomize and the example have one SLO file. In a ConfigMap it
// needs no comment.
func TestTheChartAndTheExamplesHaveOneSLOFile(t *testing.T) {
	want := read(t, "deploy/helm/headway/files/slos.yaml")
	if got := read(t, "deploy/kubernetes/bases/sidecar/slos.yaml"); got != want {
		t.Errorf("the base of kustomize has\n%s\nthe chart has\n%s", got, want)
	}
	_, body, _ := strings.Cut(want, "\n")
	for name, pod := range manifests(t) {
		if got := pod.configMaps["headway-slos"]["slos.yaml"]; got != want && got != body {
			t.Errorf("%s has\n%s\nthe chart has\n%s", name, got, want)
		}
	}
}

// The chart's injector keeps the rules that sidecars keep.
func TestTheInjectorOfTheChartHasTheRightsAndProbesOfASidecar(t *testing.T) {
	for _, file := range []string{"deploy/kubernetes/bases/injector/injector.yaml", rendered + "default.yaml", rendered + "everything.yaml"} {
		var c container
		for _, m := range documentsOf[manifest](t, file) {
			if all := m.Spec.Template.Spec.Containers; len(all) == 1 && all[0].Name == "injector" {
				c = all[0]
			}
		}
		if !ownImage.MatchString(c.Image) {
			t.Errorf("%s: the injector runs %q", file, c.Image)
		}
		s := c.Security
		if !s.NonRoot || s.User != 65532 || s.Escalation || !s.ReadOnly || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) || s.Capabilities.Add != nil {
			t.Errorf("%s: %+v", file, s)
		}
		if len(c.Resources.Requests) != 2 || len(c.Resources.Limits) != 1 || c.Resources.Limits["memory"] == "" {
			t.Errorf("%s: %+v", file, c.Resources)
		}
		for path, p := range map[string]*podProbe{"live": c.Liveness, "ready": c.Readiness} {
			if p == nil || p.HTTPGet.Path != "/healthz/"+path || p.HTTPGet.Port != 8481 {
				t.Errorf("%s: %s is probed at %+v", file, path, p)
			}
		}
	}
}

// rendered is the folder of what Helm and kustomize make of the chart and the overlays. The
// interop tests of that package compare it with what they make now.
const rendered = "cmd/internal/interop/chart/testdata/rendered/"

// labelSelector selects objects by their labels, by expressions.
type labelSelector struct {
	Expressions []struct {
		Key, Operator string
		Values        []string
	} `yaml:"matchExpressions"`
}

// matches says whether the selector takes an object with these labels. As in Kubernetes,
// an object without the label matches NotIn.
func (s labelSelector) matches(labels map[string]string) bool {
	for _, e := range s.Expressions {
		value, ok := labels[e.Key]
		if in := ok && slices.Contains(e.Values, value); in != (e.Operator == "In") {
			return false
		}
	}
	return true
}

// webhooks has the fields of a MutatingWebhookConfiguration that decide which pods the
// injector sees.
type webhooks struct {
	Kind     string
	Webhooks []struct {
		Name          string
		FailurePolicy string        `yaml:"failurePolicy"`
		Namespace     labelSelector `yaml:"namespaceSelector"`
		Pod           labelSelector `yaml:"objectSelector"`
	}
}

func TestTheInjectorSeesThePodsThatAskForIt(t *testing.T) {
	label := func(value string) map[string]string {
		if value == "" {
			return nil
		}
		return map[string]string{"headway.dev/inject": value}
	}
	for _, c := range []struct{ name, namespace, ofNamespace, ofPod, want string }{
		{"nobody asks", "shop", "", "", ""},
		{"the namespace asks", "shop", "enabled", "", "namespace.headway.dev"},
		{"the namespace asks in other words", "shop", "true", "", "namespace.headway.dev"},
		{"both ask", "shop", "enabled", "true", "namespace.headway.dev"},
		{"the pod refuses", "shop", "enabled", "false", ""},
		{"the pod asks", "shop", "", "true", "pod.headway.dev"},
		{"the pod asks where the namespace does not", "shop", "disabled", "true", "pod.headway.dev"},
		{"the cluster's own pods", "kube-system", "enabled", "true", ""},
		{"the cluster's leases", "kube-node-lease", "enabled", "true", ""},
		{"the injector's own namespace", "headway-system", "enabled", "true", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			namespace := map[string]string{"kubernetes.io/metadata.name": c.namespace}
			maps.Copy(namespace, label(c.ofNamespace))
			var got []string
			for _, w := range documentsOf[webhooks](t, rendered+"default.yaml") {
				for _, hook := range w.Webhooks {
					if hook.Namespace.matches(namespace) && hook.Pod.matches(label(c.ofPod)) {
						got = append(got, hook.Name)
					}
					if hook.FailurePolicy != "Ignore" {
						t.Errorf("pods do not start without %s", hook.Name)
					}
				}
			}
			if strings.Join(got, ",") != c.want {
				t.Errorf("%q see the pod, want %q", got, c.want)
			}
		})
	}
}

// documentsOf decodes every document of a file.
func documentsOf[T any](t *testing.T, file string) (all []T) {
	t.Helper()
	for d := yaml.NewDecoder(strings.NewReader(read(t, file))); ; {
		var v T
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, v)
	}
}

// monitor has the fields of a PodMonitor and of a ServiceMonitor.
type monitor struct {
	Kind string
	Spec map[string]any
}

// The chart and the example find the same pods.
func TestTheMonitorOfTheChartIsTheExample(t *testing.T) {
	specs := map[string]map[string]any{}
	for _, file := range []string{"deploy/prometheus/podmonitor.yaml", rendered + "monitoring.yaml", rendered + "everything.yaml"} {
		for _, m := range documentsOf[monitor](t, file) {
			if strings.HasSuffix(m.Kind, "Monitor") {
				specs[file] = m.Spec
			}
		}
	}
	want := specs["deploy/prometheus/podmonitor.yaml"]
	if got := specs[rendered+"monitoring.yaml"]; got == nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the chart has %v, the example %v", got, want)
	}
	if got := fmt.Sprint(specs[rendered+"everything.yaml"]["endpoints"]); got != "[map[interval:10s path:/metrics port:headway-admin]]" {
		t.Errorf("the ServiceMonitor reads %s", got)
	}
}
