package main_test

import (
	"os"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// self is the test binary, which is headway to those who start it from now on.
func self(t *testing.T) interop.Program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_AS_HEADWAY", "yes")
	return interop.Program(exe)
}
