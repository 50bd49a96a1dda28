//go:build interop

// The tests with the tag interop run the built program against real parts that
// other people made. `.ci/interop/install` gets those; `make interop` runs all.

package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/probe/modelsim"
)

// sdk is an official SDK with the script that makes the calls of calls.json.
type sdk struct {
	name    string
	command []string
}

func sdks(t *testing.T) []sdk {
	t.Helper()
	python := tool(t, "python/bin/python")
	return []sdk{
		{"node", []string{"node", driver("node/drive.mjs")}},
		{"python", []string{python, driver("python/drive.py")}},
		{"python async", []string{python, driver("python/drive.py"), "--async"}},
	}
}

func driver(name string) string { return filepath.Join("../../.ci/interop", name) }

// call is what the tests read of an entry of calls.json.
type call struct {
	Name   string `json:"name"`
	API    string `json:"api"`
	Helper bool   `json:"helper"` // the SDK streams by itself
	Fails  bool   `json:"fails"`  // the application is to get an error
	Params struct {
		Model   string `json:"model"`
		Stream  bool   `json:"stream"`
		Options struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	} `json:"params"`
}

// toldUsage says that the server reports usage in the answer to this call.
func (c call) toldUsage() bool {
	streams := c.Params.Stream || c.Helper
	return !streams || c.Params.Options.IncludeUsage || c.API == "responses"
}

func TestInteropSDKsGetTheSameAnswersAndTheCaptureIsTrue(t *testing.T) {
	exe := build(t)
	text, err := os.ReadFile(driver("calls.json"))
	if err != nil {
		t.Fatal(err)
	}
	var calls []call
	if err := json.Unmarshal(text, &calls); err != nil {
		t.Fatal(err)
	}
	byModel := map[string]call{}
	for _, c := range calls {
		byModel[c.Params.Model] = c
	}
	var off deviations
	var first []answer
	for _, sdk := range sdks(t) {
		t.Run(sdk.name, func(t *testing.T) {
			direct := sdk.drive(t, exe.startSimulator(t).url)
			sim := exe.startSimulator(t)
			sidecar := exe.startSidecar(t, sim.url)
			through := sdk.drive(t, sidecar.url)
			left := departures(through)
			compareAnswers(t, calls, direct, through)
			if first == nil {
				first = direct
			}
			compareSDKs(t, first, direct)
			truth, lines := sim.exchanges(t), sidecar.lines(t)
			if len(truth) != len(lines) {
				t.Fatalf("%d exchanges, %d capture lines:\n%+v", len(truth), len(lines), lines)
			}
			// The drivers make one call after the other, so order tells which line is whose.
			for i := range truth {
				compareFacts(t, truth[i], lines[i], byModel[lines[i].Model.Request].toldUsage())
				off.compare(t, truth[i], lines[i])
				if x := truth[i]; x.Outcome == modelsim.OutcomeClientGone {
					noticed := time.Unix(0, x.GoneAt).Sub(left[lines[i].Model.Request])
					t.Logf("%s: the upstream noticed after %s", lines[i].Model.Request, noticed)
					if noticed > departureLimit {
						t.Errorf("%s: the upstream noticed the client's departure only after %s", lines[i].Model.Request, noticed)
					}
				}
			}
		})
	}
	table, err := off.judge(&deviations{})
	t.Logf("capture lines of all SDKs\n%s", table)
	if err != nil {
		t.Error(err)
	}
}

// departureLimit is within which a client that leaves ends the upstream request.
const departureLimit = 50 * time.Millisecond

// departures are the times at which clients left before the end, by call.
func departures(answers []answer) map[string]time.Time {
	left := map[string]time.Time{}
	for _, a := range answers {
		if ms, ok := a["left_ms"].(float64); ok {
			left[a["name"].(string)] = time.UnixMicro(int64(ms * 1000))
		}
	}
	return left
}

// answer is what an application got for one call, as a driver prints it.
type answer map[string]any

// drive makes all calls and returns an answer for each.
func (s sdk) drive(t *testing.T, upstream string) []answer {
	t.Helper()
	var printed, complaints bytes.Buffer
	command := exec.Command(s.command[0], append(s.command[1:], upstream+"/v1")...)
	command.Stdout, command.Stderr = &printed, &complaints
	// A hung driver would hang the test: it is ended by its own pid.
	patience := time.AfterFunc(2*time.Minute, func() { _ = command.Process.Kill() })
	defer patience.Stop()
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", s.name, err, printed.Bytes(), complaints.Bytes())
	}
	return decodeLines[answer](t, printed.Bytes())
}

func compareAnswers(t *testing.T, calls []call, direct, through []answer) {
	t.Helper()
	if len(direct) != len(calls) || len(through) != len(calls) {
		t.Fatalf("%d answers directly and %d through headway to %d calls", len(direct), len(through), len(calls))
	}
	for i, call := range calls {
		want, got := direct[i].normal(), through[i].normal()
		if failed := want["error"] != nil; failed != call.Fails {
			t.Errorf("%s: an error was expected: %t; the server itself answered %s", call.Name, call.Fails, want)
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s:\ndirectly        %s\nthrough headway %s", call.Name, want, got)
		}
	}
}

// compareSDKs fails the test unless two SDKs understood the server alike: a guard
// against a driver that loses an answer on both ways.
func compareSDKs(t *testing.T, first, other []answer) {
	t.Helper()
	for i, a := range first {
		for _, field := range []string{"id", "model", "text", "finish_reason", "usage", "events"} {
			if b := other[i]; !reflect.DeepEqual(a[field], b[field]) {
				t.Errorf("%s: the first SDK's %s is %v, this one's %v", a["name"], field, a[field], b[field])
			}
		}
	}
}

// normal is the answer without what two runs of one server cannot agree on: the
// time of day, and what depends on it.
func (a answer) normal() answer {
	delete(a, "left_ms")
	headers, _ := a["headers"].(map[string]any)
	for _, name := range []string{"date", "openai-processing-ms", "connection", "keep-alive", "transfer-encoding"} {
		delete(headers, name)
	}
	if headers["content-encoding"] != nil {
		delete(headers, "content-length")
	}
	return a
}

func (a answer) String() string {
	return inJSON(map[string]any(a))
}
