package spans_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestSpansHaveTheLabelsAndLimitsOfTheirRequest(t *testing.T) {
	var to receiver
	b := spans.New(spans.Config{Send: to.send, Labels: []string{"tenant", "team"}})
	r := plain()
	r.Labels = []string{"acme", ""}
	r.Limits = []exchange.RequestLimit{{Indicator: exchange.TTFT, Limit: 200 * time.Millisecond, Verdict: exchange.LimitMissed}}
	b.Observe(r)
	b.Close()
	attrs := readAll(to.received(t))[0].attrs
	for name, want := range map[string]any{
		"headway.label.tenant": "acme", "headway.label.team": nil, "headway.limit.ttft": .2, "headway.limit.ttft.verdict": "missed", "headway.limit.tpot": nil,
	} {
		if got := attrs[name]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// The span of a chain has the labels of its last attempt.
func TestTheSpanOfAChainHasLabels(t *testing.T) {
	var to receiver
	b := spans.New(spans.Config{Send: to.send, Labels: []string{"tenant"}})
	first, second := plain(), plain()
	first.Attempt, second.Attempt = exchange.Attempt{Chain: 7, Number: 1}, exchange.Attempt{Chain: 7, Number: 2, JoinedBy: "fingerprint", Outcome: exchange.Recovered}
	second.Labels = []string{"acme"}
	b.Observe(first)
	b.Observe(second)
	b.ObserveChain(exchange.Chain{ID: 7, Outcome: exchange.Recovered, Start: first.Start, Attempts: 2, Last: second})
	b.Close()
	found := false
	for _, s := range readAll(to.received(t)) {
		if s.attrs["headway.chain.attempts"] == nil {
			continue
		}
		found = true
		if s.attrs["headway.label.tenant"] != "acme" {
			t.Errorf("the chain has %v", s.attrs)
		}
	}
	if !found {
		t.Error("there is no span of the chain")
	}
}
