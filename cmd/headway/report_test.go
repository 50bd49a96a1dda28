package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter/capture/report"
)

const captured = `{"v":1,"start":"2026-11-21T10:00:00Z","origin":"app","operation":"chat","model":{"request":"m"},"upstream":"u:1","stream":true,"outcome":"ok","ttft_s":0.2,"tpot_s":0.02,"e2e_s":2,"tokens":{"input":100,"output":50,"source":"reported"}}
{"v":1,"start":"2026-11-21T10:00:02Z","origin":"app","operation":"chat","model":{"request":"m"},"upstream":"u:1","stream":false,"outcome":"refused","e2e_s":2}
`

// testedCell is a baseline with a cell to which the answered exchange of captured belongs.
const testedCell = `{"schema": "headway-baseline/v1", "cells": [{
	"id": "m/in100/out50/c1", "model": "m", "input_tokens": {"mean": 100}, "output_tokens": {"mean": 50},
	"load": {"kind": "concurrency", "value": 1}, "source": {"tool": "vllm", "file": "run.json"}, "requests": {"ok": 100},
	"indicators": {"e2e": {
		"definition": {"start": "sending", "stop": "end_of_body", "over": "request", "connect": "new_only", "percentiles": "linear"},
		"count": 100, "quantiles": {"0.5": 2}}}}]}`

