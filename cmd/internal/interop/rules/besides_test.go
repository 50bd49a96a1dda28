//go:build interop

package rules_test

import (
	"os/exec"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestInteropAlertsBesidesSLOsFire checks with a real Prometheus's rule evaluator that a retry
// storm and lost prompt caches fire their alerts, and that nothing else does.
func TestInteropAlertsBesidesSLOsFire(t *testing.T) {
	promtool := interop.Tool(t, "bin/promtool")
	for _, rules := range []string{"retries", "promptcache"} {
		for _, args := range [][]string{
			{"check", "rules", rules + ".rules.yaml"},
			{"test", "rules", rules + ".rules_test.yaml"},
		} {
			run := exec.Command(promtool, args...)
			run.Dir = interop.Path(t, "deploy/prometheus")
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("promtool %v: %v\n%s", args, err, out)
			}
		}
	}
}
