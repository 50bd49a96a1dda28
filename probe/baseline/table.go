package baseline

import (
	"cmp"
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
	fmt.Fprint(t, "CELL\tTOOL\tOK\tFAILED\tREQ/S\tTOK/S")
	for _, name := range names {
		fmt.Fprintf(t, "\t%s P50\tP99", strings.ToUpper(string(name)))
	}
	fmt.Fprintln(t)
	for _, c := range sorted(b.Cells) {
		failed := "-"
		if c.Requests.Failed != nil {
			failed = strconv.Itoa(*c.Requests.Failed)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s", c.ID, c.Source.Tool, c.Requests.OK, failed, number(c.Throughput.Requests), number(c.Throughput.OutputTokens))
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
				if text := c.Source.Tool + ": " + in.Definition.words(); !slices.Contains(seen, text) {
					seen = append(seen, text)
				}
			}
		}
		slices.Sort(seen)
		fmt.Fprintf(w, "  %-5s  %s\n", name, strings.Join(seen, "\n         "))
	}
	flags := map[Flag][]string{}
	for _, c := range cells {
		for _, f := range c.Flags {
			flags[f] = append(flags[f], c.ID)
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

// sorted is the cells by workload and load.
func sorted(cells []Cell) []Cell {
	out := slices.Clone(cells)
	slices.SortStableFunc(out, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.InputTokens.Mean, b.InputTokens.Mean), cmp.Compare(a.OutputTokens.Mean, b.OutputTokens.Mean),
			cmp.Compare(a.Load.Kind, b.Load.Kind), cmp.Compare(a.Load.Value, b.Load.Value))
	})
	return out
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
