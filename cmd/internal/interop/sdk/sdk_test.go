//go:build interop

// The tests with the tag interop run the built program against real parts of other
// projects. `.ci/interop/install` installs the parts; `make interop` runs all these
// tests.

package sdk_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/cmd/internal/interop"
	"github.com/headway-sidecar/headway/probe/modelsim"
)

func TestInteropSDKsGetTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	checkSDKs(t, interop.OpenAISDKs(t), interop.ReadCalls(t, "calls.json"))
}

func TestInteropAnthropicSDKsGetTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	checkSDKs(t, interop.AnthropicSDKs(t), interop.ReadCalls(t, "calls_anthropic.json"))
}

// checkSDKs fails the test unless every SDK gets the same answers to all calls directly
// and through headway, all SDKs get the same answers, and the capture is true.
func checkSDKs(t *testing.T, sdks []interop.SDK, calls []interop.Call) {
	t.Helper()
	exe := interop.Build(t)
	byModel := map[string]interop.Call{}
	for _, c := range calls {
		byModel[c.Params.Model] = c
	}
	var off interop.Deviations
	var first []interop.Answer
	for _, sdk := range sdks {
		t.Run(sdk.Name, func(t *testing.T) {
			direct := sdk.Drive(t, exe.StartSimulator(t).URL)
			sim := exe.StartSimulator(t)
			sidecar := exe.StartSidecar(t, sim.URL)
			through := sdk.Drive(t, sidecar.URL)
			left := departures(through)
			interop.CompareAnswers(t, calls, direct, through)
			if first == nil {
				first = direct
			}
			compareSDKs(t, first, direct)
			truth, lines := readable(sim.Exchanges(t)), sidecar.Lines(t)
			if len(truth) != len(lines) {
				t.Fatalf("%d exchanges, %d capture lines:\n%+v", len(truth), len(lines), lines)
			}
			// The drivers make one call after the other, so lines and exchanges are in
			// the same order.
			for i := range truth {
				interop.CompareFacts(t, truth[i], lines[i], byModel[lines[i].Model.Request].ToldUsage())
				off.Compare(t, truth[i], lines[i])
				if x := truth[i]; x.Outcome == modelsim.OutcomeClientGone {
					noticed := time.Unix(0, x.GoneAt).Sub(left[lines[i].Model.Request])
					t.Logf("%s: the upstream noticed after %s", lines[i].Model.Request, noticed)
					if noticed > interop.DepartureLimit {
						t.Errorf("%s: the upstream noticed the client's departure only after %s", lines[i].Model.Request, noticed)
					}
				}
			}
		})
	}
	table, err := off.Judge(&interop.Deviations{})
	t.Logf("capture lines of all SDKs\n%s", table)
	if err != nil {
		t.Error(err)
	}
}

// readable returns the exchanges that have a dialect. It leaves out requests that count
// tokens.
func readable(all []modelsim.Exchange) []modelsim.Exchange {
	return slices.DeleteFunc(all, func(x modelsim.Exchange) bool { return x.Dialect == "" })
}

// departures returns the times at which clients left before the end, by call.
func departures(answers []interop.Answer) map[string]time.Time {
	left := map[string]time.Time{}
	for _, a := range answers {
		if ms, ok := a["left_ms"].(float64); ok {
			left[a["name"].(string)] = time.UnixMicro(int64(ms * 1000))
		}
	}
	return left
}

// compareSDKs fails the test unless two SDKs got the same answers from the server. It
// finds a driver that loses an answer both directly and through headway.
func compareSDKs(t *testing.T, first, other []interop.Answer) {
	t.Helper()
	for i, a := range first {
		for _, field := range []string{"id", "model", "text", "finish_reason", "blocks", "usage", "events"} {
			if b := other[i]; !reflect.DeepEqual(a[field], b[field]) {
				t.Errorf("%s: the first SDK's %s is %v, this one's %v", a["name"], field, a[field], b[field])
			}
		}
	}
}
