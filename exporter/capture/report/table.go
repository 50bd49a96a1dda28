package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// tableWidth is that of the load-test tools, so that the two tables can stand side by
// side.
const tableWidth = 50

// WriteTable prints s as a load-test tool prints its result. It returns the first error
// of w, and prints nothing after it.
func (s Summary) WriteTable(w io.Writer) error {
	t := &table{w: w}
	t.group("Production traffic", s.All, s.Duration)
	for _, g := range s.Groups {
		name := g.Name
		if name == "" {
			name = "(unknown)"
		}
		t.printf("\n")
		t.group(name, g, s.Duration)
	}
	t.printf("Latencies and tokens are of successful exchanges, rates are over the whole capture.\n")
	if s.Canaries > 0 {
		t.printf("Left out, canaries: %d.\n", s.Canaries)
	}
	if s.Others > 0 {
		t.printf("Left out, exchanges of no known dialect: %d.\n", s.Others)
	}
	return t.err
}

// table prints rows and remembers the first error.
type table struct {
	w   io.Writer
	err error
}

func (t *table) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

func (t *table) title(text string, fill string) {
	room := max(0, tableWidth-len([]rune(text)))
	t.printf("%s%s%s\n", strings.Repeat(fill, room/2), text, strings.Repeat(fill, room-room/2))
}

func (t *table) count(label string, n int64)       { t.printf("%-40s %d\n", label+":", n) }
func (t *table) number(label string, v float64)    { t.printf("%-40s %.2f\n", label+":", v) }
func (t *table) millis(label string, secs float64) { t.number(label+" (ms)", secs*1000) }

func (t *table) group(name string, g Group, seconds float64) {
	t.title(" "+name+" ", "=")
	t.count("Successful requests", int64(g.Successful))
	t.count("Failed requests", int64(g.Exchanges-g.Successful))
	t.number("Duration (s)", seconds)
	t.count("Total input tokens", g.InputTokens)
	t.count("Total generated tokens", g.OutputTokens)
	if g.WithoutTokens > 0 {
		t.count("Requests without a token count", int64(g.WithoutTokens))
	}
	t.number("Request throughput (req/s)", g.RequestRate)
	if g.Goodput != nil {
		t.number("Request goodput (req/s)", g.Goodput.Rate)
	}
	t.number("Output token throughput (tok/s)", g.OutputRate)
	t.number("Total token throughput (tok/s)", g.TokenRate)
	t.number("Mean concurrent requests", g.MeanConcurrency)
	t.count("Peak concurrent requests", int64(g.PeakConcurrency))
	t.latency("Time to First Token", "TTFT", g.TTFT)
	t.latency("Time per Output Token (excl. 1st token)", "TPOT", g.TPOT)
	t.itl(g)
	t.latency("End-to-end Latency", "E2EL", g.E2E)
	if g.Goodput != nil {
		t.goodput("Goodput", "requests", g.Goodput)
	}
	outcomes(t, "Outcomes", g.Outcomes, exchange.Outcomes(), g.Exchanges)
	if g.Calls != nil {
		t.calls(g.Calls)
	}
	t.printf("%s\n", strings.Repeat("=", tableWidth))
}

func (t *table) latency(title, short string, l *Latency) {
	if l == nil {
		return
	}
	t.title(title, "-")
	t.millis("Mean "+short, l.Mean)
	t.millis("Median "+short, l.P50)
	t.millis("P90 "+short, l.P90)
	t.millis("P95 "+short, l.P95)
	t.millis("P99 "+short, l.P99)
}

// itl prints percentiles over requests, and says so: a load-test tool pools the gaps of
// all requests instead.
func (t *table) itl(g Group) {
	if g.ITLP50 == nil {
		return
	}
	t.title("Inter-token Latency, by request", "-")
	t.millis("Median of requests' P50 ITL", g.ITLP50.P50)
	t.millis("P99 of requests' P50 ITL", g.ITLP50.P99)
	t.millis("Median of requests' P99 ITL", g.ITLP99.P50)
	t.millis("P99 of requests' P99 ITL", g.ITLP99.P99)
	t.millis("Max ITL", g.ITLMax)
}

// calls prints what users felt, who see calls and not attempts.
func (t *table) calls(c *Calls) {
	t.title("Calls, all attempts together", "-")
	t.count("Calls", int64(c.Calls))
	t.number("Attempts per call", c.Amplification)
	t.number("Time in failed attempts (%)", c.WastedShare*100)
	t.number("Time in failed attempts (s)", c.Wasted)
	t.number("Time slept between attempts (s)", c.Slept)
	for _, row := range []struct {
		label string
		n     int64
	}{
		{"Input tokens wasted, where known", c.WastedInput},
		{"Output tokens thrown away", c.WastedOutput},
		{"Retries sooner than asked", int64(c.Ignored)},
		{"Calls that fell back", int64(c.Fallbacks)},
		{"Calls joined ambiguously", int64(c.Ambiguous)},
	} {
		if row.n > 0 {
			t.count(row.label, row.n)
		}
	}
	t.latency("User-felt Time to First Token", "user-felt TTFT", c.TTFT)
	t.latency("User-felt End-to-end Latency", "user-felt E2EL", c.E2E)
	if c.Goodput != nil {
		t.goodput("Goodput of calls", "calls", c.Goodput)
	}
	outcomes(t, "Outcomes of calls", c.Outcomes, exchange.ChainOutcomes(), c.Calls)
}

func (t *table) goodput(title, of string, g *Goodput) {
	t.title(title, "-")
	t.printf("%-40s %s\n", "Objectives:", g.Objectives)
	t.count("Good "+of, int64(g.Good))
	t.number("Share of counted "+of+" (%)", g.Share*100)
	for _, by := range append(judged(), exchange.Error) {
		if n := g.Missed[by.String()]; n > 0 {
			t.count("Missed by "+by.String(), int64(n))
		}
	}
	if g.Excluded > 0 {
		t.count("Not counted: client left in time", int64(g.Excluded))
	}
}

// outcomes prints how many of all had each outcome, the known outcomes first.
func outcomes[O ~string](t *table, title string, counts map[string]int, known []O, all int) {
	t.title(title, "-")
	rest := maps.Clone(counts)
	row := func(name string) {
		if n := rest[name]; n > 0 {
			t.printf("%-40s %d (%.2f %%)\n", name+":", n, 100*float64(n)/float64(all))
		}
		delete(rest, name)
	}
	for _, o := range known {
		row(string(o))
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		row(name)
	}
}
