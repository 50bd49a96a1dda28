package spans_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const chainNumber = 0x9f2c

// failed is the first attempt of a chain, turned away after 100 ms.
func failed() exchange.Record {
	r := plain()
	r.Status, r.Outcome, r.ErrorType, r.FinishReasons, r.Usage = 429, exchange.Refused, "429", nil, exchange.Usage{}
	r.Timing.End, r.Sampling = 100*time.Millisecond, exchange.Sampling{Kept: true, Reason: "error", Weighted: true}
	r.Attempt = exchange.Attempt{Chain: chainNumber, Number: 1}
	return r
}

// retried is the second, answered, 500 ms after the start of the first.
func retried() exchange.Record {
	r := quick()
	r.Start = r.Start.Add(500 * time.Millisecond)
	r.Span.ID = exchange.SpanID{8, 7: 8}
	r.Sampling = exchange.Sampling{Kept: true, Reason: "chain", Weighted: true}
	r.Attempt = exchange.Attempt{
		Chain: chainNumber, Number: 2, JoinedBy: "x-stainless-retry-count", Elapsed: 500 * time.Millisecond, Outcome: exchange.Recovered,
	}
	r.Verdicts = []exchange.Verdict{{SLO: "chat", Good: true, Chain: true}}
	return r
}

func recovered() exchange.Chain {
	return exchange.Chain{
		ID: chainNumber, Outcome: exchange.Recovered, Start: start(), Attempts: 2, JoinedBy: []string{"x-stainless-retry-count"},
		TTFT: 714_040 * time.Microsecond, E2E: 751 * time.Millisecond, Slept: 400 * time.Millisecond, RetryAfterIgnored: 1,
		Waste: []exchange.Waste{{Cause: "429", Attempts: 1, Time: 100 * time.Millisecond, Output: exchange.Known(0)}},
		Last:  retried(),
	}
}

// whole is the span of recovered.
func whole() span {
	return span{
		name: "chat gpt-4o-mini", kind: ptrace.SpanKindClient, trace: ownTrace, flags: 0x101, state: "ot=th:0", end: 751 * time.Millisecond,
		attrs: map[string]any{
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
			"headway.origin": "app", "headway.chain.id": "0000000000009f2c", "headway.chain.outcome": "recovered",
			"headway.chain.attempts": int64(2), "headway.chain.joined_by": []any{"x-stainless-retry-count"},
			"headway.chain.ttft": 0.71404, "headway.chain.slept": 0.4, "headway.chain.retry_after_ignored": int64(1),
			"headway.chain.wasted.time": 0.1, "headway.chain.wasted.output_tokens": int64(0),
			"headway.chain.wasted.causes": []any{"429"}, "headway.chain.wasted.times": []any{0.1},
			"headway.slo.good": true, "headway.sampling.reason": "chain",
		},
	}
}

func chained(t *testing.T, c exchange.Chain, records ...exchange.Record) []span {
	t.Helper()
	return readAll(built(t, spans.Config{}, func(b *spans.Builder) {
		for _, r := range records {
			b.Observe(r)
		}
		b.ObserveChain(c)
	}))
}

func TestAChainIsTheParentOfItsAttempts(t *testing.T) {
	all := chained(t, recovered(), failed(), retried())
	if len(all) != 3 {
		t.Fatalf("%d spans", len(all))
	}
	over := all[0]
	want := whole()
	want.id = over.id
	if !reflect.DeepEqual(over, want) {
		t.Errorf("got  %+v\nwant %+v", over, want)
	}
	for i, got := range all[1:] {
		if got.parent != over.id || got.trace != over.trace || got.flags != 0x101 || got.links != nil {
			t.Errorf("attempt %d is not a child: %+v", i+1, got)
		}
		if got.start < over.start || got.end > over.end {
			t.Errorf("attempt %d is from %v to %v", i+1, got.start, got.end)
		}
		if got.attrs["headway.chain.id"] != "0000000000009f2c" || got.attrs["headway.chain.attempt"] != int64(i+1) || got.attrs["headway.chain.outcome"] != nil {
			t.Errorf("attempt %d: %v", i+1, got.attrs)
		}
		if _, has := got.attrs["headway.slo.good"]; has {
			t.Errorf("attempt %d has the verdict that is the chain's", i+1)
		}
	}
	if all[1].attrs["http.request.resend_count"] != nil || all[2].attrs["http.request.resend_count"] != int64(1) || all[2].attrs["headway.chain.joined_by"] != "x-stainless-retry-count" {
		t.Errorf("attempts are %v and %v", all[1].attrs, all[2].attrs)
	}
}

