package hindsight

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// tableWidth is that of the tables of package report.
const tableWidth = 50

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

func (t *table) title(text, fill string) {
	room := max(6, tableWidth-2-len([]rune(text)))
	t.printf("%s %s %s\n", strings.Repeat(fill, room/2), text, strings.Repeat(fill, room-room/2))
}

// String is how titles name a group.
func (k Key) String() string {
	var parts []string
	for _, part := range []string{k.Operation, k.Model, k.Upstream} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if k.Stream {
		return strings.Join(append(parts, "streams"), ", ")
	}
	return strings.Join(append(parts, "in one piece"), ", ")
}

// WriteTable prints l. It returns the first error of w, and prints nothing after it.
func (l Limits) WriteTable(w io.Writer) error {
	t := &table{w: w}
	for _, g := range l.Groups {
		t.groupLimits(&g)
		t.printf("\n")
	}
	t.printf("Each limit is judged as if it were the only one. A failed request is bad whatever the limit is.\n" +
		"In brackets: between these limits lies the true one with a confidence of 95 %%, if the\n" +
		"captured time is like any other; ? is not bounded by so few requests. none is no limit at all:\n" +
		"too many failed, ended without a token, or took more than 71 minutes.\n")
	for _, note := range []struct {
		n    int
		text string
	}{
		{l.Open, "Calls that were not over when the capture ends, left out: %d.\n"},
		{l.Drained, "Exchanges that ended because headway stopped, counted as failed: %d.\n"},
		{l.Further, "Exchanges of further groups, left out: %d.\n"},
		{l.Canaries, "Left out, canaries: %d.\n"},
		{l.Tunnels, "Left out, connections that headway could not read: %d.\n"},
		{l.Others, "Left out, exchanges of no known dialect: %d.\n"},
	} {
		if note.n > 0 {
			t.printf(note.text, note.n)
		}
	}
	return t.err
}

func (t *table) groupLimits(g *GroupLimits) {
	t.title(g.String(), "=")
	t.events("Calls", g.Calls)
	t.events("Attempts", g.Attempts)
	for i := range g.Curves {
		c := &g.Curves[i]
		t.title(c.Indicator, "-")
		t.printf("%-29s %-27s %s\n", "Goodput, had the limit been", "calls", "attempts")
		for _, p := range c.Points {
			t.printf("%-29s %-27s %s\n", "  "+short(p.Limit), percent(p.Calls), percent(p.Attempts))
		}
		for _, m := range c.Met {
			t.printf("%-29s %-27s %s\n", fmt.Sprintf("Limit that %v %% met", m.Percent), m.Calls, m.Attempts)
		}
	}
	if len(g.Unjudged) > 0 {
		t.printf("Nothing has a value of: %s.\n", strings.Join(g.Unjudged, ", "))
	}
}

func (t *table) events(label string, e Events) {
	t.printf("%-29s %d answered, %d failed, %d whose client left\n", label+":", e.Answered, e.Failed, e.Left)
}

// String is the limit and its interval.
func (l *Least) String() string {
	if l == nil {
		return "none"
	}
	bound := func(v *float64) string {
		if v == nil {
			return "?"
		}
		return short(*v)
	}
	return fmt.Sprintf("%s (%s to %s)", short(l.Limit), bound(l.Low), bound(l.High))
}

// percent prints a share. It rounds 99.999 % down, because not all were good.
func percent(share *float64) string {
	if share == nil {
		return "-"
	}
	return strconv.FormatFloat(float64(int(*share*10000+1e-6))/100, 'f', 2, 64) + " %"
}

// short prints a time of so many seconds with three digits: 1.23s, 45.6ms.
func short(seconds float64) string {
	d := time.Duration(seconds*1e9 + .5)
	unit := time.Duration(1)
	for d >= 1000*unit {
		unit *= 10
	}
	if d >= time.Minute {
		unit = max(unit, 100*time.Millisecond)
	}
	return spelled(d.Round(unit))
}

// spelled is d without the zero units at its end: 10m, not 10m0s.
func spelled(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
