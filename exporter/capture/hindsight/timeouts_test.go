package hindsight_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/exporter/capture/hindsight"
	"github.com/headway-sidecar/headway/exporter/capture/report"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// advised is the advice on streams: the lines, beside n answered streams that wait for no
// byte longer than 150 ms and take 0.8 s.
func advised(t *testing.T, n int, others ...capture.Line) hindsight.GroupTimeouts {
	t.Helper()
	w := hindsight.NewWaits(report.ByNothing)
	for i := range n {
		w.Add(capture.NewLine(stream(i, 300*ms, 10*ms)))
	}
	for _, l := range others {
		w.Add(l)
	}
	for _, g := range w.Timeouts().Groups {
		if g.Stream {
			return g
		}
	}
	t.Fatal("no streams")
	return hindsight.GroupTimeouts{}
}

// row is how a timeout of so many seconds would have gone; later rows are like the last.
func row(t *testing.T, g hindsight.GroupTimeouts, k hindsight.Kind, seconds float64) hindsight.Timeout {
	t.Helper()
	for _, a := range g.Advice {
		for i, r := range a.Rows {
			if a.Kind == k && (r.Seconds == seconds || i == len(a.Rows)-1 && r.Seconds < seconds) {
				return r
			}
		}
	}
	t.Fatalf("no row of %s for %v s", k, seconds)
	return hindsight.Timeout{}
}

// expected is what one exchange does to a row of 2 s.
type expected struct {
	killed, hung, cutShort int
	saved                  float64
	unknown                int
}

