package main_test

import (
	"os"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// self returns the test binary. Until the test ends, processes that start it run
// headway instead of the tests.
func self(t *testing.T) interop.Program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_AS_HEADWAY", "yes")
	return interop.Program(exe)
}
