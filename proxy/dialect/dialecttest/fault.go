package dialecttest

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect"
)

// Fault is an odd or broken exchange that somebody met or may meet, and how the dialect
// should understand it. Its body is written out. Forms other than events come by the
// names of forms.
type Fault struct {
	Name string
	Ask  string       // the body of the request
	Head dialect.Head // without the head of the response
	Form string       // as the ending of a Case's file has it; empty is .sse
	Type string       // the content type, where it is not that of the form
	Body string       // in the form; a line end ends an event of .sse, and ¶ a line of it
	Want string       // as Describe has it; all of the body comes in the first millisecond
}

// CheckFaults checks that a dialect understands every fault as it should, however its
// bytes are cut.
func CheckFaults(t *testing.T, d dialect.Dialect, faults []Fault) {
	for _, f := range faults {
		t.Run(f.Name, func(t *testing.T) {
			body := f.body()
			c := Case{Head: f.Head}
			head := func() *dialect.Head { return c.head(f.contentType()) }
			if got := Describe(Decode(d, head(), [][]byte{[]byte(f.Ask)}, [][]byte{body})); got != f.Want {
				t.Errorf("\n got %s\nwant %s", got, f.Want)
			}
			r := rand.New(rand.NewPCG(5, 5))
			for range 5 {
				checkChunking(t, d, head(), []byte(f.Ask), body, r)
			}
		})
	}
}

func (f *Fault) form() string {
	if f.Form == "" {
		return ".sse"
	}
	return f.Form
}

func (f *Fault) contentType() string {
	if f.Type != "" {
		return f.Type
	}
	return forms[f.form()].contentType
}

func (f *Fault) body() (body []byte) {
	text := f.Body
	if f.form() == ".sse" {
		text = strings.NewReplacer("\n", "\n\n", "¶", "\n").Replace(text)
	}
	for _, m := range forms[f.form()].cut([]byte(text)) {
		body = append(body, m...)
	}
	return body
}
