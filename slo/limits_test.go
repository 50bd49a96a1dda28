package slo_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/slo"
)

// TestLimitsOfARequestAreJudged, by a sidecar without an SLO. The stream has a TTFT of 214 ms.
func TestLimitsOfARequestAreJudged(t *testing.T) {
	stream, plain := exchangetest.Stream(4), exchangetest.Plain()
	failed := func(r exchange.Record) exchange.Record {
		r.Outcome, r.ErrorType = exchange.UpstreamCut, exchange.ErrTruncated
		return r
	}
	gone := func(r exchange.Record) exchange.Record {
		r.Outcome, r.ErrorType = exchange.ClientGone, exchange.ErrCanceled
		return r
	}
	unread := func(r exchange.Record) exchange.Record {
		r.Unread = true
		return r
	}
	empty := exchangetest.Stream(4)
	empty.Events = 3
	empty.Chunks, empty.Timing.FirstToken, empty.Timing.FirstAnswer, empty.Timing.LastToken = exchange.Chunks{}, 0, 0, 0
	single := exchangetest.Stream(1)
	single.Usage.Output, single.Usage.Streamed = exchange.Known(1), exchange.Known(1)
	for _, tt := range []struct {
		name string
		in   exchange.Record
		by   exchange.Indicator
		// at is the limit
		at   time.Duration
		want exchange.LimitVerdict
	}{
		{"a first token in time", stream, exchange.TTFT, stream.TTFT(), exchange.LimitKept},
		{"a first token too late", stream, exchange.TTFT, stream.TTFT() - 1, exchange.LimitMissed},
		{"tokens in time", stream, exchange.TPOT, stream.TPOT(), exchange.LimitKept},
		{"tokens too slow", stream, exchange.TPOT, stream.TPOT() - 1, exchange.LimitMissed},
		{"an end in time", plain, exchange.E2E, plain.E2E(), exchange.LimitKept},
		{"an end too late", plain, exchange.E2E, plain.E2E() - 1, exchange.LimitMissed},
		{"a percentile of ITL", stream, exchange.ITLP99, time.Hour, exchange.LimitKept},
		{"a stall", stream, exchange.Stall, time.Hour, exchange.LimitKept},
		{"TTFT of an answer in one piece", plain, exchange.TTFT, time.Hour, exchange.LimitUnjudged},
		{"TPOT of an answer in one piece", plain, exchange.TPOT, time.Nanosecond, exchange.LimitUnjudged},
		{"TPOT of a single token", single, exchange.TPOT, time.Nanosecond, exchange.LimitUnjudged},
		{"an empty stream has no first token", empty, exchange.TTFT, time.Hour, exchange.LimitMissed},
		{"a failure within the limit", failed(stream), exchange.TTFT, time.Hour, exchange.LimitFailed},
		{"a failure beyond it", failed(stream), exchange.TTFT, time.Millisecond, exchange.LimitMissed},
		{"a refusal", exchangetest.Refused(), exchange.TTFT, time.Hour, exchange.LimitFailed},
		{"a client that left in time", gone(stream), exchange.TTFT, time.Hour, exchange.LimitUnjudged},
		{"a client that left too late", gone(stream), exchange.TTFT, time.Millisecond, exchange.LimitMissed},
		{"content that headway could not read", unread(stream), exchange.TTFT, time.Millisecond, exchange.LimitUnjudged},
		{"the end of content that headway could not read", unread(stream), exchange.E2E, time.Hour, exchange.LimitKept},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := new(exchangetest.Ledger)
			tt.in.Limits = []exchange.RequestLimit{{Indicator: tt.by, Limit: tt.at}}
			slo.New(slo.Config{Next: l}).Observe(tt.in)
			got := l.Records[0].Limits
			if want := []exchange.RequestLimit{{Indicator: tt.by, Limit: tt.at, Verdict: tt.want}}; !slices.Equal(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
			if tt.in.Limits[0].Verdict != "" {
				t.Error("the Judge changed a slice that others share")
			}
		})
	}
}

func TestNobodyJudgesTheLimitsOfCanaries(t *testing.T) {
	l, r := new(exchangetest.Ledger), exchangetest.Canary(exchangetest.Stream(4))
	r.Limits = []exchange.RequestLimit{{Indicator: exchange.TTFT, Limit: time.Second}}
	slo.New(slo.Config{Next: l}).Observe(r)
	if got := l.Records[0].Limits[0].Verdict; got != "" {
		t.Errorf("verdict %s", got)
	}
}
