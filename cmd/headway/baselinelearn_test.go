package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
)

// quickStreams is a capture of so many streams of the model m, a minute apart.
func quickStreams(t *testing.T, n int) string {
	t.Helper()
	var text strings.Builder
	for i := range n {
		line, err := json.Marshal(capture.Line{
			V: capture.Version, Start: time.Date(2026, 11, 21, 10, i, 0, 0, time.UTC), Origin: "app", Role: "client", Mode: "explicit", Operation: "chat",
			Model: capture.Model{Request: "m"}, Stream: true, Outcome: "ok", TTFT: .2, TPOT: .02, LastToken: 2, E2E: 2,
			Tokens: capture.Tokens{Input: new(int64(500)), Output: new(int64(100)), Source: "reported"},
		})
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(line, '\n'))
	}
	return written(t, "capture.jsonl", text.String())
}

func TestBaselineLearnMakesCellsOfACapture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "learnt.json")
	code, _, errs := baselineCommand(t, "learn", "--out", file, quickStreams(t, 120))
	for _, want := range []string{
		"cells: 1, of requests: 120, from 2026-11-21 10:00:00 to 2026-11-21 11:59:00; left out, too few alike: 0, without counts: 0, failed: 0",
		"these are 2 hours, and not 24: other hours of the day may be slower",
	} {
		if code != exitOK || !strings.Contains(errs, want) {
			t.Errorf("exit code %d: %s; want %q", code, errs, want)
		}
	}
	if _, table, _ := baselineCommand(t, "show", file); !strings.Contains(table, "m/in500/out100/c1") || !strings.Contains(table, "! learned") {
		t.Errorf("%s", table)
	}
}

func TestBaselineLearnNeedsEnough(t *testing.T) {
	code, out, errs := baselineCommand(t, "learn", quickStreams(t, 12))
	if code == exitOK || out != "" || !strings.Contains(errs, "there are too few alike: 12, without counts: 0, failed: 0") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}
