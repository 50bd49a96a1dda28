package pod_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/headway-sidecar/headway/cmd/internal/pod"
	"github.com/headway-sidecar/headway/cmd/internal/sidecar"
	"github.com/headway-sidecar/headway/proxy/redirect"
)

// example returns the pod of the Deployment in a file of deploy/kubernetes.
func example(t *testing.T, file string) corev1.PodSpec {
	t.Helper()
	text, err := os.ReadFile("../../../deploy/kubernetes/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
		if !bytes.Contains(document, []byte("\nkind: Deployment\n")) {
			continue
		}
		var d appsv1.Deployment
		if err := yaml.UnmarshalStrict(document, &d); err != nil {
			t.Fatal(err)
		}
		return d.Spec.Template.Spec
	}
	t.Fatalf("%s has no Deployment", file)
	return corev1.PodSpec{}
}

// settings returns what a container of an example sets.
func settings(c *corev1.Container, mode pod.Mode, configMap string) pod.Settings {
	s := pod.Settings{Image: c.Image, Mode: mode, Env: map[string]string{}, ConfigMap: configMap, Resources: c.Resources}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			s.Env[e.Name] = e.Value
		}
	}
	return s
}

// The injector and the examples make the same pod.
func TestTheSidecarIsThatOfTheExamples(t *testing.T) {
	for _, tt := range []struct {
		file, configMap string
		mode            pod.Mode
	}{
		{"sidecar.yaml", "headway-slos", pod.Explicit},
		{"transparent.yaml", "headway-slos", pod.Transparent},
	} {
		t.Run(tt.file, func(t *testing.T) {
			want := example(t, tt.file)
			at := slices.IndexFunc(want.InitContainers, func(c corev1.Container) bool { return c.Name == pod.Container })
			made, err := pod.New(settings(&want.InitContainers[at], tt.mode, tt.configMap))
			if err != nil {
				t.Fatal(err)
			}
			got := made.InitContainers()
			for _, containers := range [][]corev1.Container{got, want.InitContainers} {
				for i := range containers {
					// The order of variables means nothing. The position of the pod is an optional one.
					containers[i].Env = slices.DeleteFunc(containers[i].Env, func(e corev1.EnvVar) bool { return e.ValueFrom != nil && tt.mode == pod.Transparent })
					slices.SortFunc(containers[i].Env, func(a, b corev1.EnvVar) int { return strings.Compare(a.Name, b.Name) })
				}
			}
			same(t, "initContainers", got, want.InitContainers)
			same(t, "volumes", made.Volumes(), want.Volumes)
			same(t, "terminationGracePeriodSeconds", made.GracePeriod(), *want.TerminationGracePeriodSeconds)
			same(t, "resources", pod.Resources(), want.InitContainers[at].Resources)
		})
	}
}

// same compares two values as the API server would see them.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	a, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("%s: the sidecar has\n%s\nthe example\n%s", what, a, b)
	}
}

func TestTheGracePeriodIsLongerThanTheEndMayTake(t *testing.T) {
	for _, env := range []map[string]string{
		{},
		{"HEADWAY_DRAIN_TIMEOUT": "10m"},
		{"HEADWAY_DRAIN_TIMEOUT": "1500ms", "HEADWAY_SCRAPE_WAIT": "30s", "HEADWAY_DRAIN_DELAY": "0"},
	} {
		env["HEADWAY_UPSTREAM"] = "https://api.openai.com"
		made, err := pod.New(pod.Settings{Mode: pod.Explicit, Env: env})
		if err != nil {
			t.Fatal(err)
		}
		need := made.Config.DrainTimeout + made.Config.ScrapeWait + 2*sidecar.FlushTimeout
		if float64(made.GracePeriod()) <= need.Seconds() {
			t.Errorf("%v: %d s are not longer than %v", env, made.GracePeriod(), need)
		}
	}
}

func TestTheUserIsTheOneThatTheRulesLeaveAlone(t *testing.T) {
	if !slices.Contains(redirect.Default().ExcludeUIDs, uint32(pod.User)) {
		t.Errorf("%d is none of %v", pod.User, redirect.Default().ExcludeUIDs)
	}
}
