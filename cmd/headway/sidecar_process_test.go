package main_test

import (
	"path/filepath"
	"testing"
	"time"
)

// sidecar is a `headway run` before one upstream.
type sidecar struct {
	process *process
	url     string // where the application sends its requests
	admin   string // host and port of the admin listener
	capture string // file of capture lines
}

// startSidecar runs a sidecar that is ready, with env beside what it needs.
func (p program) startSidecar(t *testing.T, upstream string, env ...string) *sidecar {
	t.Helper()
	listen, admin := freeAddress(t), freeAddress(t)
	s := &sidecar{url: "http://" + listen, admin: admin, capture: filepath.Join(t.TempDir(), "capture.jsonl")}
	s.process = start(t, append([]string{
		"HEADWAY_UPSTREAM=" + upstream,
		"HEADWAY_LISTEN=" + listen,
		"HEADWAY_ADMIN_LISTEN=" + admin,
		"HEADWAY_CAPTURE_FILE=" + s.capture,
		"HEADWAY_DRAIN_DELAY=0", // clients of these tests keep their connections
	}, env...), string(p), "run")
	eventually(t, 10*time.Second, func() error {
		_, err := get("http://" + admin + "/healthz/ready")
		return err
	})
	return s
}