func TestTokensAreCountedOnAttemptsOnly(t *testing.T) {
	for key := range chained(t, recovered(), failed(), retried())[0].attrs {
		if len(key) > 12 && key[:12] == "gen_ai.usage" {
			t.Error(key)
		}
	}
}

// below is r with the client's context, of the given span.
func below(r exchange.Record, client string) exchange.Record {
	r = traced(r)
	r.Trace.SpanID = client
	return r
}

func TestAChainStandsBetweenItsAttemptsAndTheirClient(t *testing.T) {
	all := chained(t, recovered(), below(failed(), clientSpan), below(retried(), clientSpan))
	if all[0].parent != clientSpan || all[0].trace != clientTrace || all[0].flags != 0x301 {
		t.Errorf("the chain is not below its client: %+v", all[0])
	}
	for _, got := range all[1:] {
		if got.parent != all[0].id || got.flags != 0x101 || got.trace != clientTrace {
			t.Errorf("%+v", got)
		}
	}
}

func TestAttemptsOfDifferentContextsAreLinked(t *testing.T) {
	const other = "1122334455667788"
	own := retried()
	own.Span.Trace, own.Span.Told = exchange.TraceID{5}, true
	for name, c := range map[string]struct {
		first, second exchange.Record
		parents       [3]string
		traces        [3]string
	}{
		"two spans of a client": {below(failed(), clientSpan), below(retried(), other), [3]string{clientSpan, clientSpan, other}, [3]string{clientTrace, clientTrace, clientTrace}},
		"one without a context": {below(failed(), clientSpan), retried(), [3]string{clientSpan, clientSpan, ""}, [3]string{clientTrace, clientTrace, ownTrace}},
		"told as two traces":    {failed(), own, [3]string{}, [3]string{ownTrace, ownTrace, "05000000000000000000000000000000"}},
	} {
		t.Run(name, func(t *testing.T) {
			all := chained(t, recovered(), c.first, c.second)
			if len(all) != 3 {
				t.Fatalf("%d spans", len(all))
			}
			for i, got := range all {
				if got.parent != c.parents[i] || got.trace != c.traces[i] {
					t.Errorf("span %d: parent %q trace %q, want %q %q", i, got.parent, got.trace, c.parents[i], c.traces[i])
				}
				var links []string
				if i > 0 {
					links = []string{all[0].trace + "/" + all[0].id}
				}
				if !reflect.DeepEqual(got.links, links) {
					t.Errorf("span %d: links %v, want %v", i, got.links, links)
				}
			}
		})
	}
}

func TestALateChain(t *testing.T) {
	late := recovered()
	late.Outcome, late.Late, late.Verdicts = exchange.Exhausted, true, []exchange.Verdict{{SLO: "chat", Missed: exchange.Misses(0).With(exchange.Error), Chain: true}}
	t.Run("of one attempt is that attempt", func(t *testing.T) {
		c := late
		c.Attempts, c.Last = 1, failed()
		all := chained(t, c, failed())
		if len(all) != 1 || all[0].id != ownSpan || all[0].attrs["headway.chain.outcome"] != "exhausted" || all[0].attrs["headway.slo.good"] != false {
			t.Errorf("%+v", all)
		}
	})
	t.Run("that failed is an error", func(t *testing.T) {
		c, second := late, failed()
		second.Attempt.Number, second.Span.ID = 2, exchange.SpanID{8}
		c.Last = second
		all := chained(t, c, failed(), second)
		if len(all) != 3 || all[0].status != "Error: refused" || all[0].attrs["error.type"] != "429" {
			t.Errorf("%+v", all)
		}
		if !reflect.DeepEqual(all[0].attrs["headway.slo.missed"], []any{"chat:error"}) {
			t.Errorf("%v", all[0].attrs)
		}
	})
}

