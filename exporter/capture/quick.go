package capture

import (
	"bytes"
	"reflect"
	"strconv"
	"time"
)

// quick reads lines as a Writer writes them: without white space, every key once. It is ten
// times faster than encoding/json, and gives up on anything else: an escape, a null, a key
// that it does not know. encoding/json reads those lines.
type quick struct {
	text []byte
	at   int
	// line is the line that was read last, and fields those of it.
	line   Line
	fields object
	// names are texts that lines repeat, so that each is allocated once.
	names map[string]string
	// slo is the text of the last line's verdicts: most lines have the same.
	slo      []byte
	verdicts map[string]Verdict
	// verdict, limit and request are entries that are read.
	verdict       Verdict
	limit         Limit
	request       RequestLimit
	verdictFields object
	limitFields   object
	requestFields object
}

func newQuick() *quick {
	q := &quick{names: map[string]string{}}
	q.fields = objectOf(reflect.ValueOf(&q.line).Elem())
	q.verdictFields = objectOf(reflect.ValueOf(&q.verdict).Elem())
	q.limitFields = objectOf(reflect.ValueOf(&q.limit).Elem())
	q.requestFields = objectOf(reflect.ValueOf(&q.request).Elem())
	return q
}

// manyNames bounds quick.names, longName the length of each, and manyNews the different
// values of a field that may be names: one with more has ids, which no other line repeats.
const (
	manyNames = 4096
	longName  = 64
	manyNews  = 256
)

// read reads a line into q.line, or gives up.
func (q *quick) read(text []byte) bool {
	q.text, q.at, q.line = text, 0, Line{}
	return q.object(q.fields) && q.at == len(text)
}

// peek is the next byte, 0 at the end.
func (q *quick) peek() byte {
	if q.at < len(q.text) {
		return q.text[q.at]
	}
	return 0
}

// eat passes over a byte if it is next.
func (q *quick) eat(c byte) bool {
	if q.peek() != c {
		return false
	}
	q.at++
	return true
}

// quoted reads a text of printable ASCII without escapes.
func (q *quick) quoted() ([]byte, bool) {
	if !q.eat('"') {
		return nil, false
	}
	for n, c := range q.text[q.at:] {
		switch {
		case c == '"':
			text := q.text[q.at : q.at+n]
			q.at += n + 1
			return text, true
		case c < ' ' || c > '~' || c == '\\':
			return nil, false
		}
	}
	return nil, false
}

// name reads a text, which is most often the one of the line before.
func (q *quick) name(to *string, f *field) bool {
	if len(f.last.quoted) > 0 && bytes.HasPrefix(q.text[q.at:], f.last.quoted) {
		q.at += len(f.last.quoted)
		*to = f.last.text
		return true
	}
	from := q.at
	text, ok := q.quoted()
	if !ok {
		return false
	}
	if f.news >= manyNews {
		*to = string(text)
		return true
	}
	before := len(q.names)
	*to = q.known(text)
	f.news += len(q.names) - before
	f.last = word{append(f.last.quoted[:0], q.text[from:q.at]...), *to}
	return true
}

// known is text as a string, the same one for every line.
func (q *quick) known(text []byte) string {
	name, ok := q.names[string(text)]
	if !ok {
		name = string(text)
		if len(q.names) < manyNames && len(text) <= longName {
			q.names[name] = name
		}
	}
	return name
}

func (q *quick) time(to *time.Time) bool {
	from := q.at
	_, ok := q.quoted()
	return ok && to.UnmarshalJSON(q.text[from:q.at]) == nil
}

func (q *quick) truth(to *bool) bool {
	for _, word := range [2]string{"true", "false"} {
		if end := q.at + len(word); end <= len(q.text) && string(q.text[q.at:end]) == word {
			q.at, *to = end, word == "true"
			return true
		}
	}
	return false
}

// list reads an array of texts that is not empty.
func (q *quick) list(to *[]string) bool {
	if !q.eat('[') {
		return false
	}
	for *to = make([]string, 0, 1); ; {
		text, ok := q.quoted()
		if !ok {
			return false
		}
		*to = append(*to, q.known(text))
		if q.eat(']') {
			return true
		}
		if !q.eat(',') {
			return false
		}
	}
}

// digits reads a number without sign and exponent. All its digits are in all unless there
// are more than 18, and so many of them are behind the point.
func (q *quick) digits() (text []byte, all uint64, behind int, ok bool) {
	from, point := q.at, -1
	for ; q.at < len(q.text); q.at++ {
		c := q.text[q.at]
		switch {
		case c >= '0' && c <= '9':
			all = all*10 + uint64(c-'0')
		case c == '.' && point < 0:
			point = q.at
		default:
			text = q.text[from:q.at]
			if point >= 0 {
				behind = q.at - point - 1
			}
			before := len(text)
			if point >= 0 {
				before = point - from
			}
			whole := before > 0 && (before == 1 || text[0] != '0') && (point < 0 || behind > 0)
			return text, all, behind, whole && (c == ',' || c == '}')
		}
	}
	return nil, 0, 0, false
}

// longest is the length of a number whose digits fit into 64 bits.
const longest = 18

func (q *quick) whole(to *int) bool {
	text, all, behind, ok := q.digits()
	*to = int(all)
	return ok && behind == 0 && len(text) <= longest
}

func (q *quick) count(to *int64) bool {
	text, all, behind, ok := q.digits()
	*to = int64(all)
	return ok && behind == 0 && len(text) <= longest
}

// float reads a number. A quotient of two numbers that a float64 has exactly is rounded
// once, so it is the nearest one.
func (q *quick) float(to *float64) bool {
	text, all, behind, ok := q.digits()
	if !ok {
		return false
	}
	if len(text) <= longest && all <= 1<<53 && behind < len(powers) {
		*to = float64(all) / powers[behind]
		return true
	}
	v, err := strconv.ParseFloat(string(text), 64)
	*to = v
	return err == nil
}

// powers are those of ten that lines need.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}
