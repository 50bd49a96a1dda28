package exporter_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestInstrumentsDrawFromTurns(t *testing.T) {
	whole := exchange.WholeTurn{
		Outcome: exchange.TurnAnswered, Calls: 3, All: 9 * time.Second, Model: 5 * time.Second, Tool: 4 * time.Second, Human: time.Minute,
		FirstAnswer: 7 * time.Second, Last: streamed(), Verdicts: []exchange.Verdict{{SLO: "agents", Missed: exchange.Misses(0).With(exchange.E2E)}},
	}
	first := exchange.WholeTurn{Outcome: exchange.TurnFailed, Calls: 1, All: time.Second, Model: time.Second, Last: streamed()}
	for _, tt := range []struct {
		name, instrument string
		in               exchange.WholeTurn
		want             []sample
	}{
		{"how it ended", "headway.turns", whole, []sample{one(1, "answered")}},
		{"its time in parts", "headway.turn", whole, []sample{one(9, "all", "answered"), one(5, "model", "answered"), one(4, "tool", "answered"), one(60, "human", "answered")}},
		{"no tools, and no turn before", "headway.turn", first, []sample{one(1, "all", "failed"), one(1, "model", "failed")}},
		{"the answer", "headway.turn.time_to_first_answer", whole, []sample{one(7)}},
		{"no answer", "headway.turn.time_to_first_answer", first, nil},
		{"calls", "headway.turn.calls", whole, []sample{one(3)}},
		{"a verdict", "headway.slo.requests", whole, []sample{one(1, "agents", "bad", "e2e")}},
		{"a miss", "headway.slo.missed", whole, []sample{one(1, "agents", "e2e")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var reading exporter.TurnReading
			var got exporter.Samples
			reading.Fill(tt.in, exporter.NewNames(1, 64))
			instrument(t, tt.instrument).DrawTurn(&reading, &got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("draws %v, want %v", got, tt.want)
			}
		})
	}
}
