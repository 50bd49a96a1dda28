package golden_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

// recorder notes whether a test that used it would have failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestCheckFailsWhereTheFileDiffers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte("right\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]bool{"right\n": false, "right": true, "": true} {
		r := recorder{TB: t}
		if golden.Check(&r, path, got); r.failed != want {
			t.Errorf("%q: failed %v, want %v", got, r.failed, want)
		}
	}
}
