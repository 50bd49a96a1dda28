package spans_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// parting observes attempts, of which one may wait for its chain at a time, and then the
// end of the chain. It returns the spans of the chain by itself, and of its attempts.
func parting(t *testing.T, c exchange.Chain, records ...exchange.Record) (chains, attempts []span) {
	t.Helper()
	var r receiver
	b := spans.New(spans.Config{Send: r.send, Linger: time.Hour, MaxHeld: 1})
	for i := range records {
		b.Observe(records[i])
	}
	other := failed()
	other.Attempt.Chain = 1
	b.Observe(other) // takes the only place
	b.ObserveChain(c)
	b.Close()
	for _, s := range readAll(r.received(t)) {
		switch {
		case s.attrs["headway.chain.id"] != "0000000000009f2c":
		case s.attrs["headway.chain.attempts"] != nil:
			chains = append(chains, s)
		default:
			attempts = append(attempts, s)
		}
	}
	return chains, attempts
}

// Attempts that had to make room are written without their chain. When the chain is over,
// its span has the outcome and the verdicts on it.
func TestAChainWhoseAttemptsMadeRoomHasASpan(t *testing.T) {
	exhausted := func(attempts int, last exchange.Record) exchange.Chain {
		return exchange.Chain{
			ID: chainNumber, Outcome: exchange.Exhausted, Start: start(), Attempts: attempts, E2E: 600 * time.Millisecond, Late: true, Last: last,
			Verdicts: []exchange.Verdict{{SLO: "call", Chain: true, Missed: exchange.Misses(0).With(exchange.Error)}},
		}
	}
	second := failed()
	second.Start = second.Start.Add(500 * time.Millisecond)
	second.Span.ID, second.Attempt.Number = exchange.SpanID{8}, 2
	for _, tt := range []struct {
		name    string
		records []exchange.Record
		end     time.Duration
	}{
		{"the only one", []exchange.Record{failed()}, 100 * time.Millisecond},
		{"two", []exchange.Record{failed(), second}, 600 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			last := tt.records[len(tt.records)-1]
			c := exhausted(len(tt.records), last)
			c.E2E = tt.end
			chains, attempts := parting(t, c, tt.records...)
			if len(chains) != 1 || len(attempts) != len(tt.records) {
				t.Fatalf("%d spans of the chain and %d of attempts, want 1 and %d", len(chains), len(attempts), len(tt.records))
			}
			got, first := chains[0], attempts[0]
			if got.name != "chat gpt-4o-mini" || got.status != "Error: refused" || got.start != 0 || got.end != tt.end {
				t.Errorf("%s, %s, from %v to %v; want chat gpt-4o-mini, Error: refused, from 0 to %v", got.name, got.status, got.start, got.end, tt.end)
			}
			if missed, _ := got.attrs["headway.slo.missed"].([]any); !slices.Equal(missed, []any{"call:error"}) || got.attrs["headway.chain.outcome"] != "exhausted" {
				t.Errorf("%v, want the outcome exhausted and call:error", got.attrs)
			}
			if got.trace != first.trace || got.parent != first.parent || !slices.Equal(got.links, []string{first.trace + "/" + first.id}) {
				t.Errorf("in trace %s below %q with links %q; want those of the first attempt, %s, %q, and a link to %s", got.trace, got.parent, got.links, first.trace, first.parent, first.id)
			}
		})
	}
}

// An attempt that ends after its chain stands below the chain's span, also if that had to
// do with attempts that were gone.
func TestAnAttemptAfterItsChainStandsBelowIt(t *testing.T) {
	var r receiver
	b := spans.New(spans.Config{Send: r.send, Linger: time.Hour, MaxHeld: 1})
	b.Observe(failed())
	other := failed()
	other.Attempt.Chain = 1
	b.Observe(other)
	b.ObserveChain(recovered())
	b.Observe(retried())
	b.Close()
	all := readAll(r.received(t))
	find := func(is func(span) bool) span { return all[slices.IndexFunc(all, is)] }
	chain := find(func(s span) bool { return s.attrs["headway.chain.attempts"] != nil })
	late := find(func(s span) bool { return s.attrs["headway.chain.attempt"] == int64(2) })
	if late.parent != chain.id || chain.end != 751*time.Millisecond {
		t.Errorf("below %q, want %q; which ended at %v, want 751ms", late.parent, chain.id, chain.end)
	}
}

// However many chains are cut short, headway remembers the last of them only.
func TestChainsWhoseAttemptsMadeRoomAreBounded(t *testing.T) {
	var r receiver
	b := spans.New(spans.Config{Send: r.send, Linger: time.Hour, MaxHeld: 1, MaxWaiting: 1 << 20})
	const n, remembered = 3000, 1024
	for i := range n + 1 { // the last one is held
		a := failed()
		a.Attempt.Chain = exchange.ChainID(i + 1)
		b.Observe(a)
	}
	for i := range n {
		b.ObserveChain(exchange.Chain{ID: exchange.ChainID(i + 1), Outcome: exchange.Exhausted, Attempts: 1, Late: true})
	}
	b.Close()
	ended := 0
	for _, s := range readAll(r.received(t)) {
		if s.attrs["headway.chain.attempts"] == nil {
			continue
		}
		ended++
		if id := s.attrs["headway.chain.id"].(string); strings.Compare(id, "00000000000007b8") < 0 { // 3000 - 1024
			t.Fatalf("chain %s has a span, one of the first %d", id, n-remembered)
		}
	}
	if ended != remembered {
		t.Errorf("%d chains have a span, want the last %d", ended, remembered)
	}
}
