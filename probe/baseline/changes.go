package baseline

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// what names the indicator and the figure of it: ttft, ttft p99, ttft mean.
func (c Change) what() string {
	switch {
	case c.Method == MeanRatio:
		return string(c.Indicator) + " mean"
	case c.Quantile > 0:
		return string(c.Indicator) + " p" + Share(c.Quantile*100)
	}
	return string(c.Indicator)
}

// words are the columns of a change.
func (c Change) words() []string {
	before, after, ratio, within, by := "-", "-", "-", "-", "-"
	if c.Ratio > 0 {
		before, after, ratio = milliseconds(c.Before), milliseconds(c.After), strconv.FormatFloat(c.Ratio, 'f', 3, 64)
	}
	if c.Low != nil && c.High != nil {
		within = strconv.FormatFloat(*c.Low, 'f', 2, 64) + "–" + strconv.FormatFloat(*c.High, 'f', 2, 64)
	}
	if c.Method != "" {
		by = strings.ReplaceAll(string(c.Method), "_", "-")
	}
	verdict := string(c.Verdict)
	if c.Why != "" {
		verdict += ": " + c.Why
	}
	return []string{c.Cell, c.what(), before, after, ratio, within, by, verdict}
}

// columns are the names of words.
func columns() []string {
	return []string{"CELL", "INDICATOR", "BEFORE (ms)", "AFTER (ms)", "RATIO", "95 %", "BY", "VERDICT"}
}

// summary counts the verdicts.
func (c *Comparison) summary() string {
	count := map[Verdict]int{}
	for _, one := range c.Changes {
		count[one.Verdict]++
	}
	out := make([]string, 0, len(count))
	for _, v := range []Verdict{Slower, Faster, Same, Unsure, Incomparable} {
		if count[v] > 0 {
			out = append(out, fmt.Sprintf("%d %s", count[v], v))
		}
	}
	if len(out) == 0 {
		return "No comparison."
	}
	return fmt.Sprintf("Of %d comparisons: %s.", len(c.Changes), strings.Join(out, ", "))
}

// WriteTable prints the changes for a terminal.
func (c *Comparison) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(columns(), "\t"))
	var line []byte
	for _, one := range c.Changes {
		line = line[:0]
		for _, word := range one.words() {
			line = append(append(line, visible(word)...), '\t')
		}
		line[len(line)-1] = '\n'
		if _, err := t.Write(line); err != nil {
			return err
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "\n  %s\n", c.summary()); err != nil {
		return err
	}
	for _, note := range c.notes(visible) {
		if _, err := fmt.Fprintf(w, "  %s\n", note); err != nil {
			return err
		}
	}
	return nil
}

// WriteMarkdown prints the changes for a pull request, as GitHub renders Markdown. Those
// that failed are in bold type.
func (c *Comparison) WriteMarkdown(w io.Writer, j Judgement) error {
	fmt.Fprintf(w, "%s\n\n| %s |\n|%s\n", c.summary(), strings.Join(columns(), " | "), strings.Repeat(" --- |", len(columns())))
	for _, one := range c.Changes {
		row := each(one.words(), plain)
		row[0] = code(one.Cell)
		if j.failed(one) {
			row[len(row)-1] = "**" + row[len(row)-1] + "**"
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	var err error
	for _, note := range c.notes(code) {
		_, err = fmt.Fprintf(w, "\n%s\n", note)
	}
	return err
}

// notes say which cells have a partner with another ID, and which have none. name writes
// the ID of a cell.
func (c *Comparison) notes(name func(string) string) (out []string) {
	last := ""
	for _, one := range c.Changes {
		if one.Partner != "" && one.Cell != last {
			out = append(out, name(one.Cell)+" is held against "+name(one.Partner)+".")
		}
		last = one.Cell
	}
	if len(c.OtherTools) > 0 {
		out = append(out, "Measured by two tools, each with milliseconds of its own: "+strings.Join(each(c.OtherTools, name), ", "))
	}
	if len(c.OnlyBefore) > 0 {
		out = append(out, "Only in the earlier baseline: "+strings.Join(each(c.OnlyBefore, name), ", "))
	}
	if len(c.OnlyAfter) > 0 {
		out = append(out, "Only in the later baseline: "+strings.Join(each(c.OnlyAfter, name), ", "))
	}
	return out
}

func each(words []string, write func(string) string) []string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = write(word)
	}
	return out
}

// visible writes each character of text that a terminal would not print as an escape: a
// line break as \n. So the name of a model cannot break a table or command a terminal.
func visible(text string) string {
	if strings.IndexFunc(text, invisible) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if invisible(r) {
			out.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// invisible holds for bytes that are no UTF-8, too: QuoteRune writes the replacement for them.
func invisible(r rune) bool {
	return r == utf8.RuneError || (r < ' ' || r > '~') && !strconv.IsPrint(r)
}

// plain writes text so that neither Markdown nor HTML means anything by it, and GitHub makes
// no link of it.
func plain(text string) string {
	var out strings.Builder
	for _, r := range visible(text) {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|~&@:\"'", r) {
			fmt.Fprintf(&out, "&#%d;", r)
		} else {
			out.WriteRune(r)
		}
	}
	return strings.ReplaceAll(out.String(), "www.", "www&#46;")
}

// code is plain text in the type of code, in which GitHub also mentions nobody.
func code(text string) string { return "<code>" + plain(text) + "</code>" }
