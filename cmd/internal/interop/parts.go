// Package interop is the harness of all tests that run headway as a process, or that
// run real parts of other projects beside it: SDKs, Prometheus, a collector. The
// folders below hold the tests with the tag interop, a folder a subject. `make interop`
// installs the parts and runs all these tests.
//
// Every process that a test starts here ends with the test. Every function with a
// testing.T fails the test when something goes wrong. Only the test's goroutine may
// call it, unless it says otherwise.
package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Path returns the absolute path of a file of the module. name is its path from the
// root of the module: "docs/metrics.md", say. Tests run in the folder of their package,
// so Path looks for the root above that.
func Path(t *testing.T, name string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return filepath.Join(root, filepath.FromSlash(name))
		}
		above := filepath.Dir(root)
		if above == root {
			t.Fatal("no go.mod is above the working directory")
		}
		root = above
	}
}

// Tool returns the path of a part that .ci/interop/install puts into .tools.
func Tool(t *testing.T, name string) string {
	t.Helper()
	path := Path(t, ".tools/"+name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing: run .ci/interop/install (%v)", name, err)
	}
	return path
}

// Driver returns the path of a file in .ci/interop: a script that calls an SDK, or an
// input of such a script.
func Driver(t *testing.T, name string) string {
	t.Helper()
	return Path(t, ".ci/interop/"+name)
}

// Program is the path of the headway binary.
type Program string

// Build builds headway.
func Build(t *testing.T) Program {
	t.Helper()
	return BuildInto(t, t.TempDir())
}

// BuildInto builds headway into dir. Tests that run headway as another user need it,
// because other users cannot enter a directory of t.TempDir.
func BuildInto(t *testing.T, dir string) Program {
	t.Helper()
	exe := filepath.Join(dir, "headway")
	build := exec.Command("go", "build", "-o", exe, "./cmd/headway")
	build.Dir = Path(t, "")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building headway: %v\n%s", err, out)
	}
	return Program(exe)
}
