package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"reflect"
	"testing"
	"time"
)

// SDK is an official SDK with the script that makes the calls of a list.
type SDK struct {
	Name    string
	Command []string
	Path    string   // of its base URL
	APIs    []string // of the calls that it makes; nil: all of the list
	Silent  bool     // its streams tell no usage
	Unasked bool     // its API tells the usage of streams without being asked
	Terse   bool     // its API tells neither usage nor why an answer ends
	// HidesPrompt says that whole answers of its API generate do not tell the length of the
	// prompt.
	HidesPrompt bool
}

// OpenAISDKs are the SDKs that make the calls of calls.json.
func OpenAISDKs(t *testing.T) []SDK {
	t.Helper()
	python := Tool(t, "python/bin/python")
	return []SDK{
		{Name: "node", Command: []string{"node", Driver(t, "node/drive.mjs")}, Path: "/v1"},
		{Name: "python", Command: []string{python, Driver(t, "python/drive.py")}, Path: "/v1"},
		{Name: "python async", Command: []string{python, Driver(t, "python/drive.py"), "--async"}, Path: "/v1"},
	}
}

// AnthropicSDKs are the SDKs that make the calls of calls_anthropic.json.
func AnthropicSDKs(t *testing.T) []SDK {
	t.Helper()
	python := Tool(t, "python/bin/python")
	return []SDK{
		{Name: "node", Command: []string{"node", Driver(t, "node/drive.mjs"), "--anthropic"}},
		{Name: "python", Command: []string{python, Driver(t, "python/drive.py"), "--anthropic"}},
		{Name: "python async", Command: []string{python, Driver(t, "python/drive.py"), "--anthropic", "--async"}},
	}
}

// Call is the part of an entry of a list of calls that the tests read.
type Call struct {
	Name   string `json:"name"`
	API    string `json:"api"`
	Helper bool   `json:"helper"` // the SDK streams by itself
	Fails  bool   `json:"fails"`  // the application must get an error
	// OwnWords says that answers differ from client to client: each has its own words for
	// an error, and its own way to show what came before.
	OwnWords bool `json:"own_words"`
	Params   struct {
		Model   string `json:"model"`
		Stream  bool   `json:"stream"`
		Options struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	} `json:"params"`
}

// ToldUsage says whether the server reports usage in the answer to this call.
func (c Call) ToldUsage() bool {
	streams := c.Params.Stream || c.Helper
	return !streams || c.Params.Options.IncludeUsage || c.API == "responses" || c.API == "messages"
}

// DepartureLimit is the longest time that may pass from the departure of a client until
// its upstream notices.
const DepartureLimit = 50 * time.Millisecond

// Answer is the result of one call for the application, as a driver prints it.
type Answer map[string]any

// Drive runs the script of the SDK, which makes all calls, and returns an answer for
// each.
func (s SDK) Drive(t *testing.T, upstream string) []Answer {
	t.Helper()
	var printed, complaints bytes.Buffer
	command := exec.Command(s.Command[0], append(s.Command[1:], upstream+s.Path)...)
	command.Stdout, command.Stderr = &printed, &complaints
	// A driver that hangs would hang the test, so a timer kills it.
	patience := time.AfterFunc(2*time.Minute, func() { _ = command.Process.Kill() })
	defer patience.Stop()
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", s.Name, err, printed.Bytes(), complaints.Bytes())
	}
	// Errors of some SDKs name the address.
	return DecodeLines[Answer](t, bytes.ReplaceAll(printed.Bytes(), []byte(upstream), []byte("http://upstream")))
}

// CompareAnswers fails the test unless applications got the same answer directly and
// through headway to each call, and an error to exactly those calls that must fail.
func CompareAnswers(t *testing.T, calls []Call, direct, through []Answer) {
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

// normal returns the answer without the parts that differ between two runs of one
// server: the time of day, and values that depend on it.
func (a Answer) normal() Answer {
	delete(a, "left_ms")
	headers, _ := a["headers"].(map[string]any)
	for _, name := range []string{"date", "openai-processing-ms", "server-timing", "connection", "keep-alive", "transfer-encoding"} {
		delete(headers, name)
	}
	if headers["content-encoding"] != nil {
		delete(headers, "content-length")
	}
	return a
}

func (a Answer) String() string {
	return InJSON(map[string]any(a))
}

// ReadCalls reads a list of calls, in order.
func ReadCalls(t *testing.T, list string) []Call {
	t.Helper()
	text, err := os.ReadFile(Driver(t, list))
	if err != nil {
		t.Fatal(err)
	}
	var calls []Call
	if err := json.Unmarshal(text, &calls); err != nil {
		t.Fatal(err)
	}
	return calls
}
