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
	records := []exchange.Record{chat(), traced(), refused(), unconnected(), limited()}
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

// Read has a reader of its own for the lines that headway writes. It must read whatever
// encoding/json reads, and the same.
func TestReadReadsAsJSONDoes(t *testing.T) {
	for _, name := range []string{"testdata/lines.jsonl", "testdata/chains.jsonl"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			readsAsJSON(t, line)
		}
	}
	for _, fields := range []string{
		``, `"status":200`, `"status":0200`, `"status":2e2`, `"status":-1`, `"status":1.0`, `"status":null`, `"status":9223372036854775808`,
		`"e2e_s":0.1`, `"e2e_s":.1`, `"e2e_s":1.`, `"e2e_s":00.1`, `"e2e_s":1e-3`, `"e2e_s":0`, `"e2e_s":-0`, `"e2e_s":""`,
		`"e2e_s":0.1234567890123456789`, `"e2e_s":9007199254740993.5`, `"e2e_s":123456789012345678901234567890`, `"e2e_s":0.30000000000000004`,
		`"outcome":"ok"`, `"outcome":"a\"b"`, `"outcome":"ü"`, `"outcome":"\u00fc"`, `"outcome":"` + "\xff" + `"`, `"outcome":"` + "\t" + `"`, `"Outcome":"ok"`,
		`"outcome":"ok","outcome":"bad"`, `"outcome":"ok","OUTCOME":"bad"`, `"outcome":7`, `"later":{"x":[1]},"outcome":"ok"`,
		`"stream":true`, `"stream":false`, `"stream":tru`, `"stream":truee`, `"stream":1`, `"stream":null`,
		`"start":"2026-11-21T10:00:00Z"`, `"start":"2026-11-21T10:00:00.5+02:00"`, `"start":"yesterday"`, `"start":0`,
		`"itl_s":{}`, `"itl_s":{"p50":1,"p50":2}`, `"itl_s":null`, `"itl_s":[]`, `"itl_s":{"p50":1},"itl_s":{"p90":2}`,
		`"tokens":{"input":-1}`, `"tokens":{"input":0,"output":null}`, `"tokens":{"input":18446744073709551615}`, `"engine_s":{"queue":0,"decode":1.5}`,
		`"finish_reasons":[]`, `"finish_reasons":["stop","length"]`, `"finish_reasons":["stop",]`, `"finish_reasons":["stop"`, `"finish_reasons":[7]`,
		`"notes":["a"],"notes":["b","c"]`, `"chunks":0,"content_chunks":3,"burst_ratio":0`,
		`"slo":{}`, `"slo":{"a":{"verdict":"bad","missed":["ttft","e2e"]},"b":{"verdict":"good"}}`, `"slo":{"a":{"verdict":"bad"},"a":{"missed":["e2e"]}}`, `"slo":{"a":{"missed":[]}}`,
		`"ratelimit":{"requests":{"limit":1,"remaining":0,"reset_s":0.5},"tokens":{}}`, `"ratelimit":{"":{}}`,
		`"chain":{"id":"x","attempt":2,"joined_by":"k","fallback":true,"ambiguous":false,"elapsed_s":1.5,"outcome":"recovered"}`,
		`"model":{"request":"m","response":"m-1","further":1}`, `"status" :200`, `"status":200 `, `"bytes":{"in":1,"out":2},`,
	} {
		for _, line := range []string{`{"v":1,` + fields + `}`, `{` + fields + `,"v":1}`, `{"v":1,` + fields, `{"v":1,` + fields + `}}`, `{"v":1,` + fields + `} `} {
			readsAsJSON(t, []byte(line))
		}
	}
}

func TestALineThatIsGivenUpLeavesNothingToTheNext(t *testing.T) {
	readsAsJSON(t, []byte(`{"v":1,"itl_s":{"p50":1,"p90":"x"}}
{"v":1,"itl_s":{"p99":2},"chain":{"id":"a","attempt":3,"later":1}}
{"v":1,"chain":{"id":"b"},"call":{"id":"c","attempts":1,"itl_s":{"p50":3},"joined_by":["x"],"new":0}}
{"v":1,"call":{"id":"d","itl_s":{}},"slo":{"a":{"verdict":"bad","missed":["ttft"],"x":1}}}
{"v":1,"slo":{"a":{}},"ratelimit":{"a":{"limit":1,"x":2}}}
{"v":1,"ratelimit":{"a":{"remaining":1},"b":{}}}
`))
}

// readsAsJSON holds Read against encoding/json: the lines that both read, one behind the
// other, and then line by line, each twice.
func readsAsJSON(t *testing.T, text []byte) {
	t.Helper()
	var good []capture.Line
	for line, err := range capture.Read(bytes.NewReader(text)) {
		if err == nil {
			good = append(good, line)
		}
	}
	for raw := range bytes.Lines(text) {
		var want capture.Line
		if len(raw) <= 1<<20 && json.Unmarshal(raw, &want) == nil && want.V == capture.Version {
			if len(good) == 0 || !reflect.DeepEqual(good[0], want) {
				t.Errorf("%s\ngot  %+v\nwant %+v", raw, good, want)
				break
			}
			good = good[1:]
		}
	}
	for raw := range bytes.Lines(text) {
		var want capture.Line
		wrong := json.Unmarshal(raw, &want)
		again := bytes.Join([][]byte{bytes.TrimRight(raw, "\n"), raw}, []byte("\n"))
		for got, err := range capture.Read(bytes.NewReader(again)) {
			switch {
			case wrong != nil || want.V != capture.Version:
				if err == nil {
					t.Errorf("%s was read, and encoding/json says %v", raw, wrong)
				}
			case err != nil:
				t.Errorf("%s: %v", raw, err)
			case !reflect.DeepEqual(got, want):
				t.Errorf("%s\ngot  %+v\nwant %+v", raw, got, want)
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	text, err := os.ReadFile("testdata/lines.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	text = bytes.Repeat(text, 200)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range capture.Read(bytes.NewReader(text)) {
			if err != nil {
				b.Fatal(err)
			}
		}
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
		readsAsJSON(t, in)
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
