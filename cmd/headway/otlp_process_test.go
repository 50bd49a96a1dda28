package main_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/cmd/internal/interop/life"
)

// lostAtTheEnd returns the log line about telemetry that headway could not export; nil
// if there is none.
func lostAtTheEnd(t *testing.T, s *interop.Sidecar) (lost map[string]any) {
	t.Helper()
	for _, line := range interop.DecodeLines[map[string]any](t, []byte(s.Process.Printed(t))) {
		if line["msg"] == "telemetry is lost: no collector took it" {
			lost = line
		}
	}
	return lost
}

// served starts a sidecar without a collector, serves so many streams through it, waits
// until the sidecar reports that the collector takes no data, and stops it with
// SIGTERM.
func served(t *testing.T, streams int, env ...string) *interop.Sidecar {
	t.Helper()
	goOn := make(chan struct{})
	close(goOn)
	s := self(t).StartSidecar(t, life.NewSource(t, 0, goOn).URL, append(env, "HEADWAY_TRACE_RATIO=1")...)
	for range streams {
		if err := life.Follow(t.Context(), http.DefaultClient, s.URL); err != nil {
			t.Fatal(err)
		}
	}
	interop.Eventually(t, 10*time.Second, func() error {
		if !strings.Contains(s.Process.Printed(t), "the collector takes nothing") {
			return os.ErrNotExist
		}
		return nil
	})
	s.Process.Signal(t, syscall.SIGTERM)
	if code := s.Process.Exit(t, 20*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if got := life.Outcomes(t, s); len(got) != 1 || got["ok"] != streams {
		t.Errorf("captured %v", got)
	}
	return s
}

func TestACollectorThatIsAwayAtTheEndIsAWarning(t *testing.T) {
	const streams = 7
	s := served(t, streams, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+interop.FreeAddress(t))
	lost := lostAtTheEnd(t, s)
	if points, ok := lost["metrics"].(float64); lost["level"] != "WARN" || lost["traces"] != float64(streams) || !ok || points < 1 {
		t.Errorf("%v in\n%s", lost, s.Process.Printed(t))
	}
}

func TestASpoolKeepsSpansForACollectorThatIsAwayAtTheEnd(t *testing.T) {
	const streams = 7
	env := []string{"OTEL_METRICS_EXPORTER=none", "HEADWAY_SPOOL_DIR=" + t.TempDir()}
	s := served(t, streams, append(env, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+interop.FreeAddress(t))...)
	if lost := lostAtTheEnd(t, s); lost != nil {
		t.Error(lost)
	}
	var spans atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		request := ptraceotlp.NewExportRequest()
		body, err := io.ReadAll(r.Body)
		if err := errors.Join(err, request.UnmarshalProto(body)); err != nil {
			t.Error(err)
		}
		spans.Add(int64(request.Traces().SpanCount()))
	}))
	defer collector.Close()
	next := self(t).StartSidecar(t, "http://127.0.0.1:1", append(env, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL)...)
	next.Process.Stop(t)
	if n := spans.Load(); n != streams {
		t.Errorf("%d of %d spans arrived after a restart", n, streams)
	}
}

// Only one process at a time may use a spool. A second process forwards traffic without
// it.
func TestASidecarServesWithoutASpoolThatAnotherProcessUses(t *testing.T) {
	goOn := make(chan struct{})
	close(goOn)
	source := life.NewSource(t, 0, goOn)
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + interop.FreeAddress(t), "HEADWAY_SPOOL_DIR=" + t.TempDir()}
	self(t).StartSidecar(t, source.URL, env...)
	second := self(t).StartSidecar(t, source.URL, env...)
	if err := life.Follow(t.Context(), http.DefaultClient, second.URL); err != nil {
		t.Error(err)
	}
	if log := second.Process.Printed(t); !strings.Contains(log, "the spool cannot be used") {
		t.Errorf("no line about the spool in\n%s", log)
	}
}
