package frame_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// readLines returns the events of a stream that comes in pieces.
func readLines(pieces ...[]byte) []event {
	e := &events{}
	return e.read(frame.NewLines(e), pieces)
}

var linesCases = []streamCase{
	{"a line is an event", "{\"a\":1}\n{\"b\":2}\n", []event{{data: `{"a":1}`}, {data: `{"b":2}`}}},
	{"a last line without an end", "{}\n{\"b\":2}", []event{{data: "{}"}, {data: `{"b":2}`, unterminated: true}}},
	{"CRLF", "{}\r\n{}\r\n", []event{{data: "{}\r"}, {data: "{}\r"}}},
	{"empty lines", "\n\r\n \t\n{}\n\n", []event{{data: "{}"}}},
	{"whitespace ahead of a document", "  {} \n", []event{{data: "{} "}}},
	{"nothing", "", nil},
}

// readSequence returns the events of a sequence that comes in pieces.
func readSequence(pieces ...[]byte) []event {
	e := &events{}
	return e.read(frame.NewSequence(e), pieces)
}

var sequenceCases = []streamCase{
	{"a separator ends a document", "{\"a\":1}\x1e{\"b\":2}\x1e", []event{{data: `{"a":1}`}, {data: `{"b":2}`}}},
	{"separators around the documents", "\x1e{\"a\":1}\n\x1e{\"b\":2}\n", []event{{data: "{\"a\":1}\n"}, {data: "{\"b\":2}\n", unterminated: true}}},
	{"line ends inside a document", "{\n\"a\": 1\n}\x1e", []event{{data: "{\n\"a\": 1\n}"}}},
	{"nothing between separators", "\x1e\x1e\n\x1e", nil},
}

func TestSequence(t *testing.T) { checkStreams(t, readSequence, sequenceCases) }

func TestLines(t *testing.T) { checkStreams(t, readLines, linesCases) }

func FuzzLines(f *testing.F) {
	for _, c := range linesCases {
		f.Add([]byte(c.in), uint64(len(c.in)))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		var want []event
		lines := strings.Split(string(in), "\n")
		for i, line := range lines {
			if line = strings.TrimLeft(line, " \t\r\n"); line != "" {
				want = append(want, event{data: line, unterminated: i == len(lines)-1})
			}
		}
		if got := readLines(in); !slices.Equal(got, want) {
			t.Fatalf("in one piece:\n got %v\nwant %v", got, want)
		}
		checkCuts(t, readLines, in, want, seed)
	})
}
