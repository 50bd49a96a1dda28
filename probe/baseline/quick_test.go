package baseline_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// plainly reads a file as encoding/json reads it.
func plainly(text []byte) (b baseline.Baseline, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err = d.Decode(&b)
	return b, err
}

func TestAFileIsReadAsEncodingJSONReadsIt(t *testing.T) {
	whole := measured(.2, 16, 300, 1)
	whole.Stream, whole.Duration = new(true), new(900.25)
	whole.Throughput.Requests, whole.Goodput = new(1e-7), &baseline.Goodput{PerSecond: 3, Limits: map[baseline.Name]float64{baseline.TTFT: .5}}
	good := written(t, whole)
	_, rest, _ := strings.Cut(good, `"values": [`)
	first, _, _ := strings.Cut(rest, ",")
	for _, tt := range []struct{ name, old, put string }{
		{"as it was written", "\n", "\n"},
		{"without white space", "\n", ""},
		{"an escape", `"model": "small"`, `"model": "sm\u0061ll"`},
		{"a letter beyond ASCII", `"model": "small"`, `"model": "größer"`},
		{"bytes that are no UTF-8", `"model": "small"`, "\"model\": \"\xff\""},
		{"a null", `"duration_s": 900.25`, `"duration_s": null`},
		{"a key in capitals", `"model":`, `"Model":`},
		{"a key twice", `"model":`, `"model": "first", "model":`},
		{"an exponent", first, "1e-7"},
		{"a capital exponent with a sign", first, "1.25E-2"},
		{"nineteen digits", first, "0.0123456789012345678"},
		{"no digit to spare", first, "0.009007199254740993"},
		{"a zero", first, "0"},
		{"two indicators of one name", `"ttft": {`, `"ttft": {"mean": 1}, "ttft": {`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := []byte(strings.ReplaceAll(good, tt.old, tt.put))
			want, err := plainly(text)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := baseline.Read(bytes.NewReader(text)); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		})
	}
}
