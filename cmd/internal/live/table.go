package live

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	absent  = "–" // stands for a figure without data
	fewMark = "*" // marks a percentile of few samples
)

// Legend says how to read the table.
func Legend() string {
	return fmt.Sprintf(`TTFT, ITL, TPOT and E2E are of answered requests. failed and left are the times
until a request failed, or its client left. truth is what the model server noted
by its own clock, and off by is the median difference of a request. %s marks a
percentile of few samples: fewer than %d for a p90, %d for a p99.

A few answers report no usage. There headway counts one token a chunk, though a
chunk may hold several: such a count is below the truth, and its TPOT above.
A call that fails is over only when its client has stopped trying. Until then it
is waiting for another attempt.
`, fewMark, needed(90), needed(99))
}

// table formats s as lines of about so many columns.
func (s *Summary) table(columns int) []string {
	lines := append(s.Window.table(), "")
	lines = append(lines, s.totals(columns)...)
	for i := range s.SLOs {
		lines = append(lines, standing(&s.SLOs[i], columns)...)
	}
	return lines
}

// table formats the rates, latencies and tokens of the window.
func (w *Window) table() []string {
	head := fmt.Sprintf("%6s %9s %8s  %8s  %8s", "", "p50", "p90", "p99", "samples")
	if w.withTruth {
		head += fmt.Sprintf(" %11s %9s %8s", "truth p50", "p99", "off by")
	}
	lines := []string{w.rates(), "", head}
	for _, r := range w.Rows {
		lines = append(lines, w.format(r))
	}
	if c := w.reported; c.all > 0 {
		lines = append(lines, fmt.Sprintf("output tokens, reported: %d, truth %d; equal in %d of %d answers.", c.measured, c.truth, c.equal, c.all))
	}
	if c := w.counted; c.all > 0 {
		lines = append(lines, fmt.Sprintf("output tokens, counted by chunks: %d, truth %d, in %d answers.", c.measured, c.truth, c.all))
	}
	return lines
}

// rates formats the rates of the window.
func (w *Window) rates() string {
	return fmt.Sprintf("last %.0f s   %.1f requests/s   %s", time.Duration(w.Span).Seconds(), w.RequestsPerSecond, w.tokenRate())
}

// tokenRate formats the rate of output tokens, and of how many answers it is unless of all.
func (w *Window) tokenRate() string {
	switch t := w.Output; {
	case t.Known == 0:
		return absent + " output tokens/s"
	case t.Known < t.All:
		return fmt.Sprintf("%.0f output tokens/s (of %d of %d answers)", w.perSecond(t.Sum), t.Known, t.All)
	default:
		return fmt.Sprintf("%.0f output tokens/s", w.perSecond(t.Sum))
	}
}

func (w *Window) perSecond(n int64) float64 {
	return float64(n) / max(time.Duration(w.Span), time.Second).Seconds()
}

func (w *Window) format(r Row) string {
	figures := [3]string{absent, absent, absent}
	if r.Samples > 0 {
		figures = [3]string{readable(r.P50), readable(r.P90), readable(r.P99)}
	}
	line := fmt.Sprintf("%6s %9s %8s%s %8s%s %8d", r.Name, figures[0], figures[1], r.mark(90), figures[2], r.mark(99), r.Samples)
	switch t := r.truth; {
	case t != nil:
		line += fmt.Sprintf(" %11s %9s%s%8s", readable(Seconds(t.p50)), readable(Seconds(t.p99)), mark(t.samples, 99), readable(Seconds(t.off)))
	case w.withTruth:
		line += fmt.Sprintf(" %11s %9s %8s", absent, absent, absent)
	}
	return line
}

// needed is the least number of samples of which one lies beyond the percentile.
func needed(percent int) int { return 100 / (100 - percent) }

// mark is behind a percentile: fewMark if it rests on few samples, else a space.
func (r *Row) mark(percent int) string { return mark(r.Samples, percent) }

func mark(samples, percent int) string {
	if samples > 0 && samples < needed(percent) {
		return fewMark
	}
	return " "
}

// totals formats how all requests and calls so far have ended, in lines of so many columns.
func (s *Summary) totals(columns int) []string {
	lines := []string{fmt.Sprintf("since the start, %.0f s ago: %d requests", time.Duration(s.Ran).Seconds(), s.Requests)}
	for _, outcome := range exchange.Outcomes() {
		if n := s.Outcomes[outcome]; n > 0 {
			lines = append(lines, fmt.Sprintf("%8d %7s  %-13s %s", n, percent(n, s.Requests), outcome, outcome.Meaning()))
		}
	}
	if s.Unreadable > 0 {
		lines = append(lines, fmt.Sprintf("%8d          connections that headway could not read, not among them", s.Unreadable))
	}
	if s.Requests > 0 {
		lines = append(lines, "attempts "+s.attempts())
	}
	if n := s.Calls.all(); n > 0 {
		lines = append(lines, s.Calls.lines(columns)...)
	}
	return lines
}

// attempts formats how many attempts were answered: each request is one.
func (s *Summary) attempts() string {
	return fmt.Sprintf("%s answered, of %d", percent(s.Outcomes[exchange.OK], s.Requests), s.Requests)
}

func percent(n, of int) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of)) }

// writeLine writes f as one line: the figures that tell most, since a line comes every
// second. The table at the end has the others.
func (f *Frame) writeLine(w io.Writer) {
	fmt.Fprintln(w, strings.Join(append(f.parts(), alarms(f.Drift)...), ", "))
}

// parts formats the figures of a line.
func (s *Summary) parts() []string {
	parts := []string{
		fmt.Sprintf("requests %d", s.Requests),
		fmt.Sprintf("%.1f/s", s.Window.RequestsPerSecond),
	}
	if r := s.Window.Rows[0]; r.Samples > 0 {
		parts = append(parts, fmt.Sprintf("%s p50 %s p99 %s", r.Name, readable(r.P50), strings.TrimSpace(readable(r.P99)+r.mark(99))))
	}
	for _, outcome := range exchange.Outcomes() {
		if n := s.Outcomes[outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", outcome, n))
		}
	}
	if n := s.Calls.all(); n > 0 {
		parts = append(parts, "calls "+s.Calls.String())
	}
	for i := range s.SLOs {
		parts = append(parts, "SLO "+s.SLOs[i].Name+" "+state(&s.SLOs[i])[0])
	}
	return parts
}

// readable formats d for a reader: 1.23 s, 45.6 ms or 789 µs.
func readable(s Seconds) string {
	switch d := time.Duration(s); {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	default:
		return fmt.Sprintf("%.0f µs", d.Seconds()*1e6)
	}
}
