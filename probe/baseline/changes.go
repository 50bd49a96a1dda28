package baseline

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// words are the columns of a change.
func (c Change) words() []string {
	what := string(c.Indicator) + " mean"
	if c.Quantile > 0 {
		what = string(c.Indicator) + " p" + Share(c.Quantile*100)
	}
	if c.Verdict == Incomparable {
		return []string{c.Cell, string(c.Indicator), "-", "-", "-", "-", string(c.Verdict) + ": " + c.Why}
	}
	within := "-"
	if c.Low != nil && c.High != nil {
		within = fmt.Sprintf("%.2f–%.2f", *c.Low, *c.High)
	}
	return []string{c.Cell, what, milliseconds(c.Before), milliseconds(c.After), fmt.Sprintf("%.3f", c.Ratio), within, string(c.Verdict)}
}

// columns are the names of words.
func columns() []string {
	return []string{"CELL", "INDICATOR", "BEFORE (ms)", "AFTER (ms)", "RATIO", "95 %", "VERDICT"}
}

// WriteTable prints the changes for a terminal.
func (c *Comparison) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(columns(), "\t"))
	for _, one := range c.Changes {
		fmt.Fprintln(t, strings.Join(one.words(), "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return c.writeAlone(w, "  ")
}

// writeAlone names the cells without a partner.
func (c *Comparison) writeAlone(w io.Writer, bullet string) (err error) {
	for _, side := range []struct {
		which string
		ids   []string
	}{{"earlier", c.OnlyBefore}, {"later", c.OnlyAfter}} {
		if len(side.ids) > 0 {
			_, err = fmt.Fprintf(w, "\n%sOnly in the %s baseline: %s\n", bullet, side.which, strings.Join(side.ids, ", "))
		}
	}
	return err
}

// WriteMarkdown prints the changes as a table for a pull request.
func (c *Comparison) WriteMarkdown(w io.Writer) error {
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(columns(), " | "), strings.Repeat(" --- |", len(columns())))
	for _, one := range c.Changes {
		row := one.words()
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", `\|`)
		}
		if one.Verdict == Slower {
			row[len(row)-1] = "**slower**"
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	return c.writeAlone(w, "")
}

// The parts of JUnit XML that CI systems read.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
	}
)

// WriteJUnit prints a test case for each change. Those of bad have failed; those without a
// comparison are skipped.
func (c *Comparison) WriteJUnit(w io.Writer, bad []Change) error {
	suite := junitSuite{Name: "headway baseline compare", Tests: len(c.Changes)}
	for _, one := range c.Changes {
		words := one.words()
		row := junitCase{Class: one.Cell, Name: words[1]}
		for _, b := range bad {
			if b.Cell == one.Cell && b.Indicator == one.Indicator && b.Quantile == one.Quantile {
				row.Failure = &junitMessage{fmt.Sprintf("%s: %s ms, and then %s ms (ratio %s, 95 %% %s)", one.Verdict, words[2], words[3], words[4], words[5])}
				suite.Failures++
			}
		}
		if one.Verdict == Incomparable {
			row.Skipped = &junitMessage{one.Why}
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, row)
	}
	text, err := xml.MarshalIndent(suite, "", " ")
	if err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}