func TestEachTimeoutCutsItsOwnWait(t *testing.T) {
	base := func() exchange.Record { return stream(1, 300*ms, 10*ms) }
	pause := func(r exchange.Record, d time.Duration) exchange.Record { // between bytes, in the middle
		r.Clocks.Upstream.Longest = d
		r.Timing.LastToken, r.Timing.LastChunk, r.Timing.End = r.Timing.LastToken+d, r.Timing.LastChunk+d, r.Timing.End+d
		return r
	}
	lateHead := base()
	lateHead.Timing = exchange.Timing{ResponseHead: 3 * time.Second, FirstChunk: 3 * time.Second, FirstToken: 3 * time.Second, LastToken: 4 * time.Second, LastChunk: 4 * time.Second, End: 4 * time.Second}
	slowBody := base() // the head at once, nothing behind it for 3 s
	slowBody.Timing = exchange.Timing{ResponseHead: 100 * ms, FirstChunk: 3100 * ms, FirstToken: 3100 * ms, LastToken: 3200 * ms, LastChunk: 3200 * ms, End: 3200 * ms}
	pings := pause(base(), 5*time.Second)
	pings.Clocks.Upstream.Longest = time.Second
	hungWithPings := ended(base(), exchange.UpstreamCut, 20, 10*time.Second)
	hungWithPings.Timing.LastChunk, hungWithPings.Clocks.Upstream.Longest = hungWithPings.Timing.End, time.Second
	resumedThenCut := ended(base(), exchange.UpstreamCut, 20, 10*time.Second)
	resumedThenCut.Timing.LastChunk, resumedThenCut.Clocks.Upstream.Longest = 9490*ms, 9*time.Second // a ping came after 9 s of silence
	gatewayTimeout := refused(1)
	gatewayTimeout.Status, gatewayTimeout.Outcome, gatewayTimeout.Timing = 504, exchange.HTTPError, exchange.Timing{ResponseHead: 60 * time.Second, FirstChunk: 60 * time.Second, LastChunk: 60 * time.Second, End: 60 * time.Second}
	stopped := ended(base(), exchange.ClientGone, 40, 5*ms)

	for _, tt := range []struct {
		name                   string
		in                     exchange.Record
		firstByte, idle, total expected
	}{
		{"an answer whose head came late", lateHead, expected{killed: 1}, expected{killed: 1}, expected{killed: 1}},
		{"an answer whose first byte came late behind the head", slowBody, expected{}, expected{killed: 1}, expected{killed: 1}},
		{"an answer with a pause", pause(base(), 5*time.Second), expected{}, expected{killed: 1}, expected{killed: 1}},
		{"an answer with a pause full of pings", pings, expected{}, expected{}, expected{killed: 1}},
		{"a stream that hung until the upstream cut it", ended(base(), exchange.UpstreamCut, 20, 30*time.Second),
			expected{}, expected{hung: 1, saved: 28}, expected{hung: 1, saved: 30 - 2 + .49}},
		{"a stream that hung under pings", hungWithPings, expected{}, expected{}, expected{hung: 1, saved: 10 - 2 + .49}},
		{"a stream cut after a gap that a ping ended", resumedThenCut, expected{}, expected{hung: 1, saved: 1}, expected{hung: 1, saved: 10 - 2 + .49}},
		{"a client that gave up before the head", ended(base(), exchange.ClientGone, 0, 12*time.Second),
			expected{hung: 1, cutShort: 1, saved: 10}, expected{hung: 1, cutShort: 1, saved: 10}, expected{hung: 1, cutShort: 1, saved: 10}},
		{"a client that gave up sooner", ended(base(), exchange.ClientGone, 0, 1500*ms), expected{unknown: 1}, expected{unknown: 1}, expected{unknown: 1}},
		{"a user that pressed stop", stopped, expected{}, expected{}, expected{}},
		{"a stream that headway's stop cut", ended(base(), exchange.Drained, 20, 3*time.Second),
			expected{}, expected{hung: 1, cutShort: 1, saved: 1}, expected{hung: 1, cutShort: 1, saved: 3 - 2 + .49}},
		{"a gateway that gave up", gatewayTimeout, expected{hung: 1, saved: 58}, expected{hung: 1, saved: 58}, expected{hung: 1, saved: 58}},
		{"a refusal", refused(1), expected{}, expected{}, expected{}},
	} {
		g := advised(t, 0, capture.NewLine(tt.in))
		for kind, want := range map[hindsight.Kind]expected{hindsight.FirstByte: tt.firstByte, hindsight.IdleTime: tt.idle, hindsight.Total: tt.total} {
			r := row(t, g, kind, 2)
			got := expected{r.Killed, r.Hung, r.HungCutShort, r.Saved, r.Unknown}
			if diff := got.saved - want.saved; diff > 1e-5 || diff < -1e-5 {
				t.Errorf("%s, %s: saved %v s, want %v", tt.name, kind, got.saved, want.saved)
			}
			if got.saved = want.saved; got != want {
				t.Errorf("%s, %s: %+v, want %+v", tt.name, kind, got, want)
			}
		}
	}
}

func TestTheBestTimeoutLeavesRoomAboveTheLongestGoodWait(t *testing.T) {
	var slow []capture.Line
	for range 3 { // three of 2,003 may be killed, so the longest pause counts, of a thousand none
		r := stream(1, 300*ms, 10*ms)
		r.Clocks.Upstream.Longest = 4 * time.Second
		slow = append(slow, capture.NewLine(r))
	}
	for _, tt := range []struct {
		name   string
		good   int
		others []capture.Line
		want   float64 // of idle; 0 is no advice
	}{
		{"too few to tell", 99, nil, 0},
		{"no pause", 100, nil, 1},
		{"pauses that matter", 2000, slow, 10},
		{"pauses of fewer than one in a thousand", 3000, slow, 1},
	} {
		best := advised(t, tt.good, tt.others...).Advice[1].Best
		if got := best; tt.want == 0 && got != nil || tt.want > 0 && (got == nil || got.Seconds != tt.want) {
			t.Errorf("%s: %+v, want %v s", tt.name, got, tt.want)
		}
	}
}

