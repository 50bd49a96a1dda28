//go:build interop

package sdk_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// OpenAI's SDKs get the same answers in WebSocket sessions directly and through headway, and
// the capture is true.
func TestInteropSessionsGetTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	exe := interop.Build(t)
	var off interop.Deviations
	for _, sdk := range []interop.SDK{
		{Name: "node", Command: []string{"node", interop.Driver(t, "node/sessions.mjs")}, Path: "/v1"},
		{Name: "python", Command: []string{interop.Tool(t, "python-retries/bin/python"), interop.Driver(t, "python/sessions.py")}, Path: "/v1"},
	} {
		t.Run(sdk.Name, func(t *testing.T) {
			direct := sdk.Drive(t, exe.StartSimulator(t).URL)
			sim := exe.StartSimulator(t)
			sidecar := exe.StartSidecar(t, sim.URL)
			through := sdk.Drive(t, sidecar.URL)
			if len(direct) != 8 || len(through) != 8 {
				t.Fatalf("%d answers directly and %d through headway, want 8", len(direct), len(through))
			}
			for i, a := range direct {
				// Lanes run side by side, so that the ids of their answers may change places.
				for _, field := range []string{"name", "text", "events", "status", "usage", "error"} {
					if got, want := interop.InJSON(through[i][field]), interop.InJSON(a[field]); got != want {
						t.Errorf("%s: %s is %s directly and %s through headway", a["name"], field, want, got)
					}
				}
			}
			truth, lines := sim.Exchanges(t), sidecar.Lines(t)
			if len(truth) != 8 || len(lines) != 8 {
				t.Fatalf("%d exchanges, %d capture lines:\n%+v", len(truth), len(lines), lines)
			}
			// The server does not look for the model of a question that it refuses at once.
			model := func(x modelsim.Exchange) string { return cmp.Or(x.Model, "ws-refused") }
			slices.SortFunc(truth, func(a, b modelsim.Exchange) int { return cmp.Compare(model(a), model(b)) })
			slices.SortFunc(lines, func(a, b interop.CaptureLine) int { return cmp.Compare(a.Model.Request, b.Model.Request) })
			for i := range truth {
				interop.CompareFacts(t, truth[i], lines[i], true)
				off.Compare(t, truth[i], lines[i])
			}
		})
	}
	table, err := off.Judge(&interop.Deviations{})
	t.Logf("capture lines of all SDKs\n%s", table)
	if err != nil {
		t.Error(err)
	}
}
