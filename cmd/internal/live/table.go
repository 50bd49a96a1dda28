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

// table formats s as lines of at most so many columns, and at most so many of them.
func (s *snapshot) table(columns, rows int) []string {
	lines := append(s.window.table(), "")
	lines = append(lines, s.totals(columns)...)
	for i := range s.slos {
		lines = append(lines, standing(&s.slos[i], columns)...)
	}
	for i, line := range lines {
		if letters := []rune(line); len(letters) > columns {
			lines[i] = string(letters[:columns])
		}
	}
	return lines[:min(len(lines), max(1, rows))]
}

// table formats the rates, latencies and tokens of the window.
func (w *window) table() []string {
	head := fmt.Sprintf("%6s %9s %8s  %8s  %8s", "", "p50", "p90", "p99", "samples")
	if w.withTruth {
		head += fmt.Sprintf(" %11s %9s %8s", "truth p50", "p99", "off by")
	}
	lines := []string{w.rates(), "", head}
	for _, r := range w.rows {
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
func (w *window) rates() string {
	return fmt.Sprintf("last %.0f s   %.1f requests/s   %s", w.span.Seconds(), w.requestsPerSecond, w.tokenRate())
}

// tokenRate formats the rate of output tokens, and of how many answers it is unless of all.
func (w *window) tokenRate() string {
	switch t := w.output; {
	case t.known == 0:
		return absent + " output tokens/s"
	case t.known < t.all:
		return fmt.Sprintf("%.0f output tokens/s (of %d of %d answers)", w.perSecond(t.sum), t.known, t.all)
	default:
		return fmt.Sprintf("%.0f output tokens/s", w.perSecond(t.sum))
	}
}

func (w *window) perSecond(n int64) float64 { return float64(n) / max(w.span, time.Second).Seconds() }

func (w *window) format(r row) string {
	figures := [3]string{absent, absent, absent}
	if r.samples > 0 {
		figures = [3]string{readable(r.p50), readable(r.p90), readable(r.p99)}
	}
	line := fmt.Sprintf("%6s %9s %8s%s %8s%s %8d", r.name, figures[0], figures[1], r.mark(90), figures[2], r.mark(99), r.samples)
	switch t := r.truth; {
	case t != nil:
		line += fmt.Sprintf(" %11s %9s%s%8s", readable(t.p50), readable(t.p99), mark(t.samples, 99), readable(t.off))
	case w.withTruth:
		line += fmt.Sprintf(" %11s %9s %8s", absent, absent, absent)
	}
	return line
}

// needed is the least number of samples of which one lies beyond the percentile.
func needed(percent int) int { return 100 / (100 - percent) }

// mark is behind a percentile: fewMark if it rests on few samples, else a space.
func (r *row) mark(percent int) string { return mark(r.samples, percent) }

func mark(samples, percent int) string {
	if samples > 0 && samples < needed(percent) {
		return fewMark
	}
	return " "
}

// totals formats how all requests and calls so far have ended, in lines of so many columns.
func (s *snapshot) totals(columns int) []string {
	lines := []string{fmt.Sprintf("since the start, %.0f s ago: %d requests", s.ran.Seconds(), s.total)}
	for _, outcome := range exchange.Outcomes() {
		if n := s.outcomes[outcome]; n > 0 {
			lines = append(lines, fmt.Sprintf("%8d %7s  %-13s %s", n, percent(n, s.total), outcome, outcome.Meaning()))
		}
	}
	if s.tunnels > 0 {
		lines = append(lines, fmt.Sprintf("%8d          connections that headway could not read, not among them", s.tunnels))
	}
	if s.total > 0 {
		lines = append(lines, "attempts "+s.attempts())
	}
	if n, _ := s.calls.all(); n > 0 {
		lines = append(lines, s.calls.lines(columns)...)
	}
	return lines
}

// attempts formats how many attempts were answered: each request is one.
func (s *snapshot) attempts() string {
	return fmt.Sprintf("%s answered, of %d", percent(s.outcomes[exchange.OK], s.total), s.total)
}

func percent(n, of int) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of)) }

// writeLine writes s as one line: the figures that tell most, since a line comes every
// second. The table at the end has the others.
func (s *snapshot) writeLine(w io.Writer) {
	parts := []string{
		fmt.Sprintf("requests %d", s.total),
		fmt.Sprintf("%.1f/s", s.window.requestsPerSecond),
	}
	if r := s.window.rows[0]; r.samples > 0 {
		parts = append(parts, fmt.Sprintf("%s p50 %s p99 %s", r.name, readable(r.p50), strings.TrimSpace(readable(r.p99)+r.mark(99))))
	}
	for _, outcome := range exchange.Outcomes() {
		if n := s.outcomes[outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", outcome, n))
		}
	}
	if n, _ := s.calls.all(); n > 0 {
		parts = append(parts, "calls "+s.calls.String())
	}
	for i := range s.slos {
		parts = append(parts, "SLO "+s.slos[i].Name+" "+state(&s.slos[i])[0])
	}
	fmt.Fprintln(w, strings.Join(parts, ", "))
}

// readable formats d for a reader: 1.23 s, 45.6 ms or 789 µs.
func readable(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.0f µs", d.Seconds()*1e6)
}
