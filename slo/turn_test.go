package slo_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/slo"
)

const agents = `
slos:
  - name: agents
    judge: turn
    match: {model: "gpt*"}
    objective: 90
    window: 30d
    good: {e2e: 10s, ttfa: 8s}
    exclude: [client_gone]
  - name: calls
    objective: 90
    window: 30d
    good: {e2e: 1s}
`

func TestJudgeHoldsTurnsToTheirLimits(t *testing.T) {
	set, _, err := slo.Parse("slo.yaml", strings.NewReader(agents))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*exchange.WholeTurn)
		want   string // the first objective that was missed; none for a good one, empty for no verdict
	}{
		{"a good one", func(*exchange.WholeTurn) {}, "none"},
		{"too long", func(t *exchange.WholeTurn) { t.All = 11 * time.Second }, "e2e"},
		{"answered too late", func(t *exchange.WholeTurn) { t.FirstAnswer = 9 * time.Second }, "ttfa"},
		{"not streamed", func(t *exchange.WholeTurn) { t.FirstAnswer = 0 }, "none"},
		{"failed", func(t *exchange.WholeTurn) { t.Outcome, t.Last.Outcome = exchange.TurnFailed, exchange.UpstreamCut }, "error"},
		{"abandoned", func(t *exchange.WholeTurn) { t.Outcome, t.All = exchange.TurnAbandoned, time.Hour }, ""},
		{"not seen to its end", func(t *exchange.WholeTurn) { t.Outcome = exchange.TurnUnknown }, ""},
		{"of another model", func(t *exchange.WholeTurn) { t.Last.Model.Request = "other" }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			told := new(exchangetest.Ledger)
			judge := slo.New(slo.Config{Set: set, Next: told})
			of := exchangetest.Turn(exchangetest.Stream(4))
			tt.change(&of)
			judge.ObserveTurn(of)
			got, counted := told.Turns[0].Verdicts, judge.Snapshot(time.Now()).SLOs[0].Goodput[0].Requests
			switch {
			case tt.want == "" && (len(got) > 0 || counted > 0):
				t.Errorf("%+v, %d counted", got, counted)
			case tt.want != "" && (len(got) != 1 || got[0].SLO != "agents" || got[0].Missed.First() != tt.want || counted != 1):
				t.Errorf("%+v, %d counted; want %s", got, counted, tt.want)
			}
		})
	}
}

func TestTurnsAndCallsAreJudgedApart(t *testing.T) {
	set, _, err := slo.Parse("slo.yaml", strings.NewReader(agents))
	if err != nil {
		t.Fatal(err)
	}
	told := new(exchangetest.Ledger)
	judge := slo.New(slo.Config{Set: set, Next: told})
	r := exchangetest.Stream(4)
	judge.Observe(r)
	if got := told.Records[0].Verdicts; len(got) != 1 || got[0].SLO != "calls" {
		t.Errorf("an exchange has %+v", got)
	}
	judge.ObserveTurn(exchangetest.Turn(r))
	if all := judge.Snapshot(time.Now()).SLOs; all[0].Judge != slo.Turn || all[0].Goodput[0].Requests != 1 || all[1].Goodput[0].Requests != 1 {
		t.Errorf("%+v", all)
	}
}

func TestTurnsHaveFewIndicators(t *testing.T) {
	_, _, err := slo.Parse("slo.yaml", strings.NewReader(strings.NewReplacer("ttfa: 8s", "ttft: 8s", `{model: "gpt*"}`, `{input_tokens: ..1000, header: {x-team: a}}`).Replace(agents)))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"good.ttft: a turn has none", "match.header: a turn has no header", "match.input_tokens: a turn has no prompt", "slo.yaml:8"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}
