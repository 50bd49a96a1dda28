//go:build interop

package kubernetes_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestInteropKubernetesTakesTheExamples asks the server to check every example, and to
// refuse fields that it does not know.
func TestInteropKubernetesTakesTheExamples(t *testing.T) {
	k := interop.StartKubernetes(t)
	k.Create(t, "namespace", "monitoring")
	files, err := filepath.Glob(interop.Path(t, "deploy/kubernetes/*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			out, err := k.Kubectl(t, interop.Administrator, "apply", "--dry-run=server", "--validate=strict", "--filename="+file)
			if err != nil {
				t.Error(err)
			}
			if !strings.Contains(out, "(server dry run)") {
				t.Errorf("kubectl printed %q", out)
			}
		})
	}
}

// TestInteropKubernetesRightsOfAProber tells what the service account of the example may do.
func TestInteropKubernetesRightsOfAProber(t *testing.T) {
	k := interop.StartKubernetes(t)
	k.Create(t, "namespace", "monitoring")
	k.Apply(t, "--filename="+interop.Path(t, access))
	for _, tt := range []struct {
		args string
		may  bool
	}{
		{"get leases/headway-prober --namespace=monitoring", true},
		{"update leases/headway-prober --namespace=monitoring", true},
		{"create leases --namespace=monitoring", true},
		{"get leases/another --namespace=monitoring", false},
		{"list leases --namespace=monitoring", false},
		{"delete leases/headway-prober --namespace=monitoring", false},
		{"create leases --namespace=default", false},
		{"get secrets --namespace=monitoring", false},
		{"get pods --namespace=monitoring", false},
	} {
		args := append([]string{"auth", "can-i", "--as=system:serviceaccount:monitoring:headway-prober"}, strings.Fields(tt.args)...)
		out, err := k.Kubectl(t, interop.Administrator, args...) // "no" is exit code 1
		if may := strings.TrimSpace(out) == "yes"; may != tt.may || may != (err == nil) {
			t.Errorf("%s: %q, %v", tt.args, out, err)
		}
	}
}
