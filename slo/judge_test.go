package slo_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/slo"
)

// promise is an SLO of that name with these limits.
func promise(name string, good ...slo.Objective) slo.SLO {
	return slo.SLO{Name: name, Objective: 99, Window: 30 * day, Good: good}
}

// verdicts lists the verdicts of SLOs on r, beside an application.
func verdicts(r exchange.Record, slos ...slo.SLO) []exchange.Verdict {
	var l exchangetest.Ledger
	slo.New(slo.Config{Set: slo.Set{SLOs: slos}, Next: &l}).Observe(r)
	return l.Records[0].Verdicts
}

// with is a stream of four chunks as change made it: TTFT 214 ms, then a token each
// 18.5, 19 and 19.5 ms later, E2E 274 ms.
func with(change func(*exchange.Record)) exchange.Record {
	r := stream(4, -1, 0)
	change(&r)
	return r
}

func missed(of ...exchange.Indicator) exchange.Misses {
	var m exchange.Misses
	for _, i := range of {
		m = m.With(i)
	}
	return m
}

func TestJudgeHoldsExchangesToTheirLimits(t *testing.T) {
	type r = exchange.Record
	good := func(*r) {}
	const end = 274 * ms
	for _, tt := range []struct {
		name   string
		limit  slo.Objective
		change func(*r)
		want   exchange.Misses
	}{
		{"a TTFT at its limit", slo.Objective{exchange.TTFT, 214 * ms}, good, 0},
		{"a TTFT beyond it", slo.Objective{exchange.TTFT, 214*ms - 1}, good, missed(exchange.TTFT)},
		{"a response in one piece, which has no TTFT", slo.Objective{exchange.TTFT, 1 * ms}, func(r *r) { r.Stream = false }, 0},
		{
			"a stream that ended well without a token", slo.Objective{exchange.TTFT, time.Hour},
			func(r *r) { r.Timing.FirstToken, r.Chunks = 0, exchange.Chunks{} }, missed(exchange.TTFT),
		},
		{
			"a stream that was not read", slo.Objective{exchange.TTFT, 1 * ms},
			func(r *r) { r.Timing.FirstToken, r.Chunks, r.Events = 0, exchange.Chunks{}, 0 }, 0,
		},
		{
			"a replay, which has no times", slo.Objective{exchange.TTFT, 1 * ms},
			func(r *r) { r.Timing.FirstToken, r.Timing.LastToken, r.Chunks = 0, 0, exchange.Chunks{Count: 4} }, 0,
		},
		{"a TTFA at its limit", slo.Objective{exchange.TTFA, 233 * ms}, func(r *r) { r.Timing.FirstAnswer = 233 * ms }, 0},
		{"a TTFA beyond it", slo.Objective{exchange.TTFA, 233*ms - 1}, func(r *r) { r.Timing.FirstAnswer = 233 * ms }, missed(exchange.TTFA)},
		{"a stream of nothing but reasoning", slo.Objective{exchange.TTFA, time.Hour}, func(r *r) { r.Timing.FirstAnswer = 0 }, missed(exchange.TTFA)},
		{
			"reasoning, and then a body that was too much work to read", slo.Objective{exchange.TTFA, time.Hour},
			func(r *r) { r.Timing.FirstAnswer, r.Notes = 0, []string{"decoder_work"} }, 0,
		},
		{
			"a replay, which has no time of an answer either", slo.Objective{exchange.TTFA, 1 * ms},
			func(r *r) {
				r.Timing.FirstToken, r.Timing.FirstAnswer, r.Timing.LastToken, r.Chunks = 0, 0, 0, exchange.Chunks{Count: 4}
			}, 0,
		},
		{"a TTFT within what the prompt allows", slo.Objective{exchange.TTFTPerInputToken, 1010 * time.Microsecond}, good, 0},
		{"a TTFT beyond it", slo.Objective{exchange.TTFTPerInputToken, 1009 * time.Microsecond}, good, missed(exchange.TTFTPerInputToken)},
		{
			"a prompt of unknown size", slo.Objective{exchange.TTFTPerInputToken, 1},
			func(r *r) { r.Usage.Input = exchange.Count{} }, 0,
		},
		{
			"a prompt of estimated size", slo.Objective{exchange.TTFTPerInputToken, 1},
			func(r *r) { r.Usage.InputSource = exchange.Estimated }, 0,
		},
		{"a TPOT at its limit", slo.Objective{exchange.TPOT, 19 * ms}, good, 0},
		{"a TPOT beyond it", slo.Objective{exchange.TPOT, 19*ms - 1}, good, missed(exchange.TPOT)},
		{"a single token, which has no TPOT", slo.Objective{exchange.TPOT, 1}, func(r *r) { r.Usage.Streamed = exchange.Known(1) }, 0},
		{"half the tokens at the limit", slo.Objective{exchange.ITLP50, 19 * ms}, good, 0},
		{"more than half beyond it", slo.Objective{exchange.ITLP50, 19*ms - 1}, good, missed(exchange.ITLP50)},
		{"a last percentile that is the longest", slo.Objective{exchange.ITLP99, 19500*time.Microsecond - 1}, good, missed(exchange.ITLP99)},
		{"the longest at the limit", slo.Objective{exchange.ITLP90, 19500 * time.Microsecond}, good, 0},
		{"a stall at its limit", slo.Objective{exchange.Stall, 21 * ms}, good, 0},
		{"a stall beyond it", slo.Objective{exchange.Stall, 21*ms - 1}, good, missed(exchange.Stall)},
		{"a silence at its limit", slo.Objective{exchange.Silence, 21 * ms}, good, 0},
		{"a silence beyond it", slo.Objective{exchange.Silence, 21*ms - 1}, good, missed(exchange.Silence)},
		{
			"pings within a stall, which end a silence", slo.Objective{exchange.Silence, 21 * ms},
			func(r *r) { r.Chunks.Add(exchange.Chunk{At: time.Minute, Tokens: 1, Bytes: 5}) }, 0,
		},
		{
			"pings within a stall, which do not end it", slo.Objective{exchange.Stall, 21 * ms},
			func(r *r) { r.Chunks.Add(exchange.Chunk{At: time.Minute, Tokens: 1, Bytes: 5}) }, missed(exchange.Stall),
		},
		{
			"a client that was slow to take it", slo.Objective{exchange.Stall, 21 * ms},
			func(r *r) { r.Clocks.Client.Longest = time.Hour }, 0,
		},
		{"an E2E at its limit", slo.Objective{exchange.E2E, end}, good, 0},
		{"an E2E beyond it", slo.Objective{exchange.E2E, end - 1}, good, missed(exchange.E2E)},
		{"an E2E within what the answer allows", slo.Objective{exchange.E2EPerOutputToken, end / 4}, good, 0},
		{"an E2E beyond it", slo.Objective{exchange.E2EPerOutputToken, end/4 - 1}, good, missed(exchange.E2EPerOutputToken)},
		{
			"an answer of unknown length", slo.Objective{exchange.E2EPerOutputToken, 1},
			func(r *r) { r.Usage.Output = exchange.Count{} }, 0,
		},
		{
			"a failure within its limits", slo.Objective{exchange.TTFT, time.Second},
			func(r *r) { r.Outcome = exchange.UpstreamCut }, missed(exchange.Error),
		},
		{
			"a failure after its first token was late", slo.Objective{exchange.TTFT, 200 * ms},
			func(r *r) { r.Outcome = exchange.UpstreamCut }, missed(exchange.Error, exchange.TTFT),
		},
		{
			"a failure that lasted longer than the first token may take", slo.Objective{exchange.TTFT, time.Second},
			func(r *r) {
				r.Outcome, r.Timing.FirstToken, r.Timing.End, r.Chunks = exchange.Timeout, 0, time.Minute, exchange.Chunks{}
			}, missed(exchange.Error, exchange.TTFT),
		},
		{
			"a client that left for a first token that was late", slo.Objective{exchange.TTFT, time.Second},
			func(r *r) {
				r.Outcome, r.Timing.FirstToken, r.Timing.End, r.Chunks = exchange.ClientGone, 0, 2*time.Second, exchange.Chunks{}
			}, missed(exchange.TTFT),
		},
		{
			"a client that left after it", slo.Objective{exchange.TTFT, 200 * ms},
			func(r *r) { r.Outcome = exchange.ClientGone }, missed(exchange.TTFT),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := []exchange.Verdict{{SLO: "x", Good: tt.want == 0, Missed: tt.want, Chain: true}}
			if got := verdicts(with(tt.change), promise("x", tt.limit)); !slices.Equal(got, want) {
				t.Errorf("verdicts %v, want %v", got, want)
			}
		})
	}
}

