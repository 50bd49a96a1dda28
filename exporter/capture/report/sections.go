package report

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// latency prints a distribution; of nil it prints rows without figures.
func (t *table) latency(title, short string, l *Latency) {
	t.title(title, "-")
	if l == nil {
		l = &Latency{}
	}
	t.count("Samples of "+short, l.Count)
	t.quantile("Mean "+short, "", l.Mean, l)
	t.quantile("Median "+short, "", l.P50, l)
	t.quantile("P90 "+short, "p90", l.P90, l)
	t.quantile("P95 "+short, "p95", l.P95, l)
	t.quantile("P99 "+short, "p99", l.P99, l)
}

// answer prints the distribution of TTFA, unless it is that of TTFT: most models do not
// stream what they think.
func (t *table) answer(title, short string, ttfa, ttft *Latency) {
	if ttfa != nil && !ttfa.equal(ttft) {
		t.latency(title, short, ttfa)
	}
}

// ended prints the times until exchanges or calls ended that brought no answer, if there
// are any.
func (t *table) ended(title string, l *Latency) {
	if l == nil {
		return
	}
	t.title(title, "-")
	t.count("Samples", l.Count)
	t.quantile("Mean", "", l.Mean, l)
	t.quantile("Median", "", l.P50, l)
	t.quantile("P99", "p99", l.P99, l)
}

// itl prints percentiles over requests, and says so: a load-test tool pools the gaps of
// all requests instead.
func (t *table) itl(g Group) {
	t.title("Inter-token Latency, by request", "-")
	p50, p99 := g.ITLP50, g.ITLP99
	if p50 == nil {
		p50, p99 = &Latency{}, &Latency{}
	}
	t.count("Samples of ITL", p50.Count)
	t.quantile("Median of requests' P50 ITL", "", p50.P50, p50)
	t.quantile("P99 of requests' P50 ITL", "p99", p50.P99, p50)
	t.quantile("Median of requests' P99 ITL", "", p99.P50, p99)
	t.quantile("P99 of requests' P99 ITL", "p99", p99.P99, p99)
	if g.ITLMax == nil {
		t.number("Max ITL (ms)", nil)
		return
	}
	t.millis("Max ITL", *g.ITLMax)
}

// quantile prints a figure of l, and marks it if it rests on few samples. The name is that
// of a percentile, or empty.
func (t *table) quantile(label, name string, seconds float64, l *Latency) {
	label += " (ms)"
	switch {
	case l.Count == 0:
		t.row(label, absent)
	case l.few(name):
		t.marked = true
		t.row(label, number(new(seconds*1000))+" "+fewMark)
	default:
		t.number(label, new(seconds*1000))
	}
}

// calls prints what users felt, who see calls and not attempts.
func (t *table) calls(c *Calls) {
	t.title("Calls, all attempts together", "-")
	t.count("Calls", c.Calls)
	if c.Open > 0 {
		t.row("Calls not over yet", fmt.Sprintf("%d (left out; their last attempt failed, and another may follow)", c.Open))
	}
	mark := c.mark()
	t.row("Answered calls (%)", number(percent(share(float64(c.Answered), float64(c.Calls))))+mark)
	t.row("Answered attempts of these calls (%)", number(percent(share(float64(c.Answered), float64(c.Attempts))))+mark)
	t.row("Attempts per call", number(c.Amplification)+mark)
	t.row("Time in failed attempts (%)", number(percent(c.WastedShare))+mark)
	t.number("Time in failed attempts (s)", &c.Wasted)
	t.number("Time slept between attempts (s)", &c.Slept)
	if c.WastedInput != nil {
		t.row("Input tokens wasted, where known", strconv.FormatInt(*c.WastedInput, 10))
	}
	if c.WastedOutput != nil {
		t.row("Output tokens thrown away, where known", strconv.FormatInt(*c.WastedOutput, 10))
	}
	t.costs("Cost of failed attempts, where known", c.WastedCosts, 0)
	for _, row := range []struct {
		label string
		n     int
	}{
		{"Retries sooner than asked", c.Ignored},
		{"Calls that fell back", c.Fallbacks},
		{"Calls joined ambiguously", c.Ambiguous},
	} {
		if row.n > 0 {
			t.count(row.label, row.n)
		}
	}
	t.latency("User-felt Time to First Token", "user-felt TTFT", c.TTFT)
	t.answer("User-felt Time to First Answer Token", "user-felt TTFA", c.TTFA, c.TTFT)
	t.latency("User-felt End-to-end Latency", "user-felt E2EL", c.E2E)
	t.ended("Failed calls, time until they ended", c.FailedE2E)
	t.ended("Abandoned calls, time until then", c.LeftE2E)
	outcomes(t, "Outcomes of calls", c.Outcomes, exchange.ChainOutcomes(), c.Calls, mark)
}

// mark is behind a figure about all calls: openMark if some are not over.
func (c *Calls) mark() string {
	if c.Open > 0 {
		return " " + openMark
	}
	return ""
}

// goodput prints the goodput of requests, and beside it that of calls if the capture knows
// calls: a call with failed attempts may be good, so the two differ.
func (t *table) goodput(g *Goodput, calls *Calls) {
	if g == nil {
		return
	}
	t.title("Goodput", "-")
	t.row("Objectives", g.Objectives)
	columns := columns{g}
	if calls != nil && calls.Goodput != nil {
		columns = append(columns, calls.Goodput)
		t.printf("%-40s %-12s %s\n", "", "requests", "calls")
	}
	t.across("Counted", columns, func(of *Goodput) string { return strconv.Itoa(of.Counted) })
	t.across("Good", columns, func(of *Goodput) string { return strconv.Itoa(of.Good) })
	t.across("Good, of those counted (%)", columns, func(of *Goodput) string {
		if of == g {
			return number(percent(of.Share))
		}
		return number(percent(of.Share)) + calls.mark()
	})
	for _, by := range append(judged(), exchange.Error) {
		t.counts("Missed by "+by.String(), columns, func(of *Goodput) int { return of.Missed[by.String()] })
	}
	t.counts("Not counted: client left in time", columns, func(of *Goodput) int { return of.Excluded })
	for _, name := range g.Unjudged {
		t.row("Objective that judged nothing", name+": no request has such a value")
	}
}

// columns are the goodputs that stand side by side.
type columns []*Goodput

// across prints a row with a value for each column.
func (t *table) across(label string, all columns, value func(*Goodput) string) {
	t.printf("%-40s", label+":")
	for _, of := range all[:len(all)-1] {
		t.printf(" %-12s", value(of))
	}
	t.printf(" %s\n", value(all[len(all)-1]))
}

// counts prints a row of counts, unless all are 0.
func (t *table) counts(label string, all columns, n func(*Goodput) int) {
	if slices.ContainsFunc(all, func(of *Goodput) bool { return n(of) > 0 }) {
		t.across(label, all, func(of *Goodput) string { return strconv.Itoa(n(of)) })
	}
}
