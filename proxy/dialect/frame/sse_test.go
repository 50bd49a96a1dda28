package frame_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// readSSE returns the events of a stream that comes in pieces.
func readSSE(pieces ...[]byte) []event {
	e := &events{}
	s := frame.NewSSE(e)
	return e.read(&s, pieces)
}

var sseCases = []streamCase{
	{"one event", "data: a\n\n", []event{{data: "a"}}},
	{"no space behind the colon", "data:a\n\n", []event{{data: "a"}}},
	{"only one space goes", "data:  a\n\n", []event{{data: " a"}}},
	{"a tab stays", "data:\ta\n\n", []event{{data: "\ta"}}},
	{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []event{{data: "a"}, {data: "b"}}},
	{"CR", "data: a\r\rdata: b\r\r", []event{{data: "a"}, {data: "b"}}},
	{"line ends of every kind in one stream", "data: a\r\n\ndata: b\r\n\rdata: c\n\r\n", []event{{data: "a"}, {data: "b"}, {data: "c"}}},
	{"byte order mark", "\uFEFFdata: a\n\n", []event{{data: "a"}}},
	{"only one byte order mark", "\uFEFF\uFEFFdata: a\n\n", nil},
	{"half a byte order mark", "\xEF\xBBdata: a\n\ndata: b\n\n", []event{{data: "b"}}},
	{"comments", ": keep-alive\n\n:\n\ndata: a\n: x\n\n", []event{{data: "a"}}},
	{"lines of data are joined", "data: a\ndata: b\n\n", []event{{data: "a\nb"}}},
	{"data without a colon is empty", "data\ndata\n\n", []event{{data: "\n"}}},
	{"empty data is an event", "data:\n\n", []event{{data: ""}}},
	{"an event has its name", "event: error\ndata: a\n\ndata: b\n\n", []event{{name: "error", data: "a"}, {data: "b"}}},
	{"event name behind the data", "data: a\nevent: x\n\n", []event{{name: "x", data: "a"}}},
	{"the last event name counts", "event: x\nevent: yy\ndata: a\n\n", []event{{name: "yy", data: "a"}}},
	{"event name without a colon is empty", "event: x\nevent\ndata: a\n\n", []event{{data: "a"}}},
	{"an event without data is none", "event: x\n\ndata: a\n\n", []event{{data: "a"}}},
	{"a long event name is cut", "event: " + strings.Repeat("n", 100) + "\ndata: a\n\n", []event{{name: strings.Repeat("n", 64), data: "a"}}},
	{"other fields", "id: 1\nretry: 10\nfoo: bar\ndata: a\n\n", []event{{data: "a"}}},
	{"fields that begin like data", "dataset: x\ndat: x\n data: x\nDATA: x\ndata: a\n\n", []event{{data: "a"}}},
	{"a colon in the value", "data: a: b\n\n", []event{{data: "a: b"}}},
	{"other characters end no line", "data: a\u2028b\u0085c\vd\fe\n\n", []event{{data: "a\u2028b\u0085c\vd\fe"}}},
	{"empty lines", "\n\n\r\n\rdata: a\n\n\n\n", []event{{data: "a"}}},
	{"end within a line", "data: a\n\ndata: b", []event{{data: "a"}, {data: "b", unterminated: true}}},
	{"end behind a line", "data: a\n", []event{{data: "a", unterminated: true}}},
	{"end within a field name", "data: a\n\ndata", []event{{data: "a"}}},
	{"JSON in no field", "data: a\n\n{\"b\":1}\n\ndata: c\n\n", []event{{data: "a"}, {data: `{"b":1}`, bare: true}, {data: "c"}}},
	{"JSON in no field, on several lines", "{\n  \"b\": 1\n}\n\n", []event{{data: "{\n  \"b\": 1\n}", bare: true}}},
	{"JSON in no field right before and behind data", "event: x\ndata: a\n{\"b\":\n1}\ndata: c\n\n",
		[]event{{name: "x", data: "a"}, {data: "{\"b\":\n1}", bare: true}, {data: "c"}}},
	{"JSON in no field with a line like data", "{\"b\":\ndate\n\n", []event{{data: "{\"b\":\ndate", bare: true}}},
	{"JSON in no field at the end", "{\"b\":1}", []event{{data: `{"b":1}`, unterminated: true, bare: true}}},
	{"a brace in a field", "data\ndata:{\n\n", []event{{data: "\n{"}}},
	{"nothing", "", nil},
}

