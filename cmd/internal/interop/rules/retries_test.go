//go:build interop

package rules_test

import (
	"os/exec"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestInteropRetryStormFiresTheAlert checks with a real Prometheus's rule evaluator
// that a retry storm fires the alert, and that nothing else does.
func TestInteropRetryStormFiresTheAlert(t *testing.T) {
	promtool := interop.Tool(t, "bin/promtool")
	for _, args := range [][]string{
		{"check", "rules", "retries.rules.yaml"},
		{"test", "rules", "retries.rules_test.yaml"},
	} {
		run := exec.Command(promtool, args...)
		run.Dir = interop.Path(t, "deploy/prometheus")
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
