package frame_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/proxy/dialect/dialecttest"
	"github.com/headway-sidecar/headway/proxy/dialect/frame"
)

// The fields of shape.
const (
	name frame.Field = iota + 1
	list
	element
	number
	inner
	deep
)

var shape = frame.MustShape(frame.Paths{
	"name":               name,
	"list":               list,
	"list.[]":            element,
	"list.[].n":          number,
	"list.[].inner":      inner,
	"list.[].inner.deep": deep,
	"\u00e9\"":           deep,
})

// values is a sink that writes a line for every value.
type values struct{ lines []string }

var kinds = map[frame.Kind]string{
	frame.String: "string", frame.Number: "number", frame.True: "true", frame.False: "false", frame.Null: "null",
	frame.Object: "object", frame.Array: "array", frame.End: "end", frame.Odd: "odd",
}

func (v *values) Value(x frame.Value) {
	if len(x.Text) != min(x.Len, frame.MaxText) {
		v.lines = append(v.lines, fmt.Sprintf("text of %d bytes for a length of %d", len(x.Text), x.Len))
	}
	v.lines = append(v.lines, line(x.Field, kinds[x.Kind], string(x.Text), x.Len))
}

// line formats a value.
func line(f frame.Field, kind, text string, length int) string {
	switch kind {
	case "string", "number", "odd":
		return fmt.Sprintf("%d %s %q %d", f, kind, text, length)
	}
	return fmt.Sprintf("%d %s", f, kind)
}

// readJSON returns the values of a document that comes in pieces, a line each. The last
// line says how the document ended.
func readJSON(pieces ...[]byte) []string {
	v := &values{}
	j := frame.NewJSON(shape, v)
	return feed(&j, v, pieces)
}

// feed feeds a document to j, and returns the lines of its sink v and how it ended.
func feed(j *frame.JSON, v *values, pieces [][]byte) []string {
	dialecttest.Feed(j.Feed, pieces)
	end := "cut"
	switch {
	case j.Close():
		end = "whole"
	case j.Broken():
		end = "broken"
	}
	return append(v.lines, end)
}

