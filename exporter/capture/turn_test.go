package capture_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// The Writer writes no line for a turn of one call, however it ended.
func TestWriterWritesTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "capture.jsonl")
	w, err := capture.NewWriter(capture.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	alone := chat()
	alone.Turn = exchange.Turn{Session: 3, ID: 4, Call: 1, Outcome: exchange.TurnAnswered, Alone: true}
	w.Observe(alone)
	w.ObserveTurn(exchange.WholeTurn{ID: 4, Session: 3, Number: 1, Attempts: 1, Calls: 1, Outcome: exchange.TurnAnswered, Last: alone})
	w.ObserveTurn(exchange.WholeTurn{ID: 5, Session: 3, Number: 2, Attempts: 2, Calls: 1, Outcome: exchange.TurnFailed, Last: alone})
	joined := chat()
	joined.Turn = exchange.Turn{Session: 11, ID: 12, Call: 3, JoinedBy: "tool_call_id", Outcome: exchange.TurnAnswered}
	whole := exchangetest.Turn(joined)
	whole.Verdicts = []exchange.Verdict{{SLO: "agents", Missed: exchange.Misses(0).With(exchange.E2E)}}
	w.Observe(joined)
	w.ObserveTurn(whole)
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var lines []capture.Line
	for line, err := range capture.Read(file) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 3 || !lines[0].Turn.Alone || lines[1].Turn.JoinedBy != "tool_call_id" || lines[2].Kind != capture.KindTurn {
		t.Fatalf("%+v", lines)
	}
	want := capture.NewTurnLine(whole).Whole
	if !reflect.DeepEqual(*lines[2].Whole, want) {
		t.Errorf("read %+v, wrote %+v", *lines[2].Whole, want)
	}
	if want.All != 9 || want.ModelTime != 5 || want.ToolTime != 3 || want.Slept != 1 || want.Human != 42 || want.FirstAnswer != 7.5 || want.SLO["agents"].Verdict != "bad" {
		t.Errorf("%+v", want)
	}
}

// A reader that knows no turns must not mistake the line for an exchange.
func TestLineOfATurnIsNoExchange(t *testing.T) {
	text, err := json.Marshal(capture.NewTurnLine(exchangetest.Turn(chat())))
	if err != nil {
		t.Fatal(err)
	}
	var former struct {
		Operation, Outcome string
		E2E                float64 `json:"e2e_s"`
	}
	if err := json.Unmarshal(text, &former); err != nil || former.Operation != "" || former.E2E != 0 || former.Outcome != "" {
		t.Errorf("%+v, %v", former, err)
	}
}