func TestWhatTurnsUsersAwayIsBad(t *testing.T) {
	for _, outcome := range exchange.Outcomes()[2:] {
		got := verdicts(with(func(r *exchange.Record) { r.Outcome = outcome }), promise("x"))
		if len(got) != 1 || got[0].Good || got[0].Missed != missed(exchange.Error) {
			t.Errorf("%s: verdicts %v", outcome, got)
		}
	}
}

func TestSomeExchangesCountNeitherWay(t *testing.T) {
	excluding := promise("x", slo.Objective{exchange.TTFT, 500 * ms})
	excluding.Exclude = []exchange.Outcome{exchange.ClientGone}
	excluding.ExcludeTypes = []exchange.ErrorType{"400"}
	for _, tt := range []struct {
		name   string
		change func(*exchange.Record)
	}{
		{"a client that left before any limit was passed", func(r *exchange.Record) { r.Outcome = exchange.ClientGone }},
		{"a client that waited too long, when excluded", func(r *exchange.Record) {
			r.Outcome, r.Timing.FirstToken = exchange.ClientGone, time.Second
		}},
		{"an excluded status", func(r *exchange.Record) { r.Outcome, r.ErrorType = exchange.HTTPError, "400" }},
		{"a canary", func(r *exchange.Record) { r.Origin = exchange.Canary }},
		{"what was not read", func(r *exchange.Record) { r.Mode = exchange.Sealed }},
		{"what is of no protocol", func(r *exchange.Record) { r.Mode = exchange.Raw }},
		{"what became a tunnel", func(r *exchange.Record) { r.Mode = exchange.Upgraded }},
		{"what became a tunnel and was cut", func(r *exchange.Record) { r.Mode, r.Outcome = exchange.Upgraded, exchange.UpstreamCut }},
	} {
		if got := verdicts(with(tt.change), excluding); got != nil {
			t.Errorf("%s: verdicts %v", tt.name, got)
		}
	}
}