// An SLO judges attempts or chains. Its verdict is on the span of the one that it judged.
func TestVerdictsAreOnTheSpanOfWhatWasJudged(t *testing.T) {
	missed := func(slo string, chain bool) exchange.Verdict {
		return exchange.Verdict{SLO: slo, Chain: chain, Missed: exchange.Misses(0).With(exchange.Error)}
	}
	judged := func(r exchange.Record, verdicts ...exchange.Verdict) exchange.Record {
		r.Verdicts = verdicts
		return r
	}
	late := func(attempts int) exchange.Chain {
		c := recovered()
		c.Attempts, c.Outcome, c.Late, c.Verdicts = attempts, exchange.Exhausted, true, []exchange.Verdict{missed("call", true)}
		return c
	}
	single := failed()
	single.Attempt.Outcome = exchange.Exhausted
	second := retried()
	second.Attempt.Outcome = ""
	try := missed("try", false)
	for name, c := range map[string]struct {
		chain   exchange.Chain
		records []exchange.Record
		want    []string // of each span: good, or the misses; empty for no verdict
	}{
		"a single attempt has both": {
			exchange.Chain{ID: chainNumber, Outcome: exchange.Exhausted, Attempts: 1}, []exchange.Record{judged(single, try, missed("call", true))}, []string{"try:error call:error"}},
		"a single attempt whose chain was closed late": {
			late(1), []exchange.Record{judged(failed(), try)}, []string{"try:error call:error"}},
		"a single attempt that was judged late only": {
			late(1), []exchange.Record{failed()}, []string{"call:error"}},
		"attempts and their chain": {
			recovered(), []exchange.Record{judged(failed(), try), judged(retried(), exchange.Verdict{SLO: "try", Good: true}, missed("call", true))},
			[]string{"call:error", "try:error", "good"}},
		"attempts only": {
			recovered(), []exchange.Record{judged(failed(), try), judged(retried(), try)}, []string{"", "try:error", "try:error"}},
		"chains only": {
			recovered(), []exchange.Record{failed(), judged(retried(), missed("call", true))}, []string{"call:error", "", ""}},
		"a chain that was closed late": {
			late(2), []exchange.Record{judged(failed(), try), judged(second, try)}, []string{"call:error", "try:error", "try:error"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range chained(t, c.chain, c.records...) {
				of := ""
				if s.attrs["headway.slo.good"] == true {
					of = "good"
				}
				if list, ok := s.attrs["headway.slo.missed"].([]any); ok {
					of = strings.Trim(fmt.Sprint(list), "[]")
				}
				got = append(got, of)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("verdicts are %q, want %q", got, c.want)
			}
		})
	}
}

func TestAChainOfWhichNothingIsSampledIsNotTraced(t *testing.T) {
	a, b := failed(), retried()
	a.Sampling, b.Sampling = exchange.Sampling{}, exchange.Sampling{}
	if all := chained(t, recovered(), a, b); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestAChainOfWhichOneAttemptIsSampled(t *testing.T) {
	a := failed()
	a.Sampling = exchange.Sampling{}
	all := chained(t, recovered(), a, retried())
	if len(all) != 2 || all[0].start != 0 || all[0].end != 751*time.Millisecond || all[1].parent != all[0].id {
		t.Errorf("%+v", all)
	}
}

func TestHeldAttemptsAreBounded(t *testing.T) {
	var r receiver
	b := spans.New(spans.Config{Send: r.send, Linger: time.Hour, MaxHeld: 3})
	for i := range 5 {
		a := failed()
		a.Attempt.Chain = exchange.ChainID(i + 1)
		a.Span.ID[7] = byte(i + 1)
		b.Observe(a)
	}
	big := failed() // weighs as much as three
	big.Attempt.Chain = 6
	for i := range 1024 {
		big.Chunks.Add(exchange.Chunk{At: time.Duration(i)})
	}
	b.Observe(big)
	b.Flush()
	for i := range 2 { // they were written, and are not held any more
		b.ObserveChain(exchange.Chain{ID: exchange.ChainID(i + 4), Outcome: exchange.Exhausted, Attempts: 1, Late: true})
	}
	var chains []string
	for _, s := range readAll(r.received(t)) {
		if s.parent != "" || s.links != nil {
			t.Errorf("%+v", s)
		}
		if s.attrs["headway.chain.outcome"] != nil {
			t.Errorf("%v was held until its end", s.attrs)
		}
		chains = append(chains, s.attrs["headway.chain.id"].(string)[15:])
	}
	if want := []string{"1", "2", "3", "4", "5", "6"}; !slices.Equal(chains, want) {
		t.Errorf("chains %v, want %v", chains, want)
	}
	b.ObserveChain(exchange.Chain{ID: 6, Attempts: 1, Late: true})
	b.Close()
	for _, s := range readAll(r.received(t))[6:] { // of the chains 4, 5 and 6
		if s.attrs["headway.chain.attempts"] == nil {
			t.Errorf("written again: %+v", s)
		}
	}
}

func TestFallbackAndAmbiguityAreTold(t *testing.T) {
	c, second := recovered(), retried()
	c.Fallback, c.Ambiguous, second.Attempt.Fallback, second.Attempt.Ambiguous = true, true, true, true
	all := chained(t, c, failed(), second)
	for _, i := range []int{0, 2} {
		got := maps.Clone(all[i].attrs)
		if got["headway.chain.fallback"] != true || got["headway.chain.ambiguous"] != true {
			t.Errorf("span %d: %v", i, got)
		}
	}
}
