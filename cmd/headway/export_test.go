package main

import (
	"os"
	"testing"
)

// TestMain lets tests start headway as a process without building it anew.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_HEADWAY") != "" {
		main()
	}
	os.Exit(m.Run())
}