// Nobody knows whether a token came late in a response that nobody read, or whether it was
// an error: an SLO that asks has no opinion, and one that asks only for its delivery has.
func TestWhatNobodyReadIsJudgedByItsDeliveryOnly(t *testing.T) {
	for _, tt := range []struct {
		name   string
		by     slo.SLO
		change func(*exchange.Record)
		counts bool
		missed exchange.Misses
	}{
		{"errors", promise("x"), func(*exchange.Record) {}, true, 0},
		{"errors, and it failed", promise("x"), func(r *exchange.Record) { r.Outcome = exchange.HTTPError }, true, missed(exchange.Error)},
		{"the whole time", promise("x", slo.Objective{exchange.E2E, time.Hour}), func(*exchange.Record) {}, true, 0},
		{"the whole time, and it was too long", promise("x", slo.Objective{exchange.E2E, 1}), func(*exchange.Record) {}, true, missed(exchange.E2E)},
		{"TTFT", promise("x", slo.Objective{exchange.TTFT, time.Hour}), func(*exchange.Record) {}, false, 0},
		{"TTFT, in one piece", promise("x", slo.Objective{exchange.TTFT, time.Hour}), func(r *exchange.Record) { r.Stream = false }, false, 0},
		{"TTFT, and it failed", promise("x", slo.Objective{exchange.TTFT, 1}), func(r *exchange.Record) { r.Outcome = exchange.HTTPError }, false, 0},
		{"TTFT and the whole time", promise("x", slo.Objective{exchange.E2E, 1}, slo.Objective{exchange.TTFT, time.Hour}), func(*exchange.Record) {}, false, 0},
		{"stalls, which content ends", promise("x", slo.Objective{exchange.Stall, time.Hour}), func(*exchange.Record) {}, false, 0},
		{"time for each token", promise("x", slo.Objective{exchange.E2EPerOutputToken, time.Hour}), func(*exchange.Record) {}, false, 0},
		{"prompts of a size", func() slo.SLO { s := promise("x"); s.Match.InputTokens.Max = 1 << 40; return s }(), func(*exchange.Record) {}, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := with(func(r *exchange.Record) {
				r.Dialect, r.Operation, r.Unread, r.PathClass = "", "", true, "/v1/rerank"
				tt.change(r)
			})
			got := verdicts(r, tt.by)
			if counts := len(got) == 1; counts != tt.counts || counts && got[0].Missed != tt.missed {
				t.Errorf("verdicts %+v", got)
			}
			if tt.by.Match.InputTokens == (slo.Range{}) {
				facts := slo.RequestOf(&r)
				if missed, counts := tt.by.Good.Judge(&facts); counts != tt.counts || counts && missed != tt.missed {
					t.Errorf("by its facts: missed %v, counts %v", missed, counts)
				}
			}
		})
	}
}

