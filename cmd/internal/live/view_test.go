package live

import (
	"bytes"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// noon is the time at which the views of these tests begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// streamed is a successful stream: its first token came after ttft, each further one a
// gap later.
func streamed(ttft, gap time.Duration, tokens int) exchange.Record {
	r := exchange.Record{Outcome: exchange.OK, Stream: true}
	for i := range tokens {
		r.Chunks.Add(exchange.Chunk{At: ttft + time.Duration(i)*gap, Tokens: 1})
	}
	r.Usage.Output, r.Usage.Streamed = exchange.Known(int64(tokens)), exchange.Known(int64(tokens))
	r.Timing.FirstToken = ttft
	r.Timing.LastToken = ttft + time.Duration(tokens-1)*gap
	r.Timing.End = r.Timing.LastToken + time.Millisecond
	return r
}

// watched returns a view ten seconds after its first exchange.
func watched() *View {
	now := noon
	v := NewView(func() time.Time { return now })
	v.Observe(streamed(80*time.Millisecond, 10*time.Millisecond, 101))
	v.Observe(streamed(200*time.Millisecond, 20*time.Millisecond, 51))
	v.Observe(exchange.Record{Outcome: exchange.Refused, Timing: exchange.Timing{End: 700 * time.Microsecond}})
	now = now.Add(10 * time.Second)
	return v
}

func tableOf(v *View) string { return strings.Join(frameOf(v).lines(lanes{}, 80, usualRows), "\n") }

// frameOf is what a screen shows of v alone.
func frameOf(v *View) *Frame { return &Frame{Summary: *v.Summary()} }

func TestTableShowsTheDistributionOfTheWindow(t *testing.T) {
	want := `last 10 s   0.3 requests/s   15 output tokens/s

             p50      p90       p99   samples
  TTFT   80.0 ms 200.0 ms* 200.0 ms*        2
   ITL   10.0 ms  20.0 ms   20.0 ms       150
  TPOT   10.0 ms  20.0 ms*  20.0 ms*        2
   E2E    1.08 s   1.20 s*   1.20 s*        2
failed    700 µs   700 µs*   700 µs*        1

since the start, 10 s ago: 3 requests
       2  66.7 %  ok            answered
       1  33.3 %  refused       turned away: 429, 503, 529 or headway stopping
attempts 66.7 % answered, of 3`
	if got := tableOf(watched()); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

func TestLineIsOneWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	frameOf(NewView(func() time.Time { return noon })).writeLine(&out)
	frameOf(watched()).writeLine(&out)
	want := `requests 0, 0.0/s
requests 3, 0.3/s, TTFT p50 80.0 ms p99 200.0 ms*, ok 2, refused 1
`
	if out.String() != want {
		t.Errorf("the lines are\n%s\nwant\n%s", &out, want)
	}
}

func TestFailuresDoNotMakeLatencyBetter(t *testing.T) {
	v := watched()
	before := v.Summary().Window.Rows
	for _, outcome := range exchange.Outcomes()[1:] {
		quick := streamed(time.Millisecond, time.Microsecond, 2)
		quick.Outcome = outcome
		v.Observe(quick)
	}
	after := v.Summary().Window.Rows
	for i := range answeredRows {
		if before[i] != after[i] {
			t.Errorf("%+v became %+v", before[i], after[i])
		}
	}
	if rows := after[answeredRows:]; len(rows) != 2 || rows[0].Samples != 1+len(exchange.Outcomes())-2 || rows[1].Samples != 1 {
		t.Errorf("failed and left: %+v", rows)
	}
}

func TestUnknownTokensAreNotZero(t *testing.T) {
	v := NewView(func() time.Time { return noon })
	untold := streamed(time.Millisecond, time.Millisecond, 2)
	untold.Operation, untold.Usage = exchange.Chat, exchange.Usage{}
	embeddings := exchange.Record{Outcome: exchange.OK, Operation: exchange.Embeddings}
	for _, step := range []struct {
		add  exchange.Record
		want string
	}{
		{embeddings, "– output tokens/s"},
		{untold, "– output tokens/s"},
		{streamed(time.Millisecond, time.Millisecond, 3), "3 output tokens/s (of 1 of 2 answers)"},
	} {
		v.Observe(step.add)
		if got := tableOf(v); !strings.Contains(got, "   "+step.want+"\n") {
			t.Errorf("no %q in\n%s", step.want, got)
		}
	}
}

func TestConnectionsThatHeadwayCouldNotReadAreApart(t *testing.T) {
	v := watched()
	before := v.Summary()
	for _, mode := range []exchange.Mode{exchange.Upgraded, exchange.Sealed, exchange.Raw} {
		hour := streamed(time.Second, time.Second, 3600)
		hour.Mode = mode
		v.Observe(hour)
	}
	after := v.Summary()
	if after.Requests != before.Requests || !slices.Equal(after.Window.Rows, before.Window.Rows) {
		t.Errorf("%d requests, %+v; want %d, %+v", after.Requests, after.Window.Rows, before.Requests, before.Window.Rows)
	}
	if want := "\n       3          connections that headway could not read, not among them\n"; !strings.Contains(tableOf(v), want) {
		t.Errorf("no %q in\n%s", want, tableOf(v))
	}
}

func TestTableShowsAttemptsBesideCalls(t *testing.T) {
	v := NewView(func() time.Time { return noon })
	for _, outcome := range []exchange.Outcome{exchange.Refused, exchange.Refused, exchange.OK, exchange.OK} {
		v.Observe(exchange.Record{Outcome: outcome})
	}
	v.ObserveChain(exchange.Chain{Outcome: exchange.Recovered, Attempts: 3})
	v.ObserveChain(exchange.Chain{Outcome: exchange.FirstTry, Attempts: 1})
	want := `
attempts 50.0 % answered, of 4
calls    100.0 % answered, of 2 in 4 attempts`
	if got := tableOf(v); !strings.HasSuffix(got, want) {
		t.Errorf("the table is\n%s\nwant at its end\n%s", got, want)
	}
}

// Calls that fail are over later than those that are answered. Until then a share of the
// calls that are over would count the answered alone.
func TestCallsThatAreNotOverAreCounted(t *testing.T) {
	v := NewView(func() time.Time { return noon })
	attempt := func(chain exchange.ChainID, outcome exchange.Outcome, ends exchange.ChainOutcome) {
		v.Observe(exchange.Record{Outcome: outcome, Attempt: exchange.Attempt{Chain: chain, Outcome: ends}})
	}
	attempt(1, exchange.OK, exchange.FirstTry)
	v.ObserveChain(exchange.Chain{ID: 1, Outcome: exchange.FirstTry, Attempts: 1})
	for range 2 {
		attempt(2, exchange.Refused, "")
		attempt(3, exchange.Refused, "")
	}
	attempt(4, exchange.Refused, "")
	for _, step := range []struct{ name, want, line string }{
		{"all that failed are open", `
attempts 16.7 % answered, of 6
calls    25.0 % answered, of 4 in 6 attempts:
    1 answered   0 abandoned   0 failed   3 waiting for another attempt`,
			"calls 25.0 % answered of 4 (1 answered, 0 abandoned, 0 failed, 3 waiting for another attempt)\n"},
		{"one is over", `
attempts 16.7 % answered, of 6
calls    25.0 % answered, of 4 in 6 attempts:
    1 answered   0 abandoned   1 failed   2 waiting for another attempt`,
			"calls 25.0 % answered of 4 (1 answered, 0 abandoned, 1 failed, 2 waiting for another attempt)\n"},
		{"all are over", `
attempts 16.7 % answered, of 6
calls    25.0 % answered, of 4 in 6 attempts`, "calls 25.0 % answered\n"},
	} {
		switch step.name {
		case "one is over":
			v.ObserveChain(exchange.Chain{ID: 2, Outcome: exchange.Exhausted, Attempts: 2})
		case "all are over":
			v.ObserveChain(exchange.Chain{ID: 3, Outcome: exchange.Abandoned, Attempts: 2})
			v.ObserveChain(exchange.Chain{ID: 4, Outcome: exchange.Exhausted, Attempts: 1})
		}
		if got := tableOf(v); !strings.HasSuffix(got, step.want) {
			t.Errorf("%s: the table is\n%s\nwant at its end\n%s", step.name, got, step.want)
		}
		var line bytes.Buffer
		if frameOf(v).writeLine(&line); !strings.HasSuffix(line.String(), step.line) {
			t.Errorf("%s: the line is %s, want at its end %s", step.name, &line, step.line)
		}
	}
}

// The end of the program cuts exchanges, and closes the calls that wait.
func TestAClosedViewCountsTheEndsOfItsCallsAlone(t *testing.T) {
	v := NewView(func() time.Time { return noon })
	v.Observe(exchange.Record{Outcome: exchange.Refused, Attempt: exchange.Attempt{Chain: 1}})
	v.Close()
	for _, chain := range []exchange.ChainID{1, 2} { // an attempt of both is under way
		v.Observe(exchange.Record{Outcome: exchange.ClientGone, Attempt: exchange.Attempt{Chain: chain}})
		v.ObserveChain(exchange.Chain{ID: chain, Outcome: exchange.Abandoned, Attempts: 2})
	}
	want := `
attempts 0.0 % answered, of 1
calls    0.0 % answered, of 1 in 1 attempts`
	if got := tableOf(v); !strings.HasSuffix(got, want) {
		t.Errorf("the table is\n%s\nwant at its end\n%s", got, want)
	}
}

func TestTableShowsSLOs(t *testing.T) {
	v := NewView(func() time.Time { return noon })
	v.SLOs = func(time.Time) slo.Snapshot {
		minute := slo.Goodput{Window: 60, Ratio: new(0.75)}
		return slo.Snapshot{SLOs: []slo.Status{{
			Name: "overdrawn", Objective: 99.5, Judge: slo.Attempt, Limits: map[string]float64{"tpot": .15, "ttft": 1}, Goodput: []slo.Goodput{minute},
			Budget: slo.Budget{Remaining: new(-11.19), BurnRate: new(12.19)},
		}, {
			Name: "kept", Objective: 97, Judge: slo.Chain, Goodput: []slo.Goodput{{Window: 3600}},
			Budget: slo.Budget{Remaining: new(0.875)},
		}, {
			Name: "idle", Objective: 99, Judge: slo.Chain, Goodput: []slo.Goodput{{Window: 60}},
		}, {
			Name: "typo", Unmatched: true, Objective: 99, Judge: slo.Chain,
		}}}
	}
	want := `SLO overdrawn: 99.5 % of attempts with ttft ≤ 1s, tpot ≤ 150ms
    last 1m: 75.0 % good   error budget: 12.2 × spent
    burn rate: 12.2 (1 is sustainable)
SLO kept: 97 % of calls
    last 1h: – good   error budget: 88 % left
SLO idle: 99 % of calls
    nothing to judge yet
SLO typo: 99 % of calls
    it has matched no request so far: does its match fit them?`
	if got := tableOf(v); !strings.HasSuffix(got, want) {
		t.Errorf("the table is\n%s\nwant at its end\n%s", got, want)
	}
	var line bytes.Buffer
	frameOf(v).writeLine(&line)
	want = "SLO overdrawn last 1m: 75.0 % good, SLO kept last 1h: – good, SLO idle nothing to judge yet, SLO typo it has matched no request so far: does its match fit them?\n"
	if !strings.HasSuffix(line.String(), want) {
		t.Errorf("the line is\n%s\nwant at its end\n%s", &line, want)
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	s := frameOf(watched())
	for _, outcome := range exchange.Outcomes() {
		s.Outcomes[outcome] = 1000
	}
	for columns := 12; columns < 200; columns++ {
		lines := s.lines(lanes{}, columns, usualRows)
		for _, line := range lines {
			if n := len([]rune(line)); n > columns {
				t.Errorf("%d columns in %d: %q", n, columns, line)
			}
		}
		if columns < 40 {
			continue
		}
		text := strings.Join(lines, "\n")
		for _, outcome := range exchange.Outcomes() {
			if !regexp.MustCompile(`(?m)^ +1000 [ \d.]+ %  ` + string(outcome) + ` `).MatchString(text) {
				t.Errorf("%s is missing in %d columns:\n%s", outcome, columns, text)
			}
		}
	}
}

func TestOldExchangesLeaveTheWindowAndNotTheCount(t *testing.T) {
	now := noon
	v := NewView(func() time.Time { return now })
	for range 3 * viewKeeps {
		v.Observe(streamed(time.Second, time.Millisecond, 2))
	}
	if kept := len(v.recent); kept > viewKeeps {
		t.Errorf("%d exchanges are kept", kept)
	}
	now = now.Add(viewWindow + time.Second)
	v.Observe(streamed(time.Millisecond, time.Millisecond, 2))
	s := v.Summary()
	if s.Requests != 3*viewKeeps+1 || s.Outcomes[exchange.OK] != s.Requests {
		t.Errorf("total %d, outcomes %v", s.Requests, s.Outcomes)
	}
	if ttft := s.Window.Rows[0]; ttft.Samples != 1 || ttft.P99 != Seconds(time.Millisecond) {
		t.Errorf("the window holds %+v", ttft)
	}
}

func TestTableStaysInPlaceOnATerminal(t *testing.T) {
	var out bytes.Buffer
	columns, rows := 80, 40
	s := Screen{out: &out, lanes: lanes{}, size: func() (int, int) { return columns, rows }}
	now := frameOf(watched())
	s.draw(now)
	first := out.String()
	if !strings.HasPrefix(first, "\r\x1b[Jlast 10 s ") || strings.Count(first, "\n") != 13 {
		t.Errorf("first: %q", first)
	}
	out.Reset()
	columns, rows = 20, 10
	s.draw(now)
	if second := out.String(); !strings.HasPrefix(second, "\r\x1b[13A\x1b[Jlast 10 s ") || strings.Count(second, "\n") != 9 {
		t.Errorf("second: %q", second)
	}
	out.Reset()
	s.draw(now)
	if third := out.String(); !strings.HasPrefix(third, "\r\x1b[9A\x1b[J") {
		t.Errorf("on a terminal with fewer lines than the table: %q", third)
	}
}

func TestTheWindowIsNotLongerThanWhatIsKept(t *testing.T) {
	now := noon
	v := NewView(func() time.Time { return now })
	for range viewKeeps + viewKeeps/2 { // 100 a second, for the last 30 s
		now = now.Add(10 * time.Millisecond)
		v.Observe(streamed(time.Millisecond, time.Millisecond, 2))
	}
	if w := v.Summary().Window; math.Abs(w.RequestsPerSecond-100) > .1 || time.Duration(w.Span) >= viewWindow {
		t.Errorf("%v requests/s within %v, want 100 in less than %v", w.RequestsPerSecond, time.Duration(w.Span), viewWindow)
	}
}
