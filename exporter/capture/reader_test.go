package capture_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestReadGivesBackWhatWasWritten(t *testing.T) {
	var file bytes.Buffer
	out := json.NewEncoder(&file)
	records := []exchange.Record{chat(), traced(), refused(), unconnected()}
	want := make([]capture.Line, len(records))
	for i, r := range records {
		want[i] = capture.NewLine(r)
		if err := out.Encode(want[i]); err != nil {
			t.Fatal(err)
		}
	}
	var got []capture.Line
	for line, err := range capture.Read(&file) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadGoesOn(t *testing.T) {
	const good = `{"v":1,"status":200}`
	tests := []struct {
		name, in string
		want     string // a status, or an error, for each line
	}{
		{"nothing", "", ""},
		{"one line", good + "\n", "200"},
		{"a last line without end that is whole", good + "\n" + good, "200|200"},
		{"a torn last line", good + "\n" + `{"v":1,"stat`, "200"},
		{"a torn line in the middle", `{"v":1,"stat` + "\n" + good + "\n", "line 1: unexpected end of JSON input|200"},
		{"fields of a later headway", `{"v":1,"status":201,"chain":{"id":"x"},"new":[1]}` + "\n", "201"},
		{"a format of a later headway", `{"v":2}` + "\n" + good + "\n", "line 1: format version 2 is not known, only 1|200"},
		{"JSON that is something else", `{"level":"info"}` + "\n", "line 1: no capture line: v is missing"},
		{"blank lines", "\n\n" + good + "\n \n", "200"},
		{"the ends of lines of Windows", good + "\r\n" + good + "\r\n", "200|200"},
		{"a line beyond measure", strings.Repeat("x", 2<<20) + "\n" + good + "\n", "reading capture: bufio.Scanner: token too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcomes(capture.Read(iotest.HalfReader(strings.NewReader(tt.in)))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadEndsWithItsReader(t *testing.T) {
	in := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(`{"v":1}`)))
	var got error
	for _, err := range capture.Read(in) {
		got = err
	}
	if !errors.Is(got, iotest.ErrTimeout) {
		t.Errorf("error %v, want that of the reader", got)
	}
}

func TestReadStopsWhenItsCallerDoes(t *testing.T) {
	n := 0
	for _, err := range capture.Read(strings.NewReader("{\"v\":1}\n{\"v\":1}\n")) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d lines", n)
	}
}

func FuzzRead(f *testing.F) {
	lines, err := os.ReadFile("testdata/lines.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(lines)
	f.Add([]byte(`{"v":1,"itl_s":{},"tokens":{"input":-1}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		n := 0
		for line, err := range capture.Read(bytes.NewReader(in)) {
			if n++; n > bytes.Count(in, []byte("\n"))+2 {
				t.Fatal("more lines than there are")
			}
			if err == nil && line.V != capture.Version {
				t.Fatalf("version %d got through", line.V)
			}
		}
	})
}

// outcomes joins the statuses and errors of lines.
func outcomes(lines iter.Seq2[capture.Line, error]) string {
	var out []string
	for line, err := range lines {
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		out = append(out, strconv.Itoa(line.Status))
	}
	return strings.Join(out, "|")
}
