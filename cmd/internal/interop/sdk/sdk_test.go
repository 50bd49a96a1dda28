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
	checkSDKs(t, interop.OpenAISDKs(t), interop.ReadCalls(t, "calls.json"), sameFields)
}

func TestInteropAnthropicSDKsGetTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	checkSDKs(t, interop.AnthropicSDKs(t), interop.ReadCalls(t, "calls_anthropic.json"), sameFields)
}

// sameFields are the fields of answers that all SDKs of one provider see alike.
var sameFields = []string{"id", "model", "text", "finish_reason", "blocks", "usage", "events"}

// checkSDKs fails the test unless every SDK gets the same answers to its calls directly
// and through headway, all SDKs get the same answers in these fields, and the capture is
// true. flags are those of the simulators.
func checkSDKs(t *testing.T, sdks []interop.SDK, calls []interop.Call, fields []string, flags ...string) {
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
			direct := sdk.Drive(t, exe.StartSimulator(t, flags...).URL)
			sim := exe.StartSimulator(t, flags...)
			sidecar := exe.StartSidecar(t, sim.URL)
			through := sdk.Drive(t, sidecar.URL)
			left := departures(through)
			interop.CompareAnswers(t, sdk.Makes(calls), direct, through)
			if first == nil {
				first = direct
			}
			compareSDKs(t, calls, fields, first, direct)
			truth, lines := readable(sim.Exchanges(t)), sidecar.Lines(t)
			if len(truth) != len(lines) {
				t.Fatalf("%d exchanges, %d capture lines:\n%+v", len(truth), len(lines), lines)
			}
			// The drivers make one call after the other, so lines and exchanges are in
			// the same order, which is that of the calls unless one is tried again.
			made := sdk.Makes(calls)
			for i := range truth {
				call := byModel[lines[i].Model.Request]
				if len(truth) == len(made) {
					call = made[i]
				}
				compareLine(t, sdk, call, truth[i], lines[i])
				off.Compare(t, truth[i], lines[i])
				if x := truth[i]; x.Outcome == modelsim.OutcomeClientGone {
					noticed := time.Unix(0, x.GoneAt).Sub(left[call.Name])
					t.Logf("%s: the upstream noticed after %s", call.Name, noticed)
					if noticed > interop.DepartureLimit {
						t.Errorf("%s: the upstream noticed the client's departure only after %s", call.Name, noticed)
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

// compareLine fails the test unless a capture line says of an exchange all that its API
// tells.
func compareLine(t *testing.T, sdk interop.SDK, call interop.Call, x modelsim.Exchange, line interop.CaptureLine) {
	t.Helper()
	told := sdk.Unasked || call.ToldUsage() && !(sdk.Silent && call.Params.Stream) && !sdk.Terse
	if sdk.Terse {
		x.FinishReasons = nil
	}
	if sdk.HidesPrompt && call.API == "generate" && !call.Params.Stream && line.Tokens.Input == nil {
		line.Tokens.Input = &x.PromptTokens
	}
	interop.CompareFacts(t, x, line, told)
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

// compareSDKs fails the test unless two SDKs got the same answers from the server to the
// calls that both made. It finds a driver that loses an answer both directly and through
// headway.
func compareSDKs(t *testing.T, calls []interop.Call, fields []string, first, other []interop.Answer) {
	t.Helper()
	named := func(answers []interop.Answer, name string) interop.Answer {
		at := slices.IndexFunc(answers, func(a interop.Answer) bool { return a["name"] == name })
		if at < 0 {
			return nil
		}
		return answers[at]
	}
	for _, c := range calls {
		a, b := named(first, c.Name), named(other, c.Name)
		if c.OwnWords || a == nil || b == nil {
			continue
		}
		for _, field := range fields {
			if !reflect.DeepEqual(a[field], b[field]) {
				t.Errorf("%s: the first SDK's %s is %v, this one's %v", c.Name, field, a[field], b[field])
			}
		}
	}
}