var jsonCases = []struct {
	name, in string
	want     []string
}{
	{"a member", `{"name":"a"}`, []string{`1 string "a" 1`, "whole"}},
	{"whitespace everywhere", "\n\r\t { \"name\" : \"a\" , \"list\" : [ { \"n\" : 1 } , 2 ] } \n", []string{`1 string "a" 1`, "2 array", "3 object", `4 number "1" 1`, "3 end", `3 number "2" 1`, "2 end", "whole"}},
	{"other members", `{"x":{"name":"no"},"y":["name",{"name":1}],"z":"na\"me","w":-1.5e3,"v":null,"name":"a"}`, []string{`1 string "a" 1`, "whole"}},
	{"other members of great depth", `{"x":` + strings.Repeat(`[{"]]}}":`, 40) + "1" + strings.Repeat("}]", 40) + `,"y":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `,"name":"a"}`, []string{`1 string "a" 1`, "whole"}},
	{"words", `{"name":true,"name":false,"name":null}`, []string{"1 true", "1 false", "1 null", "whole"}},
	{"words that JSON lacks", `{"name":NaN,"name":-Infinity,"name":tru}`, []string{`1 odd "NaN" 3`, `1 odd "-Infinity" 9`, `1 odd "tru" 3`, "whole"}},
	{"escapes in a string", `{"name":"a\n\"\\\/\b\f\r\t\u00e9\u20ac"}`, []string{`1 string "a\n\"\\/\b\f\r\té€" 14`, "whole"}},
	{"surrogate pair", `{"name":"\ud83d\ude00"}`, []string{`1 string "😀" 4`, "whole"}},
	{"surrogates without a partner", `{"name":"\ud83d-\ude00\ud83d\ud83d\ude00\ud83d\n\ud83d"}`, []string{"1 string \"\uFFFD-\uFFFD\uFFFD😀\uFFFD\\n\uFFFD\" 21", "whole"}},
	{"escapes in a key", `{"n\u0061me":"a","\u00e9\"":"b"}`, []string{`1 string "a" 1`, `6 string "b" 1`, "whole"}},
	{"a long string", `{"name":"` + strings.Repeat("0123456789", 100) + `"}`, []string{fmt.Sprintf("1 string %q 1000", strings.Repeat("0123456789", 26)[:256]), "whole"}},
	{"a long string with escapes", `{"name":"` + strings.Repeat(`\u00e9`, 300) + `"}`, []string{fmt.Sprintf("1 string %q 600", strings.Repeat("é", 128)), "whole"}},
	{"a long key", `{"` + strings.Repeat("name", 100) + `":1,"name":2}`, []string{`1 number "2" 1`, "whole"}},
	{"an empty key", `{"":1,"name":2}`, []string{`1 number "2" 1`, "whole"}},
	{"elements", `{"list":[]}`, []string{"2 array", "2 end", "whole"}},
	{"an object where the shape has an array", `{"list":{"n":1}}`, []string{"2 object", "whole"}},
	{"an array where the shape has an object", `{"list":[[{"n":1}]]}`, []string{"2 array", "3 array", "2 end", "whole"}},
	{"a container without places of the shape", `{"name":{"list":[{"n":"]}"}]}}`, []string{"1 object", "whole"}},
	{"deep", `{"list":[{"inner":{"deep":{"deep":1}}}]}`, []string{"2 array", "3 object", "5 object", "6 object", "5 end", "3 end", "2 end", "whole"}},
	{"very deep", strings.Repeat("[", 1e5) + strings.Repeat("]", 1e5), []string{"whole"}},
	{"a number on its own", ` 12`, []string{"whole"}},
	{"a string on its own", `"a"`, []string{"whole"}},
	{"nothing", ``, []string{"cut"}},
	{"cut in an object", `{"name":1`, []string{"cut"}},
	{"cut in a string", `{"name":"a`, []string{"cut"}},
	{"cut in an escape", `{"name":"a\u00`, []string{"cut"}},
	{"cut in a skipped value", `{"x":["`, []string{"cut"}},
	{"two documents", `{"name":1}{"name":2}`, []string{`1 number "1" 1`, "broken"}},
	{"not JSON", `<html>`, []string{"broken"}},
	{"comma before the end", `{"name":1,}`, []string{`1 number "1" 1`, "broken"}},
	{"comma before the end of an array", `{"list":[1,]}`, []string{"2 array", `3 number "1" 1`, "broken"}},
	{"no comma", `{"name":1 "list":2}`, []string{`1 number "1" 1`, "broken"}},
	{"no colon", `{"name" 1}`, []string{"broken"}},
	{"no value", `{"name":}`, []string{"broken"}},
	{"no key", `{1:2}`, []string{"broken"}},
	{"wrong bracket", `{"list":[1}`, []string{"2 array", `3 number "1" 1`, "broken"}},
	{"bad escape", `{"name":"\x"}`, []string{"broken"}},
	{"bad digit", `{"name":"\u00g0"}`, []string{"broken"}},
}

func TestJSON(t *testing.T) {
	for _, c := range jsonCases {
		t.Run(c.name, func(t *testing.T) {
			if got := readJSON([]byte(c.in)); !slices.Equal(got, c.want) {
				t.Errorf("in one piece:\n got %q\nwant %q", got, c.want)
			}
			if got := readJSON(dialecttest.Cut([]byte(c.in), rand.New(rand.NewPCG(1, 1)), 1)...); !slices.Equal(got, c.want) {
				t.Errorf("byte by byte:\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestInt(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "12": 12, "12.0": 12, "12.9": 12, "1.2e3": 1200, "999999999999999": 999999999999999,
		"9007199254740991": 9007199254740991, "9007199254740992": -1, "4000000000000000000": -1, "-1": -1, "1e30": -1, "-": -1, "1x": -1, "": -1,
		strings.Repeat("1", 300): -1,
	} {
		got, ok := frame.Value{Kind: frame.Number, Text: []byte(in), Len: len(in)}.Int()
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: got %d, %v, want %d", in, got, ok, want)
		}
	}
	if _, ok := (frame.Value{Kind: frame.String, Text: []byte("1"), Len: 1}).Int(); ok {
		t.Error("Int reads a string")
	}
}

func TestMustShapePanics(t *testing.T) {
	many := frame.Paths{}
	for i := range 1100 {
		many[fmt.Sprint("m", i)] = 1
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic at too many places")
		}
	}()
	frame.MustShape(many)
}

// content has a place that is an array in some documents and an object in others.
var content = frame.MustShape(frame.Paths{
	"name":            name,
	"content":         list,
	"content.[]":      element,
	"content.[].n":    number,
	"content.n":       inner,
	"content.[].[]":   deep,
	"content.m.[].n":  number,
	"content.[].m.[]": deep,
})

func TestAPlaceMayBeArrayOrObject(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"an object", `{"content":{"n":1,"m":[{"n":2}]},"name":"a"}`,
			[]string{"2 object", `5 number "1" 1`, `4 number "2" 1`, "2 end", `1 string "a" 1`, "whole"}},
		{"an array", `{"content":[{"n":1},[2,3],{"m":[4]}],"name":"a"}`,
			[]string{"2 array", "3 object", `4 number "1" 1`, "3 end", "3 array", `6 number "2" 1`, `6 number "3" 1`, "3 end",
				"3 object", `6 number "4" 1`, "3 end", "2 end", `1 string "a" 1`, "whole"}},
		{"neither", `{"content":"n","name":"a"}`, []string{`2 string "n" 1`, `1 string "a" 1`, "whole"}},
		{"an object that ends as an array", `{"content":{"n":1]`, []string{"2 object", `5 number "1" 1`, "broken"}},
		{"an array that ends as an object", `{"content":[1}`, []string{"2 array", `3 number "1" 1`, "broken"}},
		{"behind an array in an array", `{"content":[[1]}`, []string{"2 array", "3 array", `6 number "1" 1`, "3 end", "broken"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, most := range []int{1, 3, len(c.in)} {
				v := &values{}
				j := frame.NewJSON(content, v)
				if got := feed(&j, v, dialecttest.Cut([]byte(c.in), rand.New(rand.NewPCG(1, 1)), most)); !slices.Equal(got, c.want) {
					t.Errorf("in pieces of up to %d bytes:\n got %q\nwant %q", most, got, c.want)
				}
			}
		})
	}
}

// A place may be an object in one document of a stream and an array in the next.
func TestRepeatedPlacesMayChange(t *testing.T) {
	docs := []string{`{"content":{"n":1}}`, `{"content":[{"n":1}]}`, `{"content":[[1]]}`, `{"content":{"m":[{"n":1}]}}`}
	for _, before := range docs {
		for _, doc := range docs {
			plain, again := &values{}, &values{}
			j := frame.NewJSON(content, plain)
			want := feed(&j, plain, [][]byte{[]byte(doc)})
			j = frame.NewJSON(content, again)
			j.Repeating()
			for range 2 {
				j.Feed([]byte(before))
				j.Restart()
			}
			again.lines = nil
			if got := feed(&j, again, [][]byte{[]byte(doc)}); !slices.Equal(got, want) {
				t.Errorf("%s behind %s:\n got %q\nwant %q", doc, before, got, want)
			}
		}
	}
}

// repeated reads before twice with a reader that is Repeating, and returns the values of
// doc, read after that.
func repeated(before, doc []byte) []string {
	v := &values{}
	j := frame.NewJSON(shape, v)
	j.Repeating()
	for range 2 { // the first time records before, the second plays it
		dialecttest.Feed(j.Feed, [][]byte{before})
		j.Close()
		j.Restart()
	}
	v.lines = nil
	return feed(&j, v, [][]byte{doc})
}

// A word that nobody looks for may grow from one document to the next, up to where a
// value ended before.
func TestRepeatedWordsMayGrow(t *testing.T) {
	for _, c := range []struct{ name, before, doc string }{
		{"a number", `{"list":[{"x":1}],"name":"a"}`, `{"list":[{"x":12}],"name":"a"}`},
		{"a word that JSON does not have", `{"list":[{"x":n}],"name":"a"}`, `{"list":[{"x":n00}],"name":"a"}`},
		{"a number at the end of an array", `{"list":[{"x":[]},1],"name":"a"}`, `{"list":[{"x":[]},10],"name":"a"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := repeated([]byte(c.before), []byte(c.doc)), readJSON([]byte(c.doc)); !slices.Equal(got, want) {
				t.Errorf("%s behind %s:\n got %q\nwant %q", c.doc, c.before, got, want)
			}
		})
	}
}

// A reader that is Repeating emits the values that a plain one emits, wherever the next
// document of a stream differs from the one before: in a value that somebody looks for, in
// one that nobody does, or in more than values.
func TestRepeatingEmitsTheSame(t *testing.T) {
	const few = `{"id":"x1","seq":41,"name":"na\nme","list":[{"n":1,"inner":{"deep":"t"},"x":[1,{"n":2}]},{"inner":{"q":[]}}],"seq":"abc",` +
		`"hint":{"a":[{"b": "c\"","d":[]}, 12],"e":null},"end":{"a":0}}`
	many := `{"name":"n","list":[{"n":1}` + strings.Repeat(`,{"x":0,"n":2}`, 60) + `],"end":[1,"a"]}`
	const signs = `{}[]",:\u0 1etrflsn`
	r := rand.New(rand.NewPCG(7, 7))
	for i := range 20000 {
		before := []byte(few)
		if i%8 == 0 {
			before = []byte(many)
		}
		doc := bytes.Clone(before)
		for range 1 + r.IntN(3) {
			at := r.IntN(len(doc))
			old := min(r.IntN(4), len(doc)-at)
			var fresh []byte
			for range r.IntN(4) {
				fresh = append(fresh, signs[r.IntN(len(signs))])
			}
			doc = slices.Replace(doc, at, at+old, fresh...)
		}
		if got, want := repeated(before, doc), readJSON(doc); !slices.Equal(got, want) {
			t.Fatalf("%s\nbehind\n%s\n got %q\nwant %q", doc, before, got, want)
		}
	}
}
