package frame_test

import (
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// FuzzCost checks that no document and no stream of events takes more than a few steps for
// a byte, whether it comes at once or in pieces, and as one document or as many.
func FuzzCost(f *testing.F) {
	for _, c := range [][5]string{
		{`{"x":`, `[`, ``, `]`, `}`},
		{`{"list":[`, `{"n":1},`, `{}],"x":[`, `"",`, `0]}`},
		{`{"list":[`, `{"inner":`, `1`, `}`, `]}`},
		{`{"`, `\u00e9`, `":"`, `\ud83d`, `"}`},
		{`{`, `"x":0,`, `"name":`, `9`, `}`},
		{"data: ", "x", "\n", "data: {\"name\":\"a\"}\n", "\n"},
		{"", "data: {\"name\":\"a\"}\n\n", "event: ", "x", "\n\n"},
		{"", ":\n", "", "\r", "\n"},
	} {
		f.Add([]byte(c[0]), []byte(c[1]), []byte(c[2]), []byte(c[3]), []byte(c[4]), uint16(1+len(c[0])))
	}
	f.Fuzz(func(t *testing.T, before, first, between, second, after []byte, size uint16) {
		cost := dialecttest.Cost{Before: before, First: first, Between: between, Second: second, After: after}
		cost.Check(t, func(p []byte) {
			j := frame.NewJSON(shape, &sum{})
			j.Repeating()
			events := frame.NewSSE(&documents{json: &j})
			for n := 1 + int(size); len(p) > 0; p = p[min(n, len(p)):] {
				j.Feed(p[:min(n, len(p))])
			}
			for p := cost.Input(); len(p) > 0; p = p[min(1+int(size), len(p)):] {
				events.Feed(p[:min(1+int(size), len(p))])
			}
			events.Close()
		})
	})
}

// documents reads the data of every event as a document.
type documents struct{ json *frame.JSON }

func (d *documents) Data(p []byte)     { d.json.Feed(p) }
func (d *documents) Event(frame.Event) { d.json.Restart() }
