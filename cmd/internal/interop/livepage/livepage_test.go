//go:build interop

// Package livepage_test looks at the live page in a real browser.
package livepage_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// TestInteropLivePage: streams appear, one goes silent, a fault turns the goodput, a call
// unfolds, a waterfall opens. The page makes no error and breaks no policy, and axe finds no
// serious violation. With HEADWAY_TEST_PICTURES, a folder, it rewrites the pictures of
// docs/live.md.
func TestInteropLivePage(t *testing.T) {
	program := interop.Build(t)
	listen, admin, model := interop.FreeAddress(t), interop.FreeAddress(t), interop.FreeAddress(t)
	interop.Start(t, nil, string(program), "demo", "--rps", "3", "--listen", listen, "--admin", admin, "--model", model)
	interop.Eventually(t, interop.Patience, func() error {
		_, err := interop.Get("http://" + admin + "/healthz/ready")
		return err
	})
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{interop.Driver(t, "page/drive.mjs"), browser, "http://" + admin + "/", "http://" + listen, "http://" + model}
	if folder := os.Getenv("HEADWAY_TEST_PICTURES"); folder != "" {
		args = append(args, interop.Path(t, folder))
	}
	drive := exec.Command("node", args...)
	drive.Env = append(os.Environ(), "PAGE_TOOLS="+interop.Tool(t, "page"))
	said, err := drive.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		t.Fatal(err)
	}
}
