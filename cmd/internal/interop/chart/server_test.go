//go:build interop

package chart_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// start starts an API server that has the kinds of the Prometheus operator and the
// namespaces of the manifests.
func start(t *testing.T) *interop.Kubernetes {
	t.Helper()
	k := interop.StartKubernetes(t)
	crds := interop.Tool(t, "kubernetes/crds")
	for _, kind := range []string{"podmonitors", "servicemonitors", "prometheusrules"} {
		serve(t, k, filepath.Join(crds, "monitoring.coreos.com_"+kind+".yaml"), kind+".monitoring.coreos.com")
	}
	for _, namespace := range []string{"headway-system", "monitoring", "shop", "chat"} {
		k.Create(t, "namespace", namespace)
	}
	return k
}

// serve makes the server serve the kind that a file describes, and returns when it does.
func serve(t *testing.T, k *interop.Kubernetes, file, kind string) {
	t.Helper()
	k.Create(t, "--filename="+file)
	interop.Eventually(t, interop.Patience, func() error { // kubectl wait fails where the server has not begun with the kind
		got, err := k.Kubectl(t, interop.Administrator, "get", "crd/"+kind, "--output=jsonpath={.status.conditions[?(@.type=='Established')].status}")
		if err == nil && got != "True" {
			err = fmt.Errorf("the server does not serve %s yet: %q", kind, got)
		}
		return err
	})
}

