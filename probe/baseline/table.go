package baseline

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteTable prints the cells: a row each, with medians and 99th percentiles in
// milliseconds, and below the table what the definitions and flags say.
func WriteTable(w io.Writer, b Baseline) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	names := present(b.Cells)
	goodput := slices.ContainsFunc(b.Cells, func(c Cell) bool { return c.Goodput != nil })
	fmt.Fprint(t, "CELL\tTOOL\tOK\tFAILED\tREQ/S\tTOK/S")
	if goodput {
		fmt.Fprint(t, "\tGOOD/S")
	}
	for _, name := range names {
		fmt.Fprintf(t, "\t%s P50\tP99", strings.ToUpper(string(name)))
	}
	fmt.Fprintln(t)
	for _, c := range sorted(b.Cells) {
		failed := "-"
		if c.Requests.Failed != nil {
			failed = strconv.Itoa(*c.Requests.Failed)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s", printable(c.ID), printable(c.Source.Tool), c.Requests.OK, failed, number(c.Throughput.Requests), number(c.Throughput.OutputTokens))
		if goodput {
			fmt.Fprintf(t, "\t%s", c.Goodput.perSecond())
		}
		for _, name := range names {
			fmt.Fprintf(t, "\t%s\t%s", c.Indicators[name].middle(), c.Indicators[name].at(.99))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return writeNotes(w, b.Cells, names)
}

// writeNotes says what the numbers of the table are.
func writeNotes(w io.Writer, cells []Cell, names []Name) error {
	fmt.Fprintln(w, "\nTimes in milliseconds; ~ marks a mean where there is no median.")
	for _, name := range names {
		var seen []string
		for _, c := range cells {
			if in, there := c.Indicators[name]; there {
				if text := printable(c.Source.Tool) + ": " + in.Definition.words(); !slices.Contains(seen, text) {
					seen = append(seen, text)
				}
			}
		}
		slices.Sort(seen)
		fmt.Fprintf(w, "  %-5s  %s\n", name, strings.Join(seen, "\n         "))
	}
	writeGoodput(w, cells)
	flags := map[Flag][]string{}
	for _, c := range cells {
		for _, f := range c.Flags {
			flags[f] = append(flags[f], printable(c.ID))
		}
	}
	var err error
	for _, f := range Flags() {
		if ids := flags[f]; len(ids) > 0 {
			where := strings.Join(ids, ", ")
			if len(ids) == len(cells) {
				where = "every cell"
			}
			_, err = fmt.Fprintf(w, "  ! %s: %s\n", f, where)
		}
	}
	return err
}

// writeGoodput says by which limits the tools found their goodput.
func writeGoodput(w io.Writer, cells []Cell) {
	var seen []string
	for _, c := range cells {
		if c.Goodput == nil {
			continue
		}
		text := printable(c.Source.Tool) + ": by limits that the file does not tell"
		if len(c.Goodput.Limits) > 0 {
			text = printable(c.Source.Tool) + ": " + Limits{Bounds: c.Goodput.Limits}.Words()
		}
		if !slices.Contains(seen, text) {
			seen = append(seen, text)
		}
	}
	if len(seen) > 0 {
		slices.Sort(seen)
		fmt.Fprintf(w, "  good   what the tool itself found; %s\n", strings.Join(seen, "; "))
	}
}

// perSecond is "-" if the tool found none.
func (g *Goodput) perSecond() string {
	if g == nil {
		return "-"
	}
	return number(&g.PerSecond)
}

// words is the definition in a line.
func (d Definition) words() string {
	out := fmt.Sprintf("%s → %s, over %s, connect %s, percentiles %s", d.Start, d.Stop, d.Over, d.Connect, d.Percentiles)
	if d.Tokens != "" {
		out += ", tokens " + string(d.Tokens)
	}
	return out
}

// present lists the indicators that a cell has, in the order of tables.
func present(cells []Cell) []Name {
	return slices.DeleteFunc(Names(), func(name Name) bool {
		return !slices.ContainsFunc(cells, func(c Cell) bool { _, there := c.Indicators[name]; return there })
	})
}

// middle is the median, or else the mean with a ~, in milliseconds.
func (in Indicator) middle() string {
	if text := in.at(.5); text != "-" || in.Mean == nil {
		return text
	}
	return "~" + milliseconds(*in.Mean)
}

func (in Indicator) at(p float64) string {
	if v, ok := in.Quantiles.At(p); ok {
		return milliseconds(v)
	}
	return "-"
}

func milliseconds(seconds float64) string { return strconv.FormatFloat(seconds*1e3, 'f', 1, 64) }

// number is "-" if unknown.
func number(v *float64) string {
	if v == nil {
		return "-"
	}
	return strconv.FormatFloat(*v, 'f', 2, 64)
}
