package baseline

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
)

// The parts of JUnit XML that CI systems read: those of junit-10.xsd, the schema by which
// Jenkins' xUnit plugin checks files.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     int         `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    int           `xml:"time,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
	}
)

// add counts a test case.
func (s *junitSuite) add(one junitCase) {
	s.Tests++
	if one.Failure != nil {
		s.Failures++
	}
	if one.Skipped != nil {
		s.Skipped++
	}
	s.Cases = append(s.Cases, one)
}

// WriteJUnit prints a test case for each change and for each cell without a partner. Those
// that failed by j are failures. Those that nothing could judge are skipped. A condition
// that had nothing to judge is a failure of its own.
func (c *Comparison) WriteJUnit(w io.Writer, j Judgement) error {
	suite := junitSuite{Name: "headway baseline compare"}
	for _, one := range c.Changes {
		words := each(one.words(), visible)
		row := junitCase{Class: words[0], Name: words[1]}
		switch {
		case j.failed(one):
			row.Failure = &junitMessage{fmt.Sprintf("%s; before %s ms, after %s ms, ratio %s, 95 %% %s, by %s", words[7], words[2], words[3], words[4], words[5], words[6]), string(one.Verdict)}
		case one.Verdict == Unsure || one.Verdict == Incomparable:
			row.Skipped = &junitMessage{words[7], string(one.Verdict)}
		}
		suite.add(row)
	}
	for _, id := range c.OnlyBefore {
		row, message := junitCase{Class: visible(id), Name: "partner"}, &junitMessage{"only in the earlier baseline", string(missing)}
		if slices.Contains(j.Missing, id) {
			row.Failure = message
		} else {
			row.Skipped = message
		}
		suite.add(row)
	}
	for _, id := range c.OnlyAfter {
		suite.add(junitCase{Class: visible(id), Name: "partner", Skipped: &junitMessage{"only in the later baseline", "added"}})
	}
	for _, empty := range j.Empty {
		suite.add(junitCase{Class: "headway baseline compare", Name: empty.String(), Failure: &junitMessage{"nothing to judge: no ratio has an interval", "empty"}})
	}
	text, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{suite}}, "", " ")
	if err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}
