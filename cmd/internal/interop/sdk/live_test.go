//go:build interop

package sdk_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

// Google's SDK gets the same turns in sessions of Gemini Live directly and through headway,
// and the capture is true. Its SDK for Python makes every address a wss one.
func TestInteropLiveTurnsAreTheSameAndTheCaptureIsTrue(t *testing.T) {
	exe := interop.Build(t)
	sdk := interop.SDK{Name: "node-genai", Command: []string{"node", interop.Driver(t, "node/live.mjs")}}
	direct := sdk.Drive(t, exe.StartSimulator(t).URL)
	sim := exe.StartSimulator(t)
	sidecar := exe.StartSidecar(t, sim.URL)
	through := sdk.Drive(t, sidecar.URL)
	if len(direct) != 8 || len(through) != 8 {
		t.Fatalf("%d answers directly and %d through headway, want 8", len(direct), len(through))
	}
	for i, a := range direct {
		if got, want := interop.InJSON(through[i]), interop.InJSON(a); got != want {
			t.Errorf("directly      %s\nthrough headway %s", want, got)
		}
	}
	truth, lines := sim.Exchanges(t), sidecar.Lines(t)
	if len(truth) != 8 || len(lines) != 8 {
		t.Fatalf("%d exchanges, %d capture lines:\n%+v", len(truth), len(lines), lines)
	}
	// A server that refuses a turn at once does not look for its model.
	model := func(x modelsim.Exchange) string { return cmp.Or(x.Model, "live-refused") }
	slices.SortStableFunc(truth, func(a, b modelsim.Exchange) int { return cmp.Compare(model(a), model(b)) })
	slices.SortStableFunc(lines, func(a, b interop.CaptureLine) int { return cmp.Compare(a.Model.Request, b.Model.Request) })
	outcomes := map[string]int{}
	var off interop.Deviations
	for i := range truth {
		if slices.Equal(truth[i].FinishReasons, []string{"length"}) {
			truth[i].FinishReasons = []string{"stop"} // the API has no word for an answer that reached its limit
		}
		interop.CompareFacts(t, truth[i], lines[i], true)
		off.Compare(t, truth[i], lines[i])
		outcomes[lines[i].Outcome]++
	}
	if got, want := interop.InJSON(outcomes), `{"client_gone":1,"http_error":1,"ok":5,"stream_error":1}`; got != want {
		t.Errorf("outcomes %s, want %s", got, want)
	}
	table, err := off.Judge(&interop.Deviations{})
	t.Logf("capture lines\n%s", table)
	if err != nil {
		t.Error(err)
	}
}
