package sampling_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/sampling"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// at is the Sampling of an exchange that is kept for a certain reason.
func at(reason string) exchange.Sampling {
	return exchange.Sampling{Kept: true, Reason: reason, Weighted: true}
}

func TestWhatIsWrongIsKeptWhateverTheChance(t *testing.T) {
	type r = exchange.Record
	bad := []exchange.Verdict{{SLO: "a", Good: true}, {SLO: "b", Missed: exchange.Misses(0).With(exchange.TTFT)}}
	left := exchange.Trace{TraceID: "4bf92f3577b34da6a3ce929d0e0e4736"}
	for _, tt := range []struct {
		name   string
		change func(*r)
		want   exchange.Sampling
	}{
		{"a good stream", func(*r) {}, exchange.Sampling{}},
		{"a good answer", func(r *r) { r.Stream = false }, exchange.Sampling{}},
		{"a failed one", func(r *r) { r.Outcome = exchange.HTTPError }, at(sampling.Error)},
		{"one that the client left", func(r *r) { r.Outcome = exchange.ClientGone }, at(sampling.Error)},
		{"one that was turned away", func(r *r) { r.Outcome = exchange.Refused }, at(sampling.Error)},
		{"a failed one whose client keeps nothing", func(r *r) { r.Outcome = exchange.Timeout; r.Trace = left }, at(sampling.Error)},
		{"a failed canary", func(r *r) { r.Outcome = exchange.UpstreamCut; r.Origin = exchange.Canary }, at(sampling.Error)},
		{"a failed sealed one", func(r *r) { r.Outcome = exchange.ConnectError; r.Mode = exchange.Sealed }, at(sampling.Error)},
		{"a missed objective", func(r *r) { r.Verdicts = bad }, at(sampling.SLO)},
		{"met objectives", func(r *r) { r.Verdicts = bad[:1] }, exchange.Sampling{}},
		{"a second attempt", func(r *r) { r.Attempt.Number = 2 }, at(sampling.Chain)},
		{"one that was joined", func(r *r) { r.Attempt.JoinedBy = "id" }, at(sampling.Chain)},
		{"a pause between chunks", func(r *r) { r.Chunks.Add(exchange.Chunk{At: 1900 * ms}) }, at(sampling.Stall)},
		{"one that is shorter", func(r *r) { r.Chunks.Add(exchange.Chunk{At: 1900*ms - time.Microsecond}) }, exchange.Sampling{}},
		{"a pause of the upstream", func(r *r) { r.Clocks.Upstream.Longest = exchange.StallFrom }, at(sampling.Stall)},
		{"a pause of an answer in one piece", func(r *r) { r.Stream = false; r.Clocks.Upstream.Longest = exchange.StallFrom }, exchange.Sampling{}},
		{"everything", func(r *r) {
			r.Outcome, r.Verdicts, r.Attempt.Number, r.Clocks.Upstream.Longest = exchange.Drained, bad, 2, time.Hour
		}, at(sampling.Error)},
		{"everything but an error", func(r *r) {
			r.Verdicts, r.Attempt.Number, r.Clocks.Upstream.Longest = bad, 2, time.Hour
		}, at(sampling.SLO)},
		{"a chain that paused", func(r *r) { r.Attempt.Number, r.Clocks.Upstream.Longest = 2, time.Hour }, at(sampling.Chain)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := sample(0, with(tt.change)); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestClientsDecisionIsFollowed(t *testing.T) {
	const r = 0xce929d0e0e4736 // of the trace
	for _, tt := range []struct {
		name    string
		state   string
		dropped bool
		want    exchange.Sampling
	}{
		{name: "not sampled", dropped: true, state: "ot=th:0"},
		{name: "sampled, nobody knows by which chance", want: exchange.Sampling{Kept: true, Reason: sampling.Parent}},
		{name: "all are", state: "ot=th:0", want: at(sampling.Parent)},
		{name: "one in four is", state: "ot=th:c", want: share(0xc0000000000000)},
		{name: "with every digit", state: "ot=th:ce929d0e0e4736", want: share(r)},
		{name: "in upper case", state: "ot=th:CE929D0E0E4736", want: share(r)},
		{name: "among others", state: "a=1,ot=k:x;th:8;p:1 , vendor@ot=th:f,z=2", want: share(1 << 55)},
		{name: "behind a tab", state: "a=1,\tot=th:8", want: share(1 << 55)},
		{name: "its own randomness counts", state: "ot=rv:ffffffffffffff;th:f", want: share(0xf0000000000000)},
		{name: "and contradicts the decision", state: "ot=th:8;rv:7fffffffffffff", want: unknown},
		{name: "the trace's contradicts it", state: "ot=th:ce929d0e0e4737", want: unknown},
		{name: "a tenant's", state: "t@ot=th:8", want: unknown},
		{name: "a vendor's of a longer name", state: "dot=th:8", want: unknown},
		{name: "too many digits", state: "ot=th:800000000000000", want: unknown},
		{name: "no digits", state: "ot=th:", want: unknown},
		{name: "no hex digits", state: "ot=th:8g", want: unknown},
		{name: "a sign", state: "ot=th:-8", want: unknown},
		{name: "twice", state: "ot=th:8;th:8", want: unknown},
		{name: "the first entry counts", state: "ot=th:8,ot=th:c", want: share(1 << 55)},
		{name: "another key", state: "ot=thx:8", want: unknown},
		{name: "no value", state: "ot=th", want: unknown},
		{name: "a randomness of too few digits is none", state: "ot=rv:1;th:8", want: share(1 << 55)},
		{name: "too long an entry", state: "ot=th:8;x:" + string(make([]byte, 256)), want: unknown},
		{name: "rubbish", state: ";;,,=:ot=,ot", want: unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := plain()
			e.Span.Trace = named(r)
			e.Trace = exchange.Trace{TraceID: e.Span.Trace.String(), SpanID: "00f067aa0ba902b7", Sampled: !tt.dropped, State: tt.state}
			for _, ratio := range []float64{0, 1} {
				if got := sample(ratio, e); got != tt.want {
					t.Errorf("ratio %v: got %+v, want %+v", ratio, got, tt.want)
				}
			}
		})
	}
}

func TestAClientThatLeavesItOpenIsTreatedAsOneWithoutAContext(t *testing.T) {
	e := plain()
	e.Trace = exchange.Trace{TraceID: e.Span.Trace.String(), SpanID: "00f067aa0ba902b7", Undecided: true}
	for _, ratio := range []float64{0, 1} {
		if got := sample(ratio, e); got.Kept != (ratio == 1) || got.Kept && got.Reason != sampling.Ratio {
			t.Errorf("ratio %v: got %+v", ratio, got)
		}
	}
}

// unknown is the Sampling of a trace that its client keeps by an unknown chance.
var unknown = exchange.Sampling{Kept: true, Reason: sampling.Parent}

// share is the Sampling of a trace that its client keeps by this threshold.
func share(threshold uint64) exchange.Sampling {
	return exchange.Sampling{Kept: true, Reason: sampling.Parent, Threshold: threshold, Weighted: true}
}

func TestRecordsAndChainsAreHandedOnAsTheyAre(t *testing.T) {
	var l ledger
	s := sampling.New(sampling.Config{Ratio: 1, Next: &l})
	r := plain()
	s.Observe(r)
	r.Sampling = exchange.Sampling{Kept: true, Reason: sampling.Ratio, Weighted: true}
	if !reflect.DeepEqual(l.record, r) {
		t.Errorf("got %+v,\nwant %+v", l.record, r)
	}
	c := exchange.Chain{ID: 7, Outcome: exchange.FirstTry, Attempts: 1, Last: plain()}
	s.ObserveChain(c)
	if len(l.chains) != 1 || !reflect.DeepEqual(l.chains[0], c) {
		t.Errorf("got %+v, want %+v", l.chains, c)
	}
}

func TestAChainThatIsSurelyKeptSaysSo(t *testing.T) {
	var l ledger
	s := sampling.New(sampling.Config{Next: &l})
	failed, again := plain(), plain()
	failed.Outcome = exchange.Refused
	s.ObserveChain(exchange.Chain{Attempts: 1, Last: failed})
	s.ObserveChain(exchange.Chain{Attempts: 2, Last: again})
	if got, want := l.chains[0].Last.Sampling, at(sampling.Error); got != want {
		t.Errorf("of one that failed: %+v, want %+v", got, want)
	}
	if got, want := l.chains[1].Last.Sampling, at(sampling.Chain); got != want {
		t.Errorf("of two attempts: %+v, want %+v", got, want)
	}
}

func FuzzTraceState(f *testing.F) {
	f.Add("ot=th:fd70a4;rv:9f2c4e6a8b0d1f,a=b")
	f.Add("ot=;;th:,ot")
	f.Fuzz(func(t *testing.T, state string) {
		r := plain()
		r.Trace = exchange.Trace{TraceID: r.Span.Trace.String(), Sampled: true, State: state}
		got := sample(0, r)
		if !got.Kept || got.Reason != sampling.Parent || got.Threshold >= sampling.Never || !got.Weighted && got.Threshold != 0 {
			t.Errorf("%q: %+v", state, got)
		}
	})
}
