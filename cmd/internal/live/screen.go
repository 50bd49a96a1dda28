package live

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/slo"
)

// usualColumns is the width of a table where no terminal gives another width.
const usualColumns = 80

// Screen shows a View: as a table that stays in place on a terminal, else as one
// line after another.
type Screen struct {
	out     io.Writer
	columns func() int // of the terminal; nil if out is no terminal
	drawn   int        // lines of the table that is on the terminal
}

// NewScreen returns a Screen that writes to out.
func NewScreen(out io.Writer) *Screen {
	s := &Screen{out: out}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.columns = func() int {
			if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
				return columns
			}
			return usualColumns
		}
	}
	return s
}

// Follow shows v again and again until ctx ends, and then once more.
func (s *Screen) Follow(ctx context.Context, v *View, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.draw(v.snapshot())
			return
		case <-tick.C:
		}
		if s.columns == nil {
			v.snapshot().writeLine(s.out)
			continue
		}
		s.draw(v.snapshot())
	}
}

// draw writes now as a table. On a terminal the table replaces the one before.
func (s *Screen) draw(now snapshot) {
	var b bytes.Buffer
	columns := usualColumns
	if s.columns != nil {
		columns = s.columns()
		b.WriteString("\r") // the terminal may have echoed a Ctrl-C
		if s.drawn > 0 {
			fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
		}
		b.WriteString("\x1b[J")
	}
	lines := now.table(columns)
	s.drawn = len(lines)
	fmt.Fprintln(&b, strings.Join(lines, "\n"))
	_, _ = s.out.Write(b.Bytes()) // a terminal that went away needs no table
}

// table formats s as lines of at most so many columns.
func (s snapshot) table(columns int) []string {
	lines := []string{
		fmt.Sprintf("requests %d   %.1f requests/s   %.0f output tokens/s   (last %v)", s.total, s.requestsPerSecond, s.tokensPerSecond, viewWindow),
		"",
		fmt.Sprintf("%6s %10s %10s %10s %10s", "", "p50", "p90", "p99", "samples"),
	}
	for _, r := range s.rows {
		lines = append(lines, fmt.Sprintf("%6s %10s %10s %10s %10d", r.name, readable(r.p50), readable(r.p90), readable(r.p99), r.samples))
	}
	lines = append(lines, "")
	lines = append(lines, wrap("outcomes ", s.listOutcomes(), columns)...)
	if s.calls > 0 {
		lines = append(lines, "calls      "+s.amplification())
	}
	for i := range s.slos {
		lines = append(lines, wrap("SLO      ", standing(&s.slos[i]), columns)...)
	}
	for i, line := range lines {
		if letters := []rune(line); len(letters) > columns {
			lines[i] = string(letters[:columns])
		}
	}
	return lines
}

// wrap puts parts behind the heading. Parts that do not fit go to further lines.
func wrap(heading string, parts []string, columns int) []string {
	lines := []string{heading}
	for _, part := range parts {
		last := len(lines) - 1
		if len(lines[last])+2+len(part) > columns && lines[last] != heading {
			lines = append(lines, strings.Repeat(" ", len(heading)))
			last++
		}
		lines[last] += "  " + part
	}
	return lines
}

// writeLine writes s as one line.
func (s snapshot) writeLine(w io.Writer) {
	parts := []string{fmt.Sprintf("requests %d, %.1f/s", s.total, s.requestsPerSecond), fmt.Sprintf("output tokens %.0f/s", s.tokensPerSecond)}
	for _, r := range s.rows {
		parts = append(parts, fmt.Sprintf("%s p50 %s p99 %s", r.name, readable(r.p50), readable(r.p99)))
	}
	parts = append(parts, s.listOutcomes()...)
	if s.calls > 0 {
		parts = append(parts, "calls "+s.amplification())
	}
	for i := range s.slos {
		parts = append(parts, "SLO "+strings.Join(standing(&s.slos[i]), " "))
	}
	fmt.Fprintln(w, strings.Join(parts, ", "))
}

// listOutcomes formats the number of exchanges with each outcome.
func (s snapshot) listOutcomes() []string {
	var parts []string
	for _, outcome := range exchange.Outcomes() {
		if n := s.outcomes[outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", outcome, n))
		}
	}
	return parts
}

// amplification formats the number of calls, retries and attempts per call.
func (s snapshot) amplification() string {
	return fmt.Sprintf("%d  retries %d  attempts per call %.2f", s.calls, s.retries, float64(s.calls+s.retries)/float64(s.calls))
}

// standing formats the state of an SLO: its goodput in the shortest window, and its
// budget.
func standing(s *slo.Status) []string {
	parts := []string{s.Name}
	if len(s.Goodput) > 0 && s.Goodput[0].Ratio != nil {
		g := s.Goodput[0]
		parts = append(parts, fmt.Sprintf("%.1f %% good in %v, promised %v %%", 100**g.Ratio, time.Duration(g.Window*float64(time.Second)), s.Objective))
	}
	if s.Budget.BurnRate != nil {
		parts = append(parts, fmt.Sprintf("burn %.1f", *s.Budget.BurnRate))
	}
	if s.Budget.Remaining != nil {
		parts = append(parts, fmt.Sprintf("budget left %.0f %%", 100**s.Budget.Remaining))
	}
	return parts
}

// readable formats d for a reader: 1.23 s, 45.6 ms or 789 µs.
func readable(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d > 0:
		return fmt.Sprintf("%.0f µs", d.Seconds()*1e6)
	}
	return "–"
}
