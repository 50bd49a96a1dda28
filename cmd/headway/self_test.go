package main_test

import (
	"os"
	"testing"
)

// self is the test binary, which is headway to those who start it from now on.
func self(t *testing.T) program {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_AS_HEADWAY", "yes")
	return program(exe)
}
