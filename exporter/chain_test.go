package exporter_test

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// retried is a chain of three attempts, of which the last was answered.
func retried() exchange.Chain {
	return exchange.Chain{
		Outcome: exchange.Recovered, Attempts: 3, TTFT: 3 * time.Second, E2E: 4 * time.Second, Slept: 1500 * ms,
		RetryAfterIgnored: 2, Ambiguous: true, Last: streamed(),
		Waste: []exchange.Waste{
			{Cause: "429", Attempts: 1, Time: 50 * ms},
			{Cause: "stream_truncated", Attempts: 1, Time: 2 * time.Second, Input: exchange.Known(20), Output: exchange.Known(7)},
		},
	}
}

func TestInstrumentsDrawFromChains(t *testing.T) {
	first := exchange.Chain{Outcome: exchange.FirstTry, Attempts: 1, E2E: time.Second, Last: streamed()}
	for _, tt := range []struct {
		name, instrument string
		in               exchange.Chain
		want             []sample
	}{
		{"how it ended", "headway.chains", retried(), []sample{one(1, "recovered")}},
		{"attempts", "headway.chain.attempts", retried(), []sample{one(3)}},
		{"E2E as it was felt", "headway.chain.duration", retried(), []sample{one(4, "recovered")}},
		{"TTFT as it was felt", "headway.chain.time_to_first_token", retried(), []sample{one(3, "recovered")}},
		{"no TTFT where no token came", "headway.chain.time_to_first_token", first, nil},
		{"time between attempts", "headway.chain.slept", retried(), []sample{one(1.5)}},
		{"no time between attempts", "headway.chain.slept", first, nil},
		{"time lost, by cause", "headway.chain.wasted", retried(), []sample{one(.05, "429"), one(2, "stream_truncated")}},
		{
			"tokens lost, where they are known", "headway.chain.wasted_tokens", retried(),
			[]sample{one(20, "stream_truncated", "input"), one(7, "stream_truncated", "output")},
		},
		{"nothing lost", "headway.chain.wasted", first, nil},
		{"advice that was not taken", "headway.retry_after_ignored", retried(), []sample{one(2)}},
		{"no such advice, so that the series is there", "headway.retry_after_ignored", first, []sample{one(0)}},
		{"an ambiguous one", "headway.chain.ambiguous", retried(), []sample{one(1)}},
		{"a certain one", "headway.chain.ambiguous", first, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkDrawsOfChain(t, instrument(t, tt.instrument), tt.in, tt.want)
		})
	}
}

func TestAttemptsAreCountedByWhatJoinedThem(t *testing.T) {
	for by, want := range map[exchange.Attempt][]sample{
		{}:                    nil, // no call at all
		{Chain: 1, Number: 1}: {one(1, "first")},
		{Chain: 1, Number: 2, JoinedBy: "fingerprint"}: {one(1, "fingerprint")},
	} {
		checkDraws(t, instrument(t, "headway.attempts"), with(func(r *exchange.Record) { r.Attempt = by }), want)
	}
}

func TestInstrumentsDrawFromChainsByTheirLastAttempt(t *testing.T) {
	c := retried()
	var d exporter.Drawing
	d.Chain(&c, exporter.NewNames(1, 64))
	if got := drawing(&d); !got["headway.chains"] || got["headway.requests"] {
		t.Errorf("%v draw from a chain", got)
	}
	d.Exchange(&c.Last, exporter.NewNames(1, 64))
	if got := drawing(&d); got["headway.chains"] || !got["headway.requests"] {
		t.Errorf("%v draw from an exchange", got)
	}
	c.Last.Origin = exchange.Canary
	d.Chain(&c, exporter.NewNames(1, 64))
	if got := drawing(&d); got["headway.chains"] {
		t.Error("an instrument draws from the chain of a canary")
	}
}
