package interop

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Sidecar is a `headway run` before one upstream.
type Sidecar struct {
	Process *Process
	URL     string // where the application sends its requests
	Admin   string // host and port of the admin listener
	Capture string // file of capture lines
}

// StartSidecar starts a sidecar before upstream and returns when it is ready. env are
// variables beside those that every sidecar needs.
func (p Program) StartSidecar(t *testing.T, upstream string, env ...string) *Sidecar {
	t.Helper()
	listen, admin := FreeAddress(t), FreeAddress(t)
	s := &Sidecar{URL: "http://" + listen, Admin: admin, Capture: filepath.Join(t.TempDir(), "capture.jsonl")}
	s.Process = Start(t, append([]string{
		"HEADWAY_UPSTREAM=" + upstream,
		"HEADWAY_LISTEN=" + listen,
		"HEADWAY_ADMIN_LISTEN=" + admin,
		"HEADWAY_CAPTURE_FILE=" + s.Capture,
		"HEADWAY_DRAIN_DELAY=0", // clients of these tests keep their connections
	}, env...), string(p), "run")
	Eventually(t, 10*time.Second, func() error {
		_, err := Get("http://" + admin + "/healthz/ready")
		return err
	})
	return s
}

// Lines ends the sidecar and returns the capture lines of the APIs that headway knows,
// in order of start.
func (s *Sidecar) Lines(t *testing.T) []CaptureLine {
	t.Helper()
	s.Process.Stop(t)
	text, err := os.ReadFile(s.Capture)
	if err != nil {
		t.Fatal(err)
	}
	known := slices.DeleteFunc(DecodeLines[CaptureLine](t, text), func(l CaptureLine) bool { return l.Dialect == "" })
	slices.SortFunc(known, func(a, b CaptureLine) int { return a.Start.Compare(b.Start) })
	return known
}
