package live

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// answered is a stream with that span of its application's.
func answered(span string, ttft, gap time.Duration) exchange.Record {
	r := streamed(ttft, gap, 11)
	r.Operation, r.Trace.SpanID, r.Usage.Source = exchange.Chat, span, exchange.Reported
	return r
}

// truthOf is the truth of answered with the same times.
func truthOf(ttft, gap time.Duration, output int64) Truth {
	t := Truth{TTFT: ttft, TPOT: gap, E2E: ttft + 10*gap, Output: exchange.Known(output)}
	for range 10 {
		t.Gaps = append(t.Gaps, exchange.Gap{Wait: gap, Tokens: 1})
	}
	return t
}

func TestTheTruthStandsBesideTheMeasurements(t *testing.T) {
	const ms = time.Millisecond
	now := noon
	v := NewView(func() time.Time { return now })
	known := map[string]Truth{}
	v.Truth = func(span string) (Truth, bool) {
		t, ok := known[span]
		return t, ok
	}
	v.Observe(answered("a", 81*ms, 10*ms))
	counted := answered("b", 103*ms, 12*ms)
	counted.Usage.Source = exchange.Counted
	v.Observe(counted)
	now = now.Add(time.Second)
	if got := tableOf(v); !strings.Contains(got, "  TTFT   81.0 ms 103.0 ms* 103.0 ms*        2           –         –        –\n") {
		t.Errorf("before the server tells:\n%s", got)
	}
	known["a"], known["b"], known["other"] = truthOf(80*ms, 10*ms, 11), truthOf(100*ms, 11*ms, 12), truthOf(ms, ms, 5)
	got := tableOf(v)
	for _, want := range []string{
		"             p50      p90       p99   samples   truth p50       p99   off by\n",
		"  TTFT   81.0 ms 103.0 ms* 103.0 ms*        2     80.0 ms  100.0 ms*  1.0 ms\n",
		"  TPOT   10.0 ms  12.0 ms*  12.0 ms*        2     10.0 ms   11.0 ms*    0 µs\n",
		"   ITL   10.0 ms  12.0 ms   12.0 ms*       20     10.0 ms   11.0 ms*    0 µs\n",
		"output tokens, reported: 11, truth 11; equal in 1 of 1 answers.\n",
		"output tokens, counted by chunks: 11, truth 12, in 1 answers.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// A request that failed has no truth to compare with, and one of which the server tells
// nothing is asked for a while only.
func TestTheServerIsAskedForWhatItMayKnow(t *testing.T) {
	now := noon
	v := NewView(func() time.Time { return now })
	var asked []string
	v.Truth = func(span string) (Truth, bool) {
		asked = append(asked, span)
		return Truth{}, false
	}
	failed := answered("f", time.Millisecond, time.Millisecond)
	failed.Outcome = exchange.Refused
	v.Observe(failed)
	v.Observe(streamed(time.Millisecond, time.Millisecond, 2)) // with no span
	v.Summary()
	v.Observe(answered("a", time.Millisecond, time.Millisecond))
	v.Summary()
	now = now.Add(patience)
	v.Summary()
	if !slices.Equal(asked, []string{"a"}) {
		t.Errorf("asked for %v, want once for a", asked)
	}
}
