// Package golden compares the output of a test with a file that holds the right one, and
// writes that file anew when the test runs with -update.
package golden

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Updating says that the test runs with -update, for a test that writes another kind of file.
func Updating() bool { return *update }

// Check fails the test unless the file at path holds got.
func Check(t testing.TB, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs: run the test with -update and look at the difference. Got:\n%s", path, got)
	}
}