func TestSSE(t *testing.T) { checkStreams(t, readSSE, sseCases) }

func TestSSEErrorField(t *testing.T) {
	for in, want := range map[string]bool{
		"error: {\"code\":500}\n\n": true,
		"error\n":                   true,
		"data: error: x\n\n":        false,
		"errors: x\n\n":             false,
	} {
		s := frame.NewSSE(&events{})
		s.Feed([]byte(in))
		if got := s.ErrorField(); got != want {
			t.Errorf("%q: error field %v, want %v", in, got, want)
		}
	}
}

func TestSSEStray(t *testing.T) {
	for in, want := range map[string]bool{
		"upstream request timeout":      true,
		"<html>\n":                      true,
		"foo: bar\n\n":                  true,
		": ping\n\nid: 1\nretry: 2\n\n": false,
		"error: x\n\n":                  false,
		"data: <html>\n\n":              false,
		"{\"error\":\n1}\n\n":           false,
		"dat":                           false,
		"da\n":                          true,
	} {
		s := frame.NewSSE(&events{})
		s.Feed([]byte(in))
		s.Close()
		if got := s.Stray(); got != want {
			t.Errorf("%q: stray %v, want %v", in, got, want)
		}
	}
}

// This test would take minutes if the reader looked for an LF again at every line.
func TestSSELinesEndingInCR(t *testing.T) {
	const lines = 1 << 20
	e := &counting{}
	s := frame.NewSSE(e)
	s.Feed([]byte(strings.Repeat("data:\r\r", lines)))
	if e.n != lines {
		t.Errorf("%d events, want %d", e.n, lines)
	}
}

type counting struct{ n int }

func (c *counting) Data([]byte)       {}
func (c *counting) Event(frame.Event) { c.n++ }

// standard returns the events of a stream by the rules of the standard. It adds the event
// that the end of the stream cut, as Unterminated, and JSON that stands in no field.
func standard(in string) (list []event) {
	in = strings.TrimPrefix(in, "\uFEFF")
	in = strings.ReplaceAll(strings.ReplaceAll(in, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(in, "\n")
	var name string
	var data []string
	bare := false
	flush := func(unterminated bool) {
		if data != nil {
			list = append(list, event{name: name, data: strings.Join(data, "\n"), unterminated: unterminated, bare: bare})
		}
		name, data, bare = "", nil, false
	}
	for i, line := range lines {
		field, value, colon := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		if bare && strings.HasPrefix(line, "data:") {
			flush(false)
		}
		switch {
		case line == "":
			if i < len(lines)-1 {
				flush(false)
			}
		case bare:
			if line != "data:"[:min(len(line), len("data:"))] {
				data = append(data, line)
			}
		case line[0] == '{':
			if data != nil {
				flush(false)
			}
			data, bare = append(data, line), true
		case i == len(lines)-1 && !colon: // no field yet
		case field == "event":
			name = value[:min(len(value), frame.MaxEventName)]
		case field == "data":
			data = append(data, value)
		}
	}
	flush(true)
	return list
}

func FuzzSSE(f *testing.F) {
	for _, c := range sseCases {
		f.Add([]byte(c.in), uint64(len(c.in)))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		want := standard(string(in))
		if got := readSSE(in); !slices.Equal(got, want) {
			t.Fatalf("in one piece:\n got %v\nwant %v", got, want)
		}
		checkCuts(t, readSSE, in, want, seed)
	})
}
