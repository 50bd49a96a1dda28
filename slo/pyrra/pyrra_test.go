package pyrra_test

import (
	"io"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/pyrra"
	"github.com/headway-sidecar/headway/slo/slotest"
)

func write(w io.Writer, set slo.Set) ([]slo.Warning, error) { return pyrra.Write(w, set, "monitoring") }

func TestPyrraDocument(t *testing.T) {
	slotest.CheckWritten(t, "testdata/pyrra.yaml", write,
		"Chat.Interactive.name: Kubernetes allows no such name, so the object is called chat-interactive",
		"Chat.Interactive.alerting.min_requests: Pyrra knows no traffic floor",
		"Chat.Interactive.alerting: Pyrra makes alerts of every severity or none",
	)
}

func TestNamesThatBecomeEqualAreRefused(t *testing.T) {
	if _, err := write(io.Discard, slotest.Twins()); err == nil || !strings.Contains(err.Error(), "another SLO would be called a-b") {
		t.Errorf("got %v", err)
	}
}
