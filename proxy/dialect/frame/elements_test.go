package frame_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// readElements returns the events of a stream that comes in pieces.
func readElements(pieces ...[]byte) []event {
	e := &events{}
	return e.read(frame.NewElements(e), pieces)
}

var elementsCases = []streamCase{
	{"an element is an event", "[{\"a\":1}\n,\r\n{\"b\":[2,{}]}\n]", []event{{data: `{"a":1}`}, {data: `{"b":[2,{}]}`}}},
	{"brackets and escapes in strings", `[{"a":"]}\"]}\\"},{"b":"\\\"{["}]`, []event{{data: `{"a":"]}\"]}\\"}`}, {data: `{"b":"\\\"{["}`}}},
	{"arrays", "[[1],[]]", []event{{data: "[1]"}, {data: "[]"}}},
	{"strings, numbers and words", `[1, "a,]\"b" ,true,null]`, []event{{data: "1"}, {data: `"a,]\"b" `}, {data: "true"}, {data: "null"}}},
	{"whitespace ahead of the array", "\n [{}]", []event{{data: "{}"}}},
	{"text behind the array", "[{}] {}[{}]", []event{{data: "{}"}}},
	{"no element", "[ ]", nil},
	{"cut between two elements", "[{},", []event{{data: "{}"}}},
	{"cut in an element", `[{},{"a":"`, []event{{data: "{}"}, {data: `{"a":"`, unterminated: true}}},
	{"cut in a number", `[12`, []event{{data: "12", unterminated: true}}},
	{"nothing", "", nil},
}

func TestElements(t *testing.T) { checkStreams(t, readElements, elementsCases) }

func FuzzElements(f *testing.F) {
	for _, c := range elementsCases {
		f.Add([]byte(c.in), uint64(len(c.in)))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		got := readElements(in)
		var valid []json.RawMessage
		if json.Unmarshal(in, &valid) == nil && valid != nil {
			same := slices.EqualFunc(got, valid, func(e event, raw json.RawMessage) bool {
				return !e.unterminated && compact([]byte(e.data)) == compact(raw)
			})
			if !same {
				t.Fatalf("headway       %v\nencoding/json %s", got, valid)
			}
		}
		checkCuts(t, readElements, in, got, seed)
	})
}

// compact returns a document without its whitespace.
func compact(doc []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, doc); err != nil {
		return err.Error()
	}
	return b.String()
}
