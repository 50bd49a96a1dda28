package main

import (
	"os"
	"testing"
)

// TestMain lets tests start headway as a process without another build: the test binary
// itself becomes headway.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_HEADWAY") != "" {
		main()
	}
	os.Exit(m.Run())
}
