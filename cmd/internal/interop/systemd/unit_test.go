//go:build interop

// Package systemd_test asks systemd about the unit of deploy/systemd.
package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

const unit = "deploy/systemd/headway.service"

// TestInteropSystemdFindsTheUnitHardened holds the unit to an exposure of 2.0 at most, of
// 10. The threshold of systemd-analyze counts tenths. A unit without the hardening must
// not pass.
func TestInteropSystemdFindsTheUnitHardened(t *testing.T) {
	out, err := security(interop.Path(t, unit))
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	t.Log(lines[len(lines)-1])
	soft := filepath.Join(t.TempDir(), "headway.service")
	if err := os.WriteFile(soft, []byte("[Service]\nExecStart=/bin/true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := security(soft); err == nil {
		t.Errorf("a unit without hardening passes:\n%s", out)
	}
}

func security(file string) (string, error) {
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", file).CombinedOutput()
	return string(out), err
}

// TestInteropSystemdUnderstandsTheUnit finds settings that systemd does not know. The
// unit's program may be missing: nobody installs it on this machine.
func TestInteropSystemdUnderstandsTheUnit(t *testing.T) {
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", interop.Path(t, unit)).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "Command /usr/local/bin/headway is not executable") {
			t.Errorf("%v: %s", err, line)
		}
	}
}
