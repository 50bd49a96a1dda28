package production

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// WriteTable prints c for a terminal: the cells with their requests, and then production
// beside the load test.
func (c *Comparison) WriteTable(w io.Writer) error {
	if len(c.Cells) > 0 {
		if err := c.writeCells(w); err != nil {
			return err
		}
	}
	return c.writeNotes(w)
}

// writeCells prints the two tables. Indicators that nobody can compare are in the notes.
func (c *Comparison) writeCells(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CELL\tREQUESTS\tIN FLIGHT (tested)\tTOKENS IN (tested)\tOUT (tested)")
	var all baseline.Comparison
	for _, one := range c.Cells {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", printable(one.ID), one.Requests, one.InFlight, one.InputTokens, one.OutputTokens)
		for _, change := range one.Changes {
			if change.Verdict != baseline.Incomparable {
				all.Changes = append(all.Changes, change)
			}
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nBefore is the load test, after is production (%s to %s).\n", c.Start.Format(timeFormat), c.End.Format(timeFormat))
	if len(all.Changes) == 0 {
		return nil
	}
	return all.WriteTable(w)
}

// printable is text that commands no terminal, whatever the name of a model is.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

const timeFormat = "2006-01-02 15:04:05 MST"

// String prints both numbers.
func (b Beside) String() string { return fmt.Sprintf("%.1f (%.1f)", b.Production, b.Tested) }

// writeNotes says which requests the tables leave out, and how to read the others.
func (c *Comparison) writeNotes(w io.Writer) (err error) {
	r := &c.Requests
	fmt.Fprintf(w, "\nAnswered requests that belong to a cell: %d of %d.\n", r.Compared, r.Compared+r.Outside.All())
	for _, one := range []struct {
		n    int
		what string
	}{
		{r.Outside.Lengths, "Outside the tested range, lengths that no cell has"},
		{r.Outside.Above, "Outside the tested range, more requests in flight than was tested with such lengths"},
		{r.Outside.Below, "Outside the tested range, fewer requests in flight than was tested with such lengths"},
		{r.Outside.Between, "Outside the tested range, far from the loads on either side"},
		{r.Failed, "Left out, not answered"},
		{r.Uncounted, "Left out, tokens that nobody counted"},
		{c.Canaries, "Left out, canaries"},
		{c.Tunnels, "Left out, connections that headway could not read"},
		{c.Others, "Left out, exchanges of no known dialect"},
	} {
		if one.n > 0 {
			fmt.Fprintf(w, "%s: %d.\n", one.what, one.n)
		}
	}
	for _, model := range slices.Sorted(maps.Keys(c.OtherModels)) {
		fmt.Fprintf(w, "Left out, of the model %q, which the baseline has not: %d.\n", model, c.OtherModels[model])
	}
	for _, text := range c.definitions() {
		fmt.Fprintln(w, text)
	}
	if len(c.Untouched) > 0 {
		fmt.Fprintf(w, "Cells without a request: %s.\n", printable(strings.Join(c.Untouched, ", ")))
	}
	if len(c.NoLoad) > 0 {
		fmt.Fprintf(w, "Cells whose load is no number of requests in flight, and which production has not: %s.\n", printable(strings.Join(c.NoLoad, ", ")))
	}
	_, err = fmt.Fprintln(w, "In flight are the requests of the model in these captures, when a request starts. Give the captures of all its sidecars.")
	return err
}

// definitions lists, each once, why indicators are not compared, and what the reader should
// know of those that are.
func (c *Comparison) definitions() (out []string) {
	say := func(name baseline.Name, text string) {
		if text = fmt.Sprintf("%s: %s.", name, text); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, one := range c.Cells {
		for _, change := range one.Changes {
			if change.Verdict == baseline.Incomparable {
				say(change.Indicator, "not compared, "+change.Why)
			}
		}
		for _, name := range baseline.Names() {
			if text, there := one.Reserves[name]; there {
				say(name, text)
			}
		}
	}
	return out
}
