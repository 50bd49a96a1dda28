//go:build interop

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

// departureLimit is within which a client that leaves ends the upstream request.
const departureLimit = 50 * time.Millisecond

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

func readCalls(t *testing.T) []call {
	t.Helper()
	text, err := os.ReadFile(driver("calls.json"))
	if err != nil {
		t.Fatal(err)
	}
	var calls []call
	if err := json.Unmarshal(text, &calls); err != nil {
		t.Fatal(err)
	}
	return calls
}
