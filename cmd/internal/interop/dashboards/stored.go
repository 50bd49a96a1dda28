package dashboards

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
)

// Stored is a Prometheus over blocks that somebody has written. It scrapes nothing.
type Stored struct {
	interop.Prometheus

	process *interop.Process
}

// Over starts a Prometheus over the folder data.
func Over(t *testing.T, data string) Stored {
	t.Helper()
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	address := interop.FreeAddress(t)
	s := Stored{interop.Prometheus{API: "http://" + address + "/api/v1/"}, nil}
	s.process = interop.Start(t, nil, interop.Tool(t, "bin/prometheus"),
		"--config.file="+config, "--storage.tsdb.path="+data, "--web.listen-address="+address, "--query.max-concurrency=1",
		"--no-storage.tsdb.allow-overlapping-compaction") // which would take minutes of CPU
	interop.Eventually(t, time.Minute, func() error { return interop.GetJSON(s.API+"status/buildinfo", new(any)) })
	return s
}

// Stop ends the Prometheus, so that another one may use the folder.
func (s Stored) Stop(t *testing.T) { s.process.Stop(t) }

// CPU is the CPU time that the Prometheus takes while f runs, to a hundredth of a second.
func (s Stored) CPU(t *testing.T, f func()) time.Duration {
	t.Helper()
	before, err := s.process.CPU()
	if err != nil {
		t.Fatal(err)
	}
	f()
	after, err := s.process.CPU()
	if err != nil {
		t.Fatal(err)
	}
	return after - before
}
