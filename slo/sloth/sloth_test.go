package sloth_test

import (
	"io"
	"testing"

	"github.com/headway-sidecar/headway/slo"
	"github.com/headway-sidecar/headway/slo/slotest"
	"github.com/headway-sidecar/headway/slo/sloth"
)

func TestSlothDocument(t *testing.T) {
	write := func(w io.Writer, set slo.Set) ([]slo.Warning, error) { return sloth.Write(w, set, "chat") }
	slotest.CheckWritten(t, "testdata/sloth.yaml", write,
		"Chat.Interactive.window: a Sloth spec has none; run sloth generate with --default-slo-period=672h",
		"Chat.Interactive.alerting.min_requests: Sloth knows no traffic floor",
		"Chat.Interactive.alerting.by: a Sloth SLO is one series",
	)
}
