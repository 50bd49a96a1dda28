package live

import (
	"bytes"
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

func TestTableShowsTheDistributionOfTheWindow(t *testing.T) {
	want := `requests 3   0.3 requests/s   15 output tokens/s   (last 30s)

              p50        p90        p99    samples
  TTFT    80.0 ms   200.0 ms   200.0 ms          2
   ITL    10.0 ms    20.0 ms    20.0 ms        150
  TPOT    10.0 ms    20.0 ms    20.0 ms          2
   E2E     1.08 s     1.20 s     1.20 s          3

outcomes   ok 2  refused 1`
	if got := strings.Join(watched().snapshot().table(80), "\n"); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
}

func TestLineIsOneWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	NewView(time.Now).snapshot().writeLine(&out)
	watched().snapshot().writeLine(&out)
	want := `requests 0, 0.0/s, output tokens 0/s
requests 3, 0.3/s, output tokens 15/s, TTFT p50 80.0 ms p99 200.0 ms, ITL p50 10.0 ms p99 20.0 ms, TPOT p50 10.0 ms p99 20.0 ms, E2E p50 1.08 s p99 1.20 s, ok 2, refused 1
`
	if out.String() != want {
		t.Errorf("the lines are\n%s\nwant\n%s", &out, want)
	}
}

func TestTableShowsRetriesAndSLOs(t *testing.T) {
	v := NewView(func() time.Time { return noon })
	v.SLOs = func(time.Time) slo.Snapshot {
		return slo.Snapshot{SLOs: []slo.Status{{
			Name: "chat", Objective: 99.5, Goodput: []slo.Goodput{{Window: 60, Ratio: new(0.75)}},
			Budget: slo.Budget{Remaining: new(-49.0), BurnRate: new(50.0)},
		}, {Name: "idle", Goodput: []slo.Goodput{{Window: 60}}}}}
	}
	for _, number := range []int{1, 2, 3, 1} {
		v.Observe(exchange.Record{Outcome: exchange.OK, Attempt: exchange.Attempt{Chain: 1, Number: number}})
	}
	want := `outcomes   ok 4
calls      2  retries 2  attempts per call 2.00
SLO        chat  75.0 % good in 1m0s, promised 99.5 %  burn 50.0
           budget left -4900 %
SLO        idle`
	if got := strings.Join(v.snapshot().table(80), "\n"); !strings.HasSuffix(got, want) {
		t.Errorf("the table is\n%s\nwant at its end\n%s", got, want)
	}
	var line bytes.Buffer
	v.snapshot().writeLine(&line)
	want = "calls 2  retries 2  attempts per call 2.00, SLO chat 75.0 % good in 1m0s, promised 99.5 % burn 50.0 budget left -4900 %, SLO idle\n"
	if !strings.HasSuffix(line.String(), want) {
		t.Errorf("the line is\n%s\nwant at its end\n%s", &line, want)
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	s := watched().snapshot()
	for _, outcome := range exchange.Outcomes() {
		s.outcomes[outcome] = 1000
	}
	for columns := 12; columns < 200; columns++ {
		lines := s.table(columns)
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
			if !strings.Contains(text, string(outcome)+" 1000") {
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
	s := v.snapshot()
	if s.total != 3*viewKeeps+1 || s.outcomes[exchange.OK] != s.total {
		t.Errorf("total %d, outcomes %v", s.total, s.outcomes)
	}
	if ttft := s.rows[0]; ttft.samples != 1 || ttft.p99 != time.Millisecond {
		t.Errorf("the window holds %+v", ttft)
	}
}

func TestTableStaysInPlaceOnATerminal(t *testing.T) {
	var out bytes.Buffer
	columns := 80
	s := Screen{out: &out, columns: func() int { return columns }}
	now := watched().snapshot()
	s.draw(now)
	first := out.String()
	if !strings.HasPrefix(first, "\r\x1b[Jrequests 3 ") || strings.Count(first, "\n") != 9 {
		t.Errorf("first: %q", first)
	}
	out.Reset()
	columns = 20
	s.draw(now)
	if second := out.String(); !strings.HasPrefix(second, "\r\x1b[9A\x1b[Jrequests 3 ") {
		t.Errorf("second: %q", second)
	}
}
