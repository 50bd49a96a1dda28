package frame_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// reference returns the values of a valid document at the places of shape, as
// encoding/json reads them.
func reference(doc []byte) []string {
	w := &walker{dec: json.NewDecoder(bytes.NewReader(doc))}
	w.dec.UseNumber()
	w.value("")
	return append(w.lines, "whole")
}

type walker struct {
	dec   *json.Decoder
	lines []string
}

var fields = map[string]frame.Field{
	".name": name, ".list": list, ".list.[]": element, ".list.[].n": number,
	".list.[].inner": inner, ".list.[].inner.deep": deep, ".\u00e9\"": deep,
}

// value reads the value at path.
func (w *walker) value(path string) {
	token, err := w.dec.Token()
	if err != nil {
		panic(err)
	}
	kind, text := fmt.Sprint(token), ""
	switch x := token.(type) {
	case json.Delim:
		w.container(path, x)
		return
	case string:
		kind, text = "string", x
	case json.Number:
		kind, text = "number", x.String()
	case nil:
		kind = "null"
	}
	w.emit(path, kind, text)
}

// container reads an object or array.
func (w *walker) container(path string, open json.Delim) {
	kind := map[json.Delim]string{'{': "object", '[': "array"}[open]
	w.emit(path, kind, "")
	for w.dec.More() {
		below := path + ".[]"
		if open == '{' {
			key, err := w.dec.Token()
			if err != nil {
				panic(err)
			}
			below = path + "." + strings.ReplaceAll(key.(string), ".", "?")
			if key == "[]" {
				below = path + ".??"
			}
		}
		w.value(below)
	}
	if _, err := w.dec.Token(); err != nil {
		panic(err)
	}
	if lookedInto[path] == kind {
		w.emit(path, "end", "")
	}
}

// lookedInto has the containers with places of shape inside.
var lookedInto = map[string]string{".list": "array", ".list.[]": "object", ".list.[].inner": "object"}

// emit writes the line of a value, if shape has its place.
func (w *walker) emit(path, kind, text string) {
	if f := fields[path]; f != 0 {
		w.lines = append(w.lines, line(f, kind, text[:min(len(text), frame.MaxText)], len(text)))
	}
}

func FuzzJSON(f *testing.F) {
	for _, c := range jsonCases {
		f.Add([]byte(c.in), uint64(len(c.in)))
	}
	f.Fuzz(func(t *testing.T, doc []byte, seed uint64) {
		want := readJSON(doc)
		if json.Valid(doc) && utf8.Valid(doc) {
			if valid := reference(doc); !slices.Equal(want, valid) {
				t.Fatalf("headway    %q\nencoding/json %q", want, valid)
			}
		}
		r := rand.New(rand.NewPCG(seed, 2))
		for _, most := range []int{1, 3, 20} {
			if got := readJSON(dialecttest.Cut(doc, r, most)...); !slices.Equal(got, want) {
				t.Fatalf("in pieces of up to %d bytes:\n got %q\nwant %q", most, got, want)
			}
		}
		if got := repeated(doc, doc); !slices.Equal(got, want) {
			t.Fatalf("repeated:\n got %q\nwant %q", got, want)
		}
	})
}