// A WebSocket that lives for an hour is neither slow nor good, and no window of goodput and
// no budget counts it, as an exchange or as the end of a call.
func TestUpgradedConnectionsAreInNoBook(t *testing.T) {
	attempts, calls := promise("attempts", slo.Objective{exchange.E2E, time.Second}), promise("calls", slo.Objective{exchange.E2E, time.Second})
	attempts.Judge = slo.Attempt
	j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{attempts, calls}}, Next: exchangetest.Nowhere{}})
	hour := with(func(r *exchange.Record) { r.Mode, r.Timing.End = exchange.Upgraded, time.Hour })
	j.Observe(hour)
	j.ObserveChain(exchange.Chain{Outcome: exchange.Exhausted, Late: true, E2E: time.Hour, Last: hour})
	for _, s := range j.Snapshot(time.Now()).SLOs {
		for _, g := range s.Goodput {
			if g.Requests > 0 || g.Ratio != nil {
				t.Errorf("%s counts %+v", s.Name, g)
			}
		}
		if s.Budget.Requests > 0 || s.Budget.Remaining != nil {
			t.Errorf("the budget of %s counts %+v", s.Name, s.Budget)
		}
	}
}

func TestSLOsJudgeWhatTheyMatch(t *testing.T) {
	for _, tt := range []struct {
		name  string
		match slo.Match
		want  bool
	}{
		{"everything", slo.Match{}, true},
		{"the operation", slo.Match{Operation: exchange.Chat}, true},
		{"another operation", slo.Match{Operation: exchange.Embeddings}, false},
		{"the model", slo.Match{Model: "gpt-4o-mini"}, true},
		{"a pattern of it", slo.Match{Model: "gpt-*-mini"}, true},
		{"another model", slo.Match{Model: "gpt-4o"}, false},
		{"the upstream", slo.Match{Upstream: "api.openai.com:443"}, true},
		{"its host", slo.Match{Upstream: "*.openai.com"}, true},
		{"another port", slo.Match{Upstream: "*:8000"}, false},
		{"streams", slo.Match{Stream: new(true)}, true},
		{"no streams", slo.Match{Stream: new(false)}, false},
		{"short prompts", slo.Match{InputTokens: slo.Range{Max: 212}}, true},
		{"shorter ones", slo.Match{InputTokens: slo.Range{Max: 211}}, false},
		{"long prompts", slo.Match{InputTokens: slo.Range{Min: 213}}, false},
	} {
		s := promise("x")
		s.Match = tt.match
		if got := verdicts(with(func(*exchange.Record) {}), s); (len(got) == 1) != tt.want {
			t.Errorf("%s: verdicts %v", tt.name, got)
		}
	}
}

func TestARefusalIsOfTheSizeThatItsRequestHad(t *testing.T) {
	short, long := promise("short"), promise("long")
	short.Match.InputTokens, long.Match.InputTokens = slo.Range{Max: 1000}, slo.Range{Min: 1001}
	got := verdicts(with(func(r *exchange.Record) {
		r.Outcome, r.Usage, r.Bytes.In = exchange.Refused, exchange.Usage{}, 8000
	}), short, long)
	if len(got) != 1 || got[0].SLO != "long" {
		t.Errorf("verdicts %v, want one of long", got)
	}
}

func TestFirstMatchOrAll(t *testing.T) {
	never := promise("never")
	never.Match.Model = "claude*"
	set := slo.Set{SLOs: []slo.SLO{never, promise("one"), promise("two")}}
	for first, want := range map[bool]int{true: 1, false: 2} {
		var l exchangetest.Ledger
		set.First = first
		slo.New(slo.Config{Set: set, Next: &l}).Observe(with(func(*exchange.Record) {}))
		if got := l.Records[0].Verdicts; len(got) != want || got[0].SLO != "one" {
			t.Errorf("first %v: verdicts %v", first, got)
		}
	}
}

