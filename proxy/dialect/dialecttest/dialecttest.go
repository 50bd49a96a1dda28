// Package dialecttest holds every dialect to what all of them promise: a reply is what
// a table of recorded exchanges says, however the bytes were cut; a steady stream
// allocates nothing; and a body of any size is read in the memory of any other.
package dialecttest

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// Case is one exchange: a response in a file of testdata, and how the dialect should
// understand it. Its events come a millisecond apart.
type Case struct {
	Name   string
	File   string       // its ending says how the response comes, see forms
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
			r := read(t, c.File)
			decoder := s.Dialect.NewDecoder(c.head(r.contentType))
			decoder.Request([]byte(c.Ask))
			for i, p := range r.messages {
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
			recorded := read(t, c.File)
			body, head := recorded.body(), c.head(recorded.contentType)
			want := Decode(s.Dialect, head, nil, [][]byte{body})
			for _, end := range []string{"\r\n", "\r"} {
				ended := bytes.ReplaceAll(body, []byte("\n"), []byte(end))
				got := Decode(s.Dialect, head, nil, [][]byte{[]byte("\uFEFF"), ended})
				if !reflect.DeepEqual(got, want) {
					t.Errorf("line ends %q\n got %s\nwant %s", end, Describe(got), Describe(want))
				}
			}
		})
	}
}

// head is the head of the case with that of its response.
func (c Case) head(contentType string) *dialect.Head {
	h := c.Head
	h.Response = dialect.Response{Status: max(c.Status, 200), ContentType: contentType}
	return &h
}
