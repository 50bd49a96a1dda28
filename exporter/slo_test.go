package exporter_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// slos lists two SLOs. The second limits nothing but errors.
func slos() []exporter.SLO {
	return []exporter.SLO{
		{
			Name: "interactive", Objective: .99, Timed: 10, OnTime: 8,
			Limits: []exporter.Limit{{exchange.TTFT, 500 * ms}, {exchange.ITLP99, 200 * ms}, {exchange.E2E, 20480 * ms}},
		},
		{Name: "available", Objective: .999},
	}
}

func judged() []exchange.Verdict {
	return []exchange.Verdict{
		{SLO: "interactive", Missed: exchange.Misses(0).With(exchange.TTFT).With(exchange.E2E)},
		{SLO: "available", Good: true},
	}
}

func TestInstrumentsDrawVerdicts(t *testing.T) {
	record := with(func(r *exchange.Record) { r.Verdicts = judged() })
	for _, tt := range []struct {
		instrument string
		want       []sample
	}{
		{"headway.slo.requests", []sample{one(1, "interactive", "bad", "ttft"), one(1, "available", "good", "none")}},
		{"headway.slo.missed", []sample{one(1, "interactive", "ttft"), one(1, "interactive", "e2e")}},
		{"headway.slo.tokens", []sample{one(12, "interactive", "bad"), one(12, "available", "good")}},
	} {
		in := instrument(t, tt.instrument)
		checkDraws(t, in, record, tt.want)
		// A chain that was closed late carries its verdicts itself. Any other chain was judged with its last attempt.
		checkDrawsOfChain(t, in, exchange.Chain{Late: true, Verdicts: judged(), Last: streamed()}, tt.want)
		checkDrawsOfChain(t, in, exchange.Chain{Last: record}, nil)
	}
}

func TestSeriesOfAnSLOBeginTogether(t *testing.T) {
	live := exporter.Live{SLOs: slos}
	for _, tt := range []struct {
		instrument string
		of         exporter.Extra
		want       []exporter.Extra
	}{
		{
			"headway.slo.requests", exporter.Extra{"interactive", "bad", "ttft"},
			[]exporter.Extra{
				{"interactive", "good", "none"}, {"interactive", "bad", "error"}, {"interactive", "bad", "ttft"},
				{"interactive", "bad", "itl_p99"}, {"interactive", "bad", "e2e"},
			},
		},
		{
			"headway.slo.requests", exporter.Extra{"available", "good", "none"},
			[]exporter.Extra{{"available", "good", "none"}, {"available", "bad", "error"}},
		},
		{"headway.slo.missed", exporter.Extra{"available", "error"}, []exporter.Extra{{"available", "error"}}},
		{"headway.slo.tokens", exporter.Extra{"available", "good"}, []exporter.Extra{{"available", "good"}, {"available", "bad"}}},
	} {
		if got := instrument(t, tt.instrument).Together(&live, tt.of); !slices.Equal(got, tt.want) {
			t.Errorf("%s with %q: %q, want %q", tt.instrument, tt.of, got, tt.want)
		}
	}
}

func TestLevelsOfSLOs(t *testing.T) {
	live := exporter.Live{SLOs: slos}
	for name, want := range map[string]map[string]float64{
		"headway.slo.objective":      {"interactive": .99, "available": .999},
		"headway.slo.threshold":      {"interactive ttft": .5, "interactive itl_p99": .2, "interactive e2e": 20.48},
		"headway.slo.tokens_timed":   {"interactive": 10, "available": 0},
		"headway.slo.tokens_on_time": {"interactive": 8, "available": 0},
	} {
		if got := levels(t, name, &live); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestEveryLimitIsABoundOfWhatItLimits(t *testing.T) {
	edges := exporter.Edges{
		{exchange.TTFT, 430 * ms}, {exchange.TPOT, 41 * ms}, {exchange.ITLP50, 42 * ms}, {exchange.ITLP90, 43 * ms},
		{exchange.ITLP99, 44 * ms}, {exchange.Stall, 450 * ms}, {exchange.E2E, 11 * time.Second},
		{exchange.TTFA, 480 * ms},
		{exchange.TTFTPerInputToken, 460 * ms}, {exchange.E2EPerOutputToken, 470 * ms}, {exchange.Silence, 490 * ms}, // which no histogram shows
	}
	want := map[string][]float64{
		"gen_ai.client.operation.time_to_first_chunk": {.43},
		"gen_ai.server.time_to_first_token":           {.43},
		"headway.chain.time_to_first_token":           {.43},
		"headway.time_to_first_answer":                {.48},
		"gen_ai.server.time_per_output_token":         {.041},
		"headway.time_per_output_token":               {.041},
		"headway.inter_token_latency":                 {.042, .043, .044},
		"headway.stall":                               {.45},
		"gen_ai.client.operation.duration":            {11},
		"gen_ai.server.request.duration":              {11},
		"headway.chain.duration":                      {11},
		"headway.turn":                                {11},
	}
	for _, in := range exporter.Table(exporter.V141) {
		edged := in.WithEdges(edges)
		if !slices.IsSorted(edged.Bounds) {
			t.Errorf("%s: bounds %v do not ascend", in.Name, edged.Bounds)
		}
		added := slices.DeleteFunc(slices.Clone(edged.Bounds), func(b float64) bool { return slices.Contains(in.Bounds, b) })
		if !slices.Equal(added, want[in.Name]) {
			t.Errorf("%s gains the bounds %v, want %v", in.Name, added, want[in.Name])
		}
	}
}

func TestALimitThatIsABoundAddsNone(t *testing.T) {
	in := instrument(t, "gen_ai.client.operation.duration")
	edged := in.WithEdges(exporter.Edges{{exchange.E2E, 20480 * ms}, {exchange.E2E, 327680 * ms}, {exchange.E2E, 10 * ms}})
	if !slices.Equal(edged.Bounds, in.Bounds) {
		t.Errorf("bounds %v, want %v", edged.Bounds, in.Bounds)
	}
}