func TestHeadersMatchByTheirBits(t *testing.T) {
	s := promise("x")
	s.Match.Header = map[string]string{"x-team": "search-*", "x-tier": "gold"}
	var l exchangetest.Ledger
	j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{s}}, Next: &l})
	conditions := j.Conditions()
	if len(*conditions) != 2 {
		t.Fatalf("conditions %v", *conditions)
	}
	// Another set's conditions, in another order: the exchange began before a reload.
	older := &exchange.Conditions{{Field: "x-tier", Pattern: "gold"}, {Field: "x-other", Pattern: "*"}, {Field: "x-team", Pattern: "search-*"}}
	for _, tt := range []struct {
		met  exchange.Met
		want int
	}{
		{exchange.Met{Of: conditions, Bits: 3}, 1},
		{exchange.Met{Of: conditions, Bits: 1}, 0},
		{exchange.Met{Of: older, Bits: 5}, 1},
		{exchange.Met{Of: older, Bits: 3}, 0},
		{exchange.Met{}, 0},
	} {
		l.Records = nil
		j.Observe(with(func(r *exchange.Record) { r.Conditions = tt.met }))
		if got := len(l.Records[0].Verdicts); got != tt.want {
			t.Errorf("%b of %v: %d verdicts, want %d", tt.met.Bits, tt.met.Of, got, tt.want)
		}
	}
}

func TestChainsAreJudgedOnceAndFromTheirFirstAttempt(t *testing.T) {
	limits := []slo.Objective{{exchange.TTFT, 500 * ms}, {exchange.E2E, time.Second}}
	call, attempt := promise("call", limits...), promise("attempt", limits...)
	attempt.Judge = slo.Attempt
	var l exchangetest.Ledger
	j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{call, attempt}}, Next: &l})

	failed := with(func(r *exchange.Record) {
		r.Outcome, r.ErrorType, r.Timing.FirstToken, r.Chunks = exchange.Refused, "429", 0, exchange.Chunks{}
		r.Attempt = exchange.Attempt{Chain: 1, Number: 1}
	})
	last := with(func(r *exchange.Record) {
		r.Attempt = exchange.Attempt{Chain: 1, Number: 2, Elapsed: 400 * ms, Outcome: exchange.Recovered}
	})
	j.Observe(failed)
	j.Observe(last)
	j.ObserveChain(exchange.Chain{ID: 1, Outcome: exchange.Recovered, TTFT: 614 * ms, E2E: 673 * ms, Last: last})
	want := [][]exchange.Verdict{
		{{SLO: "attempt", Missed: missed(exchange.Error)}},
		{{SLO: "call", Missed: missed(exchange.TTFT), Chain: true}, {SLO: "attempt", Good: true}},
		nil,
	}
	for i, got := range [][]exchange.Verdict{l.Records[0].Verdicts, l.Records[1].Verdicts, l.Chains[0].Verdicts} {
		if !slices.Equal(got, want[i]) {
			t.Errorf("verdicts %v, want %v", got, want[i])
		}
	}
	if n := j.Snapshot(time.Now()).SLOs[0].Goodput[0].Requests; n != 1 {
		t.Errorf("one call counts as %d", n)
	}
}

func TestAChainThatSilenceClosedIsJudgedThen(t *testing.T) {
	call, attempt := promise("call", slo.Objective{exchange.E2E, time.Second}, slo.Objective{exchange.ITLP99, ms}), promise("attempt")
	attempt.Judge = slo.Attempt
	var l exchangetest.Ledger
	j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{call, attempt}}, Next: &l})
	last := with(func(r *exchange.Record) {
		r.Outcome, r.Timing.End, r.Chunks = exchange.UpstreamCut, 300*ms, exchange.Chunks{}
		r.Attempt = exchange.Attempt{Chain: 1, Number: 3, Elapsed: 4 * time.Second}
	})
	j.ObserveChain(exchange.Chain{ID: 1, Outcome: exchange.Exhausted, Late: true, E2E: 4300 * ms, Last: last})
	want := []exchange.Verdict{{SLO: "call", Missed: missed(exchange.Error, exchange.E2E), Chain: true}}
	if got := l.Chains[0].Verdicts; !slices.Equal(got, want) {
		t.Errorf("verdicts %v, want %v", got, want)
	}
}

