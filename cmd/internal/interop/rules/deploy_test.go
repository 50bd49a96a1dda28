//go:build interop

package rules_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestInteropTheRulesOfDeployPassPromtool checks every file of rules that deploy has.
func TestInteropTheRulesOfDeployPassPromtool(t *testing.T) {
	var files []string
	for _, folder := range []string{"prometheus", "compose"} {
		found, err := filepath.Glob(interop.Path(t, "deploy/"+folder+"/*.rules.yaml"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no rules in %s: %v", folder, err)
		}
		files = slices.Concat(files, found)
	}
	args := append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, files...)
	if out, err := exec.Command(interop.Tool(t, "bin/promtool"), args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
