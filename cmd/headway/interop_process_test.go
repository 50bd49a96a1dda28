//go:build interop

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tools is where .ci/interop/install puts things, seen from this package.
const tools = "../../.tools"

// tool is the path of an installed part.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(tools, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: run .ci/interop/install (%v)", name, err)
	}
	return path
}

func build(t *testing.T) program {
	t.Helper()
	exe := filepath.Join(t.TempDir(), "headway")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("building headway: %v\n%s", err, out)
	}
	return program(exe)
}
