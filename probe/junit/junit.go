// Package junit writes results as JUnit XML, which CI systems read: as junit-10.xsd has it,
// the schema by which Jenkins' xUnit plugin checks files.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
)

// Suite is a document of one suite.
type Suite struct {
	Name  string
	cases []Case
}

// Case is a test case. Without Failure and Skipped it passed.
type Case struct {
	Name    string   `xml:"name,attr"`
	Class   string   `xml:"classname,attr"`
	Time    float64  `xml:"time,attr"` // in seconds
	Failure *Message `xml:"failure,omitempty"`
	Skipped *Message `xml:"skipped,omitempty"`
}

// Message says in words, and in one word, why a case failed or was skipped.
type Message struct {
	Text string `xml:"message,attr"`
	Type string `xml:"type,attr"`
}

// Add adds a case to s.
func (s *Suite) Add(c Case) { s.cases = append(s.cases, c) }

// Write writes s as XML.
func (s *Suite) Write(w io.Writer) error {
	out := suite{Name: s.Name, Tests: len(s.cases), Cases: s.cases}
	for _, c := range s.cases {
		if c.Failure != nil {
			out.Failures++
		}
		if c.Skipped != nil {
			out.Skipped++
		}
	}
	text, err := xml.MarshalIndent(suites{Suites: []suite{out}}, "", " ")
	if err != nil {
		return fmt.Errorf("writing JUnit XML: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name     string `xml:"name,attr"`
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Time     int    `xml:"time,attr"`
	Cases    []Case `xml:"testcase"`
}
