package hindsight

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// WriteTable prints t. It returns the first error of w, and prints nothing after it.
func (o Timeouts) WriteTable(w io.Writer) error {
	t := &table{w: w}
	for i := range o.Groups {
		t.groupTimeouts(&o.Groups[i])
		t.printf("\n")
	}
	t.printf("killed   answered exchanges that the timeout would have cut, and their share; in brackets the\n" +
		"         share that it may cut, with a confidence of 95 %%\n" +
		"hung     exchanges that came to nothing and that it would have ended sooner; in brackets those\n" +
		"         of them that the client or headway cut short, and that may have been slow only\n" +
		"saved    the time without content of these, from the timeout to their end\n" +
		"unknown  exchanges that somebody cut short before the timeout, after a wait of a second or more:\n" +
		"         they may have been answered later\n")
	for _, line := range o.notes() {
		t.printf("%s\n", line)
	}
	return t.err
}

func (o *Timeouts) notes() []string {
	var out []string
	for _, note := range []struct {
		n    int
		text string
	}{
		{o.Further, "Exchanges of further groups, left out: %d."},
		{o.Canaries, "Left out, canaries: %d."},
		{o.Tunnels, "Left out, connections that headway could not read: %d."},
		{o.Others, "Left out, exchanges of no known dialect: %d."},
	} {
		if note.n > 0 {
			out = append(out, fmt.Sprintf(note.text, note.n))
		}
	}
	return out
}

func (t *table) groupTimeouts(g *GroupTimeouts) {
	t.title("Timeouts: "+g.String(), "=")
	t.printf("%d answered, %d failed, %d cut short by the client or by headway\n", g.Good, g.Failed, g.CutShort)
	if g.Unmeasured > 0 {
		t.printf("Left out, lines of an older headway without idle_s: %d.\n", g.Unmeasured)
	}
	for _, alike := range g.alike() {
		t.advice(g, alike)
	}
	t.printf("Recommended: %s\n", g.Recommended())
}

// alike puts advice together that says the same: the head of an answer in one piece comes
// just before its last byte, so that all its timeouts go alike.
func (g *GroupTimeouts) alike() [][]Advice {
	var out [][]Advice
	for _, a := range g.Advice {
		if n := len(out); n > 0 && slices.Equal(out[n-1][0].Rows, a.Rows) {
			out[n-1] = append(out[n-1], a)
			continue
		}
		out = append(out, []Advice{a})
	}
	return out
}

// advice prints the rows of one timeout, or of several that go alike.
func (t *table) advice(g *GroupTimeouts, alike []Advice) {
	var labels []string
	for _, a := range alike {
		labels = append(labels, a.Kind.label())
	}
	t.title(strings.Join(labels, ", "), "-")
	t.printf("%-9s %-27s %-13s %-9s %s\n", "timeout", "killed", "hung", "saved", "unknown")
	a := &alike[0]
	for _, r := range a.Rows {
		killed := "0"
		if g.Good > 0 {
			killed = fmt.Sprintf("%-7d %s (%s)", r.Killed, percent(new(float64(r.Killed)/float64(g.Good))), roughly(r.KilledAtMost))
		}
		t.printf("%-9s %-27s %-13s %-9s %d\n", short(r.Seconds), killed, fmt.Sprintf("%d (%d)", r.Hung, r.HungCutShort), short(r.Saved), r.Unknown)
	}
	if a.GaveUp != nil {
		t.printf("%d of %d clients that left had waited for %s: a timeout of their own, most likely. Whether longer\n"+
			"waits end well, this capture cannot tell.\n", a.GaveUp.Clients, a.GaveUp.Of, short(a.GaveUp.Seconds))
	}
}

// roughly prints a share with two digits.
func roughly(share float64) string {
	if share >= .1 {
		return fmt.Sprintf("%.0f %%", 100*share)
	}
	return fmt.Sprintf("%.2g %%", 100*share)
}

// Recommended has a line of advice for each group.
func (o *Timeouts) Recommended() []string {
	var out []string
	for i := range o.Groups {
		g := &o.Groups[i]
		out = append(out, "Timeouts for clients, "+g.String()+": "+g.Recommended())
	}
	return out
}

// Recommended is one line with the best value of each timeout.
func (g *GroupTimeouts) Recommended() string {
	if g.Good < enoughGood {
		return fmt.Sprintf("nothing, because %d answered exchanges are too few; it takes %d.", g.Good, enoughGood)
	}
	var values, killed, saved []string
	hung := 0
	for i := range g.Advice {
		a := &g.Advice[i]
		if a.Best == nil {
			return fmt.Sprintf("nothing, because answered exchanges waited for up to %s.", short(a.LongestGood))
		}
		values = append(values, a.Kind.label()+" "+short(a.Best.Seconds))
		killed, saved = append(killed, strconv.Itoa(a.Best.Killed)), append(saved, short(a.Best.Saved))
		hung += a.Best.Hung
	}
	line := fmt.Sprintf("%s.%s They would have killed %s of %d answered exchanges, and saved ", strings.Join(values, ", "), g.limited(), listed(killed), g.Good)
	if hung == 0 {
		return line + "nothing: nothing hung for longer."
	}
	return line + listed(saved) + " of hung time."
}

// limited says which timeouts the clients have, as far as these hide longer waits.
func (g *GroupTimeouts) limited() string {
	for i := range g.Advice {
		a := &g.Advice[i]
		if a.GaveUp != nil && a.GaveUp.Seconds < a.Best.Seconds {
			return fmt.Sprintf(" But clients give up after %s, so nobody knows how longer waits end.", short(a.GaveUp.Seconds))
		}
	}
	return ""
}

// listed joins words as a sentence does.
func listed(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
