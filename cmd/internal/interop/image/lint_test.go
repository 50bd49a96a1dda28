//go:build interop

package image_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestInteropHadolintFindsNothingInTheDockerfile asks the linter of Dockerfiles, with all
// its rules. It must find something in a Dockerfile that runs as root.
func TestInteropHadolintFindsNothingInTheDockerfile(t *testing.T) {
	hadolint := interop.Tool(t, "python-hadolint/bin/hadolint")
	if out, err := exec.Command(hadolint, "--no-color", "--failure-threshold", "style", interop.Path(t, "deploy/Dockerfile")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("hadolint: %v\n%s", err, out)
	}
	bad := exec.Command(hadolint, "-")
	bad.Stdin = strings.NewReader("FROM debian\nUSER root\n")
	if out, err := bad.CombinedOutput(); err == nil || !strings.Contains(string(out), "DL3002") {
		t.Errorf("hadolint finds nothing wrong with root: %v\n%s", err, out)
	}
}
