//go:build interop

// Package livepage_test looks at the live page in a real browser.
package livepage_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// stage is a running demo whose live page a browser looks at.
type stage struct{ listen, admin, model string }

func start(t *testing.T, flags ...string) stage {
	t.Helper()
	s := stage{interop.FreeAddress(t), interop.FreeAddress(t), interop.FreeAddress(t)}
	flags = append([]string{"demo", "--listen", s.listen, "--admin", s.admin, "--model", s.model}, flags...)
	interop.Start(t, nil, string(interop.Build(t)), flags...)
	interop.Eventually(t, interop.Patience, func() error {
		_, err := interop.Get("http://" + s.admin + "/healthz/ready")
		return err
	})
	return s
}

// browse runs a script of .ci/interop/page with Chromium and returns its output. What the
// script says besides goes into the log.
func browse(t *testing.T, script string, args ...string) []byte {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command("node", append([]string{interop.Driver(t, "page/"+script), browser}, args...)...)
	node.Env = append(os.Environ(), "PAGE_TOOLS="+interop.Tool(t, "page"))
	var said bytes.Buffer
	node.Stderr = &said
	out, err := node.Output()
	t.Logf("%s%s", out, &said)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestInteropLivePage: streams appear, one goes silent, a fault turns the goodput, a call
// unfolds, a waterfall opens. The page makes no error and breaks no policy, and axe finds no
// serious violation. With HEADWAY_TEST_PICTURES, a folder, it rewrites the pictures of
// docs/live.md.
func TestInteropLivePage(t *testing.T) {
	s := start(t, "--rps", "3")
	args := []string{"http://" + s.admin + "/", "http://" + s.listen, "http://" + s.model}
	if folder := os.Getenv("HEADWAY_TEST_PICTURES"); folder != "" {
		args = append(args, interop.Path(t, folder))
	}
	browse(t, "drive.mjs", args...)
}

// TestInteropFirstPaint: a browser paints the page within 200 ms of the click, median of ten
// browsers without a cache. It does not wait for scripts or data. An empty page shows how busy
// the machine is: where that needs more than 67 ms, the live page may take three times as long.
func TestInteropFirstPaint(t *testing.T) {
	s := start(t, "--rps", "6")
	var paint struct{ Live, Empty float64 } // ms
	if err := json.Unmarshal(browse(t, "paint.mjs", "http://"+s.admin+"/"), &paint); err != nil {
		t.Fatal(err)
	}
	if most := max(200, 3*paint.Empty); paint.Live <= 0 || paint.Live > most {
		t.Errorf("the first paint came after %.0f ms, want %.0f ms at most; an empty page needs %.0f ms", paint.Live, most, paint.Empty)
	}
}