// Nobody can know how long a wait would have been that a client's own timeout ended.
func TestTimeoutsOfTheClientsThemselvesAreNamed(t *testing.T) {
	left := func(n int, after, apart time.Duration) []capture.Line {
		var all []capture.Line
		for i := range n {
			all = append(all, capture.NewLine(ended(stream(i, 300*ms, 10*ms), exchange.ClientGone, 0, after+time.Duration(i)*apart)))
		}
		return all
	}
	for _, tt := range []struct {
		name string
		in   []capture.Line
		want *hindsight.GaveUp
	}{
		{"one timeout", left(6, 10*time.Second, 3*ms), &hindsight.GaveUp{Seconds: 10, Clients: 6, Of: 6}},
		{"most of them", slices.Concat(left(6, 10*time.Second, 3*ms), left(3, 2*time.Second, time.Second)), &hindsight.GaveUp{Seconds: 10, Clients: 6, Of: 9}},
		{"few", left(4, 10*time.Second, 3*ms), nil},
		{"each at another time", left(20, 2*time.Second, time.Second), nil},
		{"users that lose patience at once", left(20, 100*ms, ms), nil},
	} {
		got := advised(t, 1, tt.in...).Advice[0].GaveUp
		if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestLinesWithoutTheWaitsAreLeftOut(t *testing.T) {
	old := capture.NewLine(stream(1, 300*ms, 10*ms))
	old.Idle = nil
	if g := advised(t, 5, old, old); g.Unmeasured != 2 || g.Good != 5 {
		t.Errorf("%d unmeasured and %d answered", g.Unmeasured, g.Good)
	}
}

func TestAdviceNamesTheTimeoutsThatHideLongerWaits(t *testing.T) {
	var others []capture.Line
	for i := range 6 {
		pausing := stream(i, 300*ms, 10*ms)
		pausing.Clocks.Upstream.Longest = 4 * time.Second
		others = append(others, capture.NewLine(pausing), capture.NewLine(ended(stream(i, 300*ms, 10*ms), exchange.ClientGone, 9, 5*time.Second)))
	}
	want := "idle between bytes 10s, total 2s. But clients give up after 5s, so nobody knows how longer waits end. They would"
	g := advised(t, 500, others...)
	if got := g.Recommended(); !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAdviceIsOneLine(t *testing.T) {
	few := advised(t, 99)
	if got, want := few.Recommended(), "nothing, because 99 answered exchanges are too few; it takes 100."; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	hung := capture.NewLine(ended(stream(1, 300*ms, 10*ms), exchange.UpstreamCut, 20, 30*time.Second))
	g := advised(t, 1000, hung)
	want := "first byte 1s, idle between bytes 1s, total 2s. They would have killed 0, 0 and 0 of 1000 answered exchanges, and saved 0s, 29s and 28.5s of hung time."
	if got := g.Recommended(); got != want || strings.Contains(got, "\n") {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// A limit has an hour at most, and a wait may have more.
func TestWaitsOfHoursAreTold(t *testing.T) {
	slow := stream(1, 100*ms, 10*ms)
	slow.Timing.End = 2 * time.Hour
	w := hindsight.NewWaits(report.ByNothing)
	for range 100 {
		w.Add(capture.NewLine(slow))
	}
	w.Add(capture.NewLine(ended(stream(2, 100*ms, 10*ms), exchange.UpstreamCut, 3, 10*time.Hour)))
	g := w.Timeouts().Groups[0]
	total := g.Advice[2]
	if total.LongestGood != 7200 || total.Best != nil {
		t.Errorf("longest %v, best %+v", total.LongestGood, total.Best)
	}
	idle := g.Advice[1].Rows[0]
	if want := (10*time.Hour - time.Second).Seconds(); idle.Saved != want {
		t.Errorf("a second of silence at most saves %v of 10 hours, want %v", idle.Saved, want)
	}
	if text := g.Recommended(); !strings.Contains(text, "waited for up to 2h.") {
		t.Error(text)
	}
}
