package spans_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// ofTurn is a sampled exchange of a turn, with a span of its own.
func ofTurn(id byte, kept bool) exchange.Record {
	r := exchangetest.Stream(4)
	r.Attempt = exchange.Attempt{Chain: exchange.ChainID(id), Number: 1, Outcome: exchange.FirstTry}
	r.Span = exchange.Span{Trace: exchange.TraceID{7}, ID: exchange.SpanID{id}}
	r.Turn = exchange.Turn{Session: 11, ID: 12, Call: int(id), Parent: exchange.SpanID{99}}
	r.Sampling = exchange.Sampling{Kept: kept, Reason: "ratio"}
	return r
}

func wholeTurn() exchange.WholeTurn {
	t := exchangetest.Turn(exchangetest.Stream(4))
	t.Span = exchange.Span{Trace: exchange.TraceID{7}, ID: exchange.SpanID{99}}
	t.Verdicts = []exchange.Verdict{{SLO: "agents", Missed: exchange.Misses(0).With(exchange.E2E)}}
	return t
}

func TestTurnIsTheParentOfItsExchanges(t *testing.T) {
	all := built(t, spans.Config{}, func(b *spans.Builder) {
		b.Observe(ofTurn(1, true))
		b.Observe(ofTurn(2, false))
		b.Observe(ofTurn(3, true))
		b.ObserveTurn(wholeTurn())
	})
	if len(all) != 3 {
		t.Fatalf("%d spans", len(all))
	}
	turn := read(all[2])
	for i, s := range all[:2] {
		got := read(s)
		if got.parent != turn.id || got.trace != turn.trace || got.attrs["headway.turn.id"] != "000000000000000c" || got.attrs["headway.session.id"] != "000000000000000b" {
			t.Errorf("exchange %d: %+v", i, got)
		}
	}
	if turn.parent != "" || turn.kind != ptrace.SpanKindInternal || turn.name != "turn gpt-4o-mini" || turn.end-turn.start != 9*time.Second {
		t.Errorf("%+v", turn)
	}
	for key, want := range map[string]any{
		"headway.turn.outcome": "answered", "headway.turn.calls": int64(3), "headway.turn.tool_calls": int64(2), "headway.turn.model": 5.0,
		"headway.turn.tool": 3.0, "headway.turn.human": 42.0, "headway.turn.time_to_first_answer": 7.5, "headway.slo.good": false,
	} {
		if turn.attrs[key] != want {
			t.Errorf("%s is %v, want %v", key, turn.attrs[key], want)
		}
	}
}

func TestTurnWithoutASampledExchangeHasNoSpan(t *testing.T) {
	all := built(t, spans.Config{}, func(b *spans.Builder) {
		b.Observe(ofTurn(1, false))
		b.ObserveTurn(wholeTurn())
	})
	if len(all) != 0 {
		t.Errorf("%d spans", len(all))
	}
}

func TestChainIsBelowItsTurn(t *testing.T) {
	all := built(t, spans.Config{}, func(b *spans.Builder) {
		first, second := ofTurn(1, true), ofTurn(1, true)
		first.Attempt.Outcome, second.Attempt = "", exchange.Attempt{Chain: 1, Number: 2, Outcome: exchange.Recovered}
		second.Span.ID = exchange.SpanID{2}
		b.Observe(first)
		b.Observe(second)
		b.ObserveChain(exchange.Chain{ID: 1, Outcome: exchange.Recovered, Attempts: 2, Last: second})
		b.ObserveTurn(wholeTurn())
	})
	if len(all) != 4 {
		t.Fatalf("%d spans", len(all))
	}
	below := map[string]int{}
	ids := map[string]bool{}
	for _, s := range all {
		got := read(s)
		ids[got.id] = true
		below[got.parent]++
	}
	if below["6300000000000000"] != 1 || below[""] != 1 || len(ids) != 4 {
		t.Errorf("children by parent: %v", below)
	}
}
