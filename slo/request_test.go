package slo_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/slo"
)

// promised limits every indicator.
func promised() slo.Objectives {
	return slo.Objectives{
		{exchange.TTFT, 500 * ms}, {exchange.TTFTPerInputToken, 5 * ms}, {exchange.TTFA, 900 * ms}, {exchange.TPOT, 50 * ms},
		{exchange.ITLP50, 60 * ms}, {exchange.ITLP90, 100 * ms}, {exchange.ITLP99, 200 * ms},
		{exchange.Stall, time.Second}, {exchange.Silence, 700 * ms}, {exchange.E2E, 20 * time.Second}, {exchange.E2EPerOutputToken, 200 * ms},
	}
}

func TestObjectivesJudgeTheKnownFactsOfARequest(t *testing.T) {
	type q = slo.Request
	kept := func() q {
		return q{
			Outcome: exchange.OK, Stream: true, TTFT: 500 * ms, TTFA: 900 * ms, TPOT: 50 * ms, Stall: time.Second, Silence: 700 * ms, E2E: 20 * time.Second,
			ITL:   exchange.ITL{P50: 60 * ms, P90: 100 * ms, P99: 200 * ms, Max: time.Hour},
			Input: exchange.Known(100), Output: exchange.Known(100),
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*q)
		missed exchange.Misses
		counts bool
	}{
		{"every limit reached and none passed", func(*q) {}, 0, true},
		{"nothing known but that it ended well", func(r *q) { *r = q{Outcome: exchange.OK} }, 0, true},
		{"a late first token", func(r *q) { r.TTFT++ }, missed(exchange.TTFT, exchange.TTFTPerInputToken), true},
		{"a late first token of a long prompt", func(r *q) { r.TTFT++; r.Input.N = 101 }, missed(exchange.TTFT), true},
		{"a late first token of an unknown prompt", func(r *q) { r.TTFT++; r.Input.Known = false }, missed(exchange.TTFT), true},
		{"a slow answer", func(r *q) { r.TPOT++; r.E2E++ }, missed(exchange.TPOT, exchange.E2E, exchange.E2EPerOutputToken), true},
		{"slow tokens", func(r *q) { r.ITL.P90++ }, missed(exchange.ITLP90), true},
		{"a stall with pings in it", func(r *q) { r.Stall++ }, missed(exchange.Stall), true},
		{"a silence", func(r *q) { r.Silence++ }, missed(exchange.Silence), true},
		{"a late first answer token", func(r *q) { r.TTFA++ }, missed(exchange.TTFA), true},
		{"reasoning and no answer", func(r *q) { r.TTFA = 0 }, missed(exchange.TTFA), true},
		{
			"no first token in an empty stream", func(r *q) { r.TTFT, r.TTFA, r.Empty = 0, 0, true },
			missed(exchange.TTFT, exchange.TTFTPerInputToken, exchange.TTFA), true,
		},
		{"reasoning, and then no reader", func(r *q) { r.TTFA, r.Overlooked = 0, true }, 0, true},
		{"no times of tokens", func(r *q) { r.TTFT, r.TTFA = 0, 0 }, 0, true},
		{"a piece without a stream", func(r *q) { r.Stream, r.TTFT, r.TTFA = false, 0, 0 }, 0, true},
		{"a refusal", func(r *q) { *r = q{Outcome: exchange.Refused, E2E: ms} }, missed(exchange.Error), true},
		{
			"a stream that broke off late and without a token", func(r *q) { r.Outcome, r.TTFT, r.TTFA = exchange.UpstreamCut, 0, 0 },
			missed(exchange.Error, exchange.TTFT, exchange.TTFTPerInputToken, exchange.TTFA), true,
		},
		{"a client that left while the model thought aloud", func(r *q) { r.Outcome, r.TTFA, r.E2E = exchange.ClientGone, 0, 900*ms }, 0, false},
		{"a client that waited for the answer in vain", func(r *q) { r.Outcome, r.TTFA, r.E2E = exchange.ClientGone, 0, 901*ms }, missed(exchange.TTFA), true},
		{"a client that left in time", func(r *q) { r.Outcome = exchange.ClientGone }, 0, false},
		{"a client that left after a limit", func(r *q) { r.Outcome = exchange.ClientGone; r.E2E++; r.Output.N = 200 }, missed(exchange.E2E), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := kept()
			tt.change(&in)
			if got, counts := promised().Judge(&in); got != tt.missed || counts != tt.counts {
				t.Errorf("missed %b, counts %v; want %b, %v", got, counts, tt.missed, tt.counts)
			}
		})
	}
}

// The stage counts tokens over each limit where a Request has quantiles.
func TestTheStageAndARequestOfItsRecordAreJudgedAlike(t *testing.T) {
	set := agreementSet()
	for i := range set.SLOs {
		set.SLOs[i].Match = slo.Match{}
	}
	var l exchangetest.Ledger
	j := slo.New(slo.Config{Set: set, Role: exchange.Server, Next: &l})
	random := rand.New(rand.NewPCG(10, 20261129))
	bad := 0
	for range 20_000 {
		l.Records = l.Records[:0]
		r := generated(random)
		j.Observe(r)
		told := map[string]exchange.Verdict{}
		for _, v := range l.Records[0].Verdicts {
			told[v.SLO] = v
		}
		q := slo.RequestOf(&r)
		for _, s := range set.SLOs {
			missed, counts := s.Good.Judge(&q)
			v, judged := told[s.Name]
			if v.Missed != missed || judged != counts || judged && v.Good != (missed == 0) {
				t.Fatalf("%s: the stage says %+v, %v; the request missed %b and counts: %v\n%+v", s.Name, v, judged, missed, counts, q)
			}
			if missed != 0 {
				bad++
			}
		}
	}
	if bad < 20_000 {
		t.Errorf("only %d verdicts were bad, so that little is shown", bad)
	}
}