func TestASidecarOfAServerJudgesAttempts(t *testing.T) {
	var l exchangetest.Ledger
	j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{promise("x", slo.Objective{exchange.E2E, time.Second})}}, Role: exchange.Server, Next: &l})
	j.Observe(with(func(r *exchange.Record) { r.Attempt = exchange.Attempt{Chain: 1, Number: 2, Elapsed: time.Minute} }))
	if got := l.Records[0].Verdicts; len(got) != 1 || !got[0].Good {
		t.Errorf("verdicts %v, want a good one", got)
	}
}

// The deadline of token i is the limit of TTFT + i times that of TPOT.
func TestTokensAreOnTimeByTheirDeadline(t *testing.T) {
	chunks := func(of ...exchange.Chunk) func(*exchange.Record) {
		return func(r *exchange.Record) {
			r.Chunks = exchange.Chunks{}
			for _, k := range of {
				r.Chunks.Add(k)
			}
			r.Timing.FirstToken = of[0].At
			r.Usage.Streamed = exchange.Count{}
		}
	}
	at := func(d time.Duration, tokens int) exchange.Chunk {
		return exchange.Chunk{At: d, Tokens: tokens, Bytes: 5}
	}
	for _, tt := range []struct {
		name          string
		change        func(*exchange.Record)
		timed, onTime uint64
	}{
		{"each at its deadline", chunks(at(100*ms, 1), at(150*ms, 1), at(200*ms, 1)), 3, 3},
		{"the last behind it", chunks(at(100*ms, 1), at(150*ms, 1), at(201*ms, 1)), 3, 2},
		{"a wait that earlier tokens had saved for", chunks(at(10*ms, 1), at(20*ms, 1), at(30*ms, 1), at(250*ms, 1)), 4, 4},
		{"a late start that is made up for", chunks(at(140*ms, 1), at(145*ms, 1), at(150*ms, 1)), 3, 2},
		{"tokens that came together, some of them late", chunks(at(100*ms, 1), at(300*ms, 6)), 7, 4},
		{"a response in one piece", func(r *exchange.Record) { r.Stream = false }, 0, 0},
		{"what was answered at another attempt", func(r *exchange.Record) {
			chunks(at(60*ms, 1), at(150*ms, 1))(r)
			r.Attempt = exchange.Attempt{Chain: 1, Number: 2, Elapsed: 41 * ms, Outcome: exchange.Recovered}
		}, 2, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := promise("x", slo.Objective{exchange.TTFT, 100 * ms}, slo.Objective{exchange.TPOT, 50 * ms})
			j := slo.New(slo.Config{Set: slo.Set{SLOs: []slo.SLO{s}}, Next: &exchangetest.Ledger{}})
			j.Observe(with(tt.change))
			if got := j.Totals()[0]; got.Timed != tt.timed || got.OnTime != tt.onTime {
				t.Errorf("%d of %d tokens on time, want %d of %d", got.OnTime, got.Timed, tt.onTime, tt.timed)
			}
		})
	}
}

func TestEqualVerdictsAreShared(t *testing.T) {
	var l exchangetest.Ledger
	j := slo.New(slo.Config{Set: twenty(true), Next: &l})
	for range 2 {
		j.Observe(stream(128, 0, 0))
	}
	if a, b := l.Records[0].Verdicts, l.Records[1].Verdicts; len(a) != 20 || &a[0] != &b[0] {
		t.Error("two exchanges that were judged alike have verdicts of their own")
	}
}

func TestJudgesAtOnce(t *testing.T) {
	var l exchangetest.Ledger
	j := slo.New(slo.Config{Set: twenty(true), Next: &l})
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for k := range 200 {
				j.Observe(stream(16+k%5, k%16, time.Duration(i)*100*ms))
				if k%50 == 0 {
					j.Replace(twenty(i%2 == 0))
					j.Snapshot(time.Now())
				}
			}
		})
	}
	wait.Wait()
	if len(l.Records) != 1600 {
		t.Errorf("handed on %d exchanges, want 1600", len(l.Records))
	}
}
