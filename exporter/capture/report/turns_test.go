package report_test

import (
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/report"
)

func TestReportCountsTurns(t *testing.T) {
	s := report.NewSummarizer(report.ByModel, nil)
	alone := capture.Line{
		Origin: "app", Role: "client", Mode: "explicit", Dialect: "openai-chat", Operation: "chat", Outcome: "ok", E2E: 3, Model: capture.Model{Request: "m"},
		Turn: &capture.Turn{ID: "1", Session: "1", Call: 1, Outcome: "answered", Alone: true},
	}
	s.Add(alone)
	part := alone
	part.Turn = &capture.Turn{ID: "2", Session: "2", Call: 1}
	s.Add(part)
	s.Add(part)
	for _, outcome := range []string{"answered", "abandoned"} {
		s.Add(capture.Line{Kind: capture.KindTurn, Whole: &capture.Whole{
			Outcome: outcome, Calls: 4, ToolCalls: 3, All: 9, ModelTime: 5, ToolTime: 4, Human: 60, Operation: "chat", Model: capture.Model{Request: "m"},
		}})
	}
	summary := s.Summary()
	got := summary.All.Turns
	if got == nil || got.Turns != 2 || got.Answered != 1 || got.Calls != 8 || got.ToolCalls != 6 || got.All.Count != 1 || got.All.Mean != 9 || got.Human.Count != 2 {
		t.Errorf("%+v", got)
	}
	if in := summary.Groups[0].Turns; in == nil || in.Turns != 2 {
		t.Errorf("of the model: %+v", in)
	}
	var table strings.Builder
	if err := summary.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Turns of agents", "Calls per turn", "Tool time of a turn", "abandoned"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in\n%s", want, table.String())
		}
	}
}

func TestReportWithoutAgentsHasNoTurns(t *testing.T) {
	s := report.NewSummarizer(report.ByNothing, nil)
	s.Add(capture.Line{Origin: "app", Outcome: "ok", Dialect: "openai-chat", Turn: &capture.Turn{Outcome: "answered", Alone: true}})
	if got := s.Summary().All.Turns; got != nil {
		t.Errorf("%+v", got)
	}
}