// TestInteropKubernetesTakesTheChartAndTheOverlays asks the server to check every object,
// and to refuse fields that it does not know. No module has the kinds of cert-manager.
func TestInteropKubernetesTakesTheChartAndTheOverlays(t *testing.T) {
	k := start(t)
	for _, file := range manifests(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var objects []string
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			if !strings.Contains(document, "apiVersion: cert-manager.io/") {
				objects = append(objects, document)
			}
		}
		at := filepath.Join(t.TempDir(), "objects.yaml")
		if err := os.WriteFile(at, []byte(strings.Join(objects, "\n---\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := k.Kubectl(t, interop.Administrator, "apply", "--dry-run=server", "--validate=strict", "--filename="+at)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		if n := strings.Count(out, "(server dry run)"); n < len(objects)-1 {
			t.Errorf("%s: %d of %d objects: %s", filepath.Base(file), n, len(objects), out)
		}
	}
}

// TestInteropKubernetesPodSecurityOfTheChartAndTheOverlays creates each pod where the server enforces a
// level of the Pod Security Standards.
func TestInteropKubernetesPodSecurityOfTheChartAndTheOverlays(t *testing.T) {
	k := interop.StartKubernetes(t)
	for _, level := range []string{"privileged", "baseline", "restricted"} {
		k.Create(t, "namespace", level)
		if _, err := k.Kubectl(t, interop.Administrator, "label", "namespace", level, "pod-security.kubernetes.io/enforce="+level); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		file, object         string
		baseline, restricted string // a part of the refusal, empty where the pod passes
	}{
		{"deploy/kubernetes/sidecar.yaml", "Deployment application", "", ""},
		{"cmd/internal/interop/chart/testdata/rendered/explicit.yaml", "Deployment application", "", ""},
		{"deploy/kubernetes/bases/injector/injector.yaml", "Deployment headway-injector", "", ""},
		{"deploy/kubernetes/bases/prober/prober.yaml", "Deployment headway-prober", "", ""},
		{"cmd/internal/interop/chart/testdata/rendered/everything.yaml", "Deployment headway-injector", "", ""},
		// NET_ADMIN is more than baseline, and it is the one thing that is.
		{
			"cmd/internal/interop/chart/testdata/rendered/transparent.yaml", "Deployment application",
			`violates PodSecurity "baseline:latest": non-default capabilities (container "headway-redirect" must not include "NET_ADMIN" in securityContext.capabilities.add)`,
			`container "headway-redirect" must not include "NET_ADMIN"`,
		},
		// The images of model servers run as root; all else is restricted.
		{"cmd/internal/interop/chart/testdata/rendered/vllm.yaml", "Deployment vllm", "", `violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or container "vllm" must set securityContext.runAsNonRoot=true)`},
		{"cmd/internal/interop/chart/testdata/rendered/sglang.yaml", "Deployment sglang", "", `violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or container "sglang" must set securityContext.runAsNonRoot=true)`},
	} {
		pod := podOf(t, tt.file, tt.object)
		for level, want := range map[string]string{"privileged": "", "baseline": tt.baseline, "restricted": tt.restricted} {
			_, err := k.Kubectl(t, interop.Administrator, "create", "--dry-run=server", "--namespace="+level, "--filename="+pod)
			if passes := err == nil; passes != (want == "") || !passes && !strings.Contains(err.Error(), want) {
				t.Errorf("%s in %s: %v, want %q", tt.file, level, err, want)
			}
		}
	}
}

// podOf writes a pod of a Deployment into a file.
func podOf(t *testing.T, file, object string) string {
	t.Helper()
	text, err := os.ReadFile(interop.Path(t, file))
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := parse(t, string(text))[object]["spec"].(map[string]any)
	template, ok := spec["template"].(map[string]any)
	if !ok {
		t.Fatalf("%s has no %s", file, object)
	}
	template["apiVersion"], template["kind"] = "v1", "Pod"
	metadata, _ := template["metadata"].(map[string]any)
	metadata["name"] = "pod"
	pod, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "pod.json")
	if err := os.WriteFile(at, pod, 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestInteropKubernetesInstallsTheChart installs the chart as docs/deployment.md says, and
// upgrades it.
func TestInteropKubernetesInstallsTheChart(t *testing.T) {
	k := start(t)
	release := func(command string, args ...string) string {
		out, err := helm(t, append([]string{
			command, "headway", interop.Path(t, headway), "--namespace=headway-system",
			"--kube-apiserver=" + k.URL, "--kube-ca-file=" + k.CA, "--kube-token=" + k.Tokens[interop.Administrator],
		}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const everything = "--values=testdata/values/monitoring.yaml"
	out := release("install", everything, "--set=dashboards.enabled=true,image.tag=v1.2.3")
	for _, want := range []string{"headway v1.2.3 is in namespace headway-system", "kubectl label namespace NAMESPACE headway.dev/inject=enabled", "headway.dev/upstream"} {
		if !strings.Contains(out, want) {
			t.Errorf("the notes lack %q:\n%s", want, out)
		}
	}
	// The injector writes the certificate of its authority, and an upgrade leaves it there.
	const webhook = "mutatingwebhookconfiguration/headway-injector"
	const patch = `[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":"` + bundle + `"},{"op":"add","path":"/webhooks/1/clientConfig/caBundle","value":"` + bundle + `"}]`
	if _, err := k.Kubectl(t, interop.Administrator, "patch", webhook, "--type=json", "--patch="+patch); err != nil {
		t.Fatal(err)
	}
	release("upgrade", everything, "--set=dashboards.enabled=true,image.tag=v1.2.4")
	got, err := k.Kubectl(t, interop.Administrator, "get", webhook, "--output=jsonpath={.webhooks[*].clientConfig.caBundle}")
	if err != nil || got != bundle+" "+bundle {
		t.Errorf("after the upgrade the webhook trusts %q, %v", got, err)
	}
	rights(t, k)
}

// bundle is a certificate as a webhook configuration has it; no server reads it here.
const bundle = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUIKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="

// rights asks the server what the injector of the chart may do.
func rights(t *testing.T, k *interop.Kubernetes) {
	t.Helper()
	for _, tt := range []struct {
		args string
		may  bool
	}{
		{"create secrets --namespace=headway-system", true},
		{"get secrets/headway-injector-tls --namespace=headway-system", true},
		{"update secrets/headway-injector-tls --namespace=headway-system", true},
		{"get secrets/another --namespace=headway-system", false},
		{"list secrets --namespace=headway-system", false},
		{"create secrets --namespace=shop", false},
		{"get secrets/headway-injector-tls --namespace=shop", false},
		{"get mutatingwebhookconfigurations/headway-injector", true},
		{"patch mutatingwebhookconfigurations/headway-injector", true},
		{"update mutatingwebhookconfigurations/headway-injector", false},
		{"patch mutatingwebhookconfigurations/another", false},
		{"create mutatingwebhookconfigurations", false},
		{"get namespaces/shop", true},
		{"update namespaces/shop", false},
		{"create events --namespace=shop", true},
		{"get pods --namespace=shop", false},
		{"create pods --namespace=shop", false},
		{"get configmaps --namespace=shop", false},
	} {
		args := append([]string{"auth", "can-i", "--as=system:serviceaccount:headway-system:headway-injector"}, strings.Fields(tt.args)...)
		out, err := k.Kubectl(t, interop.Administrator, args...) // "no" is exit code 1
		if may := strings.TrimSpace(out) == "yes"; may != tt.may || may != (err == nil) {
			t.Errorf("%s: %q, %v", tt.args, out, err)
		}
	}
}