func writeCapture(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "capture.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// reportOn runs the command as main does and returns the exit code.
func reportOn(stdout, stderr io.Writer, args ...string) int {
	return dispatch(context.Background(), append([]string{"report"}, args...), stdout, stderr)
}

func TestReportExitsAsItsUsersExpect(t *testing.T) {
	good, other, empty := writeCapture(t, captured), writeCapture(t, captured), writeCapture(t, "")
	alias := good + ".alias"
	if err := os.Symlink(good, alias); err != nil {
		t.Fatal(err)
	}
	broken := writeCapture(t, captured+"{\n"+captured)
	tested, foreign := writeCapture(t, testedCell), writeCapture(t, strings.ReplaceAll(testedCell, `"m"`, `"n"`))
	tunnels := writeCapture(t, `{"v":1,"start":"2026-11-21T10:00:00Z","origin":"app","mode":"upgraded","operation":"chat","upstream":"u:1","outcome":"ok","e2e_s":9}`)
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // parts of the output
	}{
		{"a table", []string{good}, 0, "Successful requests:                     1\n", ""},
		{"flags after the file", []string{good, "--goodput", "ttft=500ms"}, 0, "Request goodput (req/s):                 0.25\n", ""},
		{"several files", []string{good, "--output=table", other}, 0, "Successful requests:                     2\n", ""},
		{"by model", []string{"--by", "model", good}, 0, " m ", ""},
		{"broken lines", []string{broken}, 0, "Successful requests:                     2\n", "lines passed over: 1, the first: line 3"},
		{"help", []string{"-h"}, 0, "usage: headway report", ""},
		{"no file", nil, 2, "", "which capture?"},
		{"a file twice", []string{good, good}, 2, "", "are one file, whose exchanges would count twice"},
		{"a file by two names", []string{good, other, alias}, 2, "", strconv.Quote(good) + " and " + strconv.Quote(alias) + " are one file"},
		{"standard input twice", []string{"-", "-"}, 2, "", `"-" and "-" are both standard input, which can be read once; name a file for one of them`},
		{"standard input by another name", []string{"-", "/dev/stdin"}, 2, "", `"-" and "/dev/stdin" are both standard input`},
		{"a capture and its baseline from standard input", []string{"-", "--baseline", "-"}, 2, "", `"-" is capture and baseline at once`},
		{"a slip in a division", []string{"--by", "modek", good}, 2, "", `--by "modek": want model, upstream or operation; did you mean model?`},
		{"a slip in an output", []string{"--output", "jsn", good}, 2, "", `--output "jsn": want table or json; did you mean json?`},
		{"a limit without a unit", []string{"--goodput", "ttft=500", good}, 2, "", "500 has no unit; write 500ms"},
		{"an unknown flag", []string{"--nope", good}, 2, "", "nope"},
		{"every problem at once", []string{"--by", "day", "--output", "xml", "--goodput", "x=1", good}, 2, "", "--goodput: objective \"x=1\""},
		{"a missing file", []string{good + ".missing"}, 1, "", "no such file"},
		{"the goodput over each limit", []string{"--limits", good}, 0, "Limit that 99 % met           200ms (200ms to ?)", ""},
		{"the timeouts of clients", []string{good, "--timeouts"}, 0, "Recommended: nothing, because ", ""},
		{"limits by upstream", []string{good, "--limits", "--by", "upstream"}, 0, " u:1, streams ", ""},
		{"limits and timeouts as JSON", []string{good, "--limits", "--timeouts", "--output", "json"}, 0, `"timeouts": {`, ""},
		{"one limit beside all", []string{"--limits", "--goodput", "ttft=1s", good}, 2, "", "--goodput has no place beside --limits and --timeouts"},
		{"limits of an empty file", []string{"--limits", empty}, 1, "", "there is no exchange in the capture"},
		{"limits of broken lines", []string{"--limits", broken}, 0, "Calls:", "headway report: " + broken + ": lines passed over: 1, the first: line 3"},
		{"beside a load test", []string{good, "--baseline", tested}, 0, "m/in100/out50/c1  1 ", ""},
		{"beside a load test, as JSON", []string{good, "--baseline", tested, "--output", "json"}, 0, `"compared": 1,`, ""},
		{"beside a load test of another model", []string{good, "--baseline", foreign}, 1, "", `no captured request is of a model of the baseline: the capture has "m", the baseline has "n"`},
		{"beside a load test that has another name for the model", []string{good, "--baseline", foreign, "--model", "m=n"}, 0, "Answered requests that belong to a cell: 1 of 1.", ""},
		{"a name that the baseline has not", []string{good, "--baseline", foreign, "--model", "m=o"}, 2, "", `--model "m=o": the baseline has no model "o"; it has "n"`},
		{"a name that the capture has not", []string{good, "--baseline", foreign, "--model", "m=n", "--model", "x=n"}, 1, "", `--model "x=n": no captured request is of the model "x"`},
		{"a name without another", []string{good, "--baseline", foreign, "--model", "m"}, 2, "", "want the name in the capture, = and the name in the baseline"},
		{"two names for one model", []string{good, "--baseline", foreign, "--model", "m=n", "--model", "m=o"}, 2, "", `"m" is "n" already`},
		{"another name without a baseline", []string{good, "--model", "m=n"}, 2, "", "--model says which model of a baseline is meant, so it needs --baseline"},
		{"beside no baseline", []string{good, "--baseline", tunnels}, 2, "", `schema: ""; want "headway-baseline/v1"`},
		{"beside itself", []string{good, "--baseline", good}, 2, "", "is capture and baseline at once"},
		{"a baseline beside other tables", []string{good, "--baseline", tested, "--limits", "--by", "model"}, 2, "", "--by has no place beside --baseline: the cells divide the requests"},
		{"an empty file beside a load test", []string{empty, "--baseline", tested}, 1, "", "there is no exchange in the capture"},
		{"tunnels alone", []string{tunnels}, 0, "Left out, connections that headway could not read: 1.\n", ""},
		{"an empty file", []string{empty}, 1, "", "there is no exchange in the capture; headway writes an exchange up to a second after its end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := reportOn(&stdout, &stderr, tt.args...); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(stdout.String(), tt.stdout) || (tt.stdout == "" && stdout.Len() > 0) {
				t.Errorf("stdout lacks %q:\n%s", tt.stdout, &stdout)
			}
			if !strings.Contains(stderr.String(), tt.stderr) || (tt.stderr == "" && stderr.Len() > 0) {
				t.Errorf("stderr lacks %q:\n%s", tt.stderr, &stderr)
			}
		})
	}
	var stderr bytes.Buffer
	reportOn(&bytes.Buffer{}, &stderr, "--by", "day", "--output", "xml", good)
	if !strings.Contains(stderr.String(), `--by "day"`) || !strings.Contains(stderr.String(), `--output "xml"`) {
		t.Errorf("not every mistake is named:\n%s", &stderr)
	}
}

func TestReportAsJSONIsASummary(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := reportOn(&stdout, &stderr, "--output", "json", writeCapture(t, captured)); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	var got report.Summary
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.All.Exchanges != 2 || got.All.Successful != 1 || *got.Duration != 4 {
		t.Errorf("%+v", got)
	}
}
