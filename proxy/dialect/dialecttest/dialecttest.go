// Package dialecttest holds every dialect to what all of them promise: a reply is what
// a table of recorded exchanges says, however the bytes were cut; a steady stream
// allocates nothing; and a body of any size is read in the memory of any other.
package dialecttest

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// Case is one exchange: a response in a file of testdata, and what the dialect is to
// understand of it. Its events come a millisecond apart.
type Case struct {
	Name   string
	File   string       // whose ending says how the response comes: .sse or .json
	Ask    string       // the body of the request
	Head   dialect.Head // without the head of the response
	Status int          // 200 unless it is set
	Want   string       // as Describe has it, with any whitespace
}

// Suite is a dialect and its cases.
type Suite struct {
	Dialect dialect.Dialect
	Cases   []Case
}

// Check runs the cases.
func (s Suite) Check(t *testing.T) {
	for _, c := range s.Cases {
		t.Run(c.Name, func(t *testing.T) {
			body := read(t, c.File)
			decoder := s.Dialect.NewDecoder(c.head())
			decoder.Request([]byte(c.Ask))
			for i, p := range bytes.SplitAfter(body, []byte("\n\n")) {
				decoder.Feed(p, time.Duration(i+1)*time.Millisecond)
			}
			if got, want := Describe(decoder.Close()), strings.Join(strings.Fields(c.Want), " "); got != want {
				t.Errorf("%s\n got %s\nwant %s", c.File, got, want)
			}
		})
	}
}

// CheckLineEnds runs the cases that are streams of events again, with all line ends
// that the standard allows and a byte order mark.
func (s Suite) CheckLineEnds(t *testing.T) {
	for _, c := range s.Cases {
		if !strings.HasSuffix(c.File, ".sse") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			body := read(t, c.File)
			want := Decode(s.Dialect, c.head(), nil, [][]byte{body})
			for _, end := range []string{"\r\n", "\r"} {
				ended := bytes.ReplaceAll(body, []byte("\n"), []byte(end))
				got := Decode(s.Dialect, c.head(), nil, [][]byte{[]byte("\uFEFF"), ended})
				if !reflect.DeepEqual(got, want) {
					t.Errorf("line ends %q\n got %s\nwant %s", end, Describe(got), Describe(want))
				}
			}
		})
	}
}

// head is the head of the case with that of its response.
func (c Case) head() *dialect.Head {
	h := c.Head
	h.Response = dialect.Response{Status: max(c.Status, 200), ContentType: "application/json"}
	if strings.HasSuffix(c.File, ".sse") {
		h.Response.ContentType = "text/event-stream"
	}
	return &h
}

// read reads a file of the testdata of the package under test.
func read(t testing.TB, file string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return body
}
