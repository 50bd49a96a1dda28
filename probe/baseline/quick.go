package baseline

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
)

// quick reads a document as Write writes it, in any indentation: no escapes, no null, each
// key once. It is several times as fast as encoding/json, and gives up on anything else:
// encoding/json reads such a document, and has the words for its mistakes. Like that
// package, quick takes the names of the fields from their tags.
type quick struct {
	text   []byte
	at     int
	fields map[reflect.Type]map[string]int // of each struct, by the name in the file
	names  map[string]string               // texts that were read before: cells repeat them
}

// quickly reads a document, or gives up.
func quickly(text []byte) (b Baseline, ok bool) {
	q := quick{text: text, fields: map[reflect.Type]map[string]int{}, names: map[string]string{}}
	ok = q.value(reflect.ValueOf(&b).Elem())
	return b, ok && q.next() == 0 && q.at == len(text)
}

// next is the next byte that is no white space, 0 at the end.
func (q *quick) next() byte {
	for ; q.at < len(q.text); q.at++ {
		switch c := q.text[q.at]; c {
		case ' ', '\n', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// eat passes over a byte if it is next.
func (q *quick) eat(c byte) bool {
	if q.next() != c {
		return false
	}
	q.at++
	return true
}

// value reads the next value into v, which is its zero value.
func (q *quick) value(v reflect.Value) bool {
	switch to := v.Addr().Interface().(type) {
	case *Values:
		return q.values(to)
	case *Quantiles:
		return q.quantiles(to)
	case *float64:
		return q.float(to)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return q.value(v.Elem())
	case reflect.Struct:
		return q.fieldsOf(v)
	case reflect.Map:
		return q.entries(v)
	case reflect.Slice:
		return q.items(v)
	case reflect.String:
		text, ok := q.name()
		v.SetString(text)
		return ok
	case reflect.Int:
		n, err := strconv.Atoi(string(q.digits()))
		v.SetInt(int64(n))
		return err == nil
	case reflect.Bool:
		return q.truth(v)
	}
	return false
}

// object calls each for the value behind every key.
func (q *quick) object(each func(key string) bool) bool {
	if !q.eat('{') {
		return false
	}
	for more := q.next() != '}'; more; more = q.eat(',') {
		key, ok := q.name()
		if !ok || !q.eat(':') || !each(key) {
			return false
		}
	}
	return q.eat('}')
}

// array calls each for every item.
func (q *quick) array(each func() bool) bool {
	if !q.eat('[') {
		return false
	}
	for more := q.next() != ']'; more; more = q.eat(',') {
		if !each() {
			return false
		}
	}
	return q.eat(']')
}

// fieldsOf reads an object into a struct.
func (q *quick) fieldsOf(v reflect.Value) bool {
	fields := q.fields[v.Type()]
	if fields == nil {
		fields = map[string]int{}
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			fields[name] = i
		}
		q.fields[v.Type()] = fields
	}
	var seen uint64
	return q.object(func(key string) bool {
		i, there := fields[key]
		if !there || seen>>i&1 != 0 {
			return false
		}
		seen |= 1 << i
		return q.value(v.Field(i))
	})
}

// entries reads an object into a map whose keys are texts.
func (q *quick) entries(v reflect.Value) bool {
	v.Set(reflect.MakeMap(v.Type()))
	return q.object(func(key string) bool {
		name := reflect.ValueOf(key).Convert(v.Type().Key())
		if v.MapIndex(name).IsValid() {
			return false
		}
		one := reflect.New(v.Type().Elem()).Elem()
		ok := q.value(one)
		v.SetMapIndex(name, one)
		return ok
	})
}

// items reads an array into a slice.
func (q *quick) items(v reflect.Value) bool {
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	return q.array(func() bool {
		n := v.Len()
		v.Grow(1)
		v.SetLen(n + 1)
		return q.value(v.Index(n))
	})
}

// values reads an array of numbers.
func (q *quick) values(to *Values) bool {
	*to = make(Values, 0, MaxValues)
	return q.array(func() bool {
		var one float64
		ok := q.float(&one)
		*to = append(*to, one)
		return ok
	})
}

// quantiles reads an object of shares.
func (q *quick) quantiles(to *Quantiles) bool {
	*to = make(Quantiles, 0, len(grid)+len(outer))
	return q.object(func(key string) bool {
		var value float64
		p, err := strconv.ParseFloat(key, 64)
		if _, twice := to.At(p); err != nil || twice || !(p > 0 && p < 1) || !q.float(&value) {
			return false
		}
		to.Set(p, value)
		return true
	})
}

// name reads a text of printable ASCII without escapes.
func (q *quick) name() (string, bool) {
	if !q.eat('"') {
		return "", false
	}
	for n, c := range q.text[q.at:] {
		switch {
		case c == '"':
			text := q.text[q.at : q.at+n]
			q.at += n + 1
			name, known := q.names[string(text)]
			if !known {
				name = string(text)
				q.names[name] = name
			}
			return name, true
		case c < ' ' || c > '~' || c == '\\':
			return "", false
		}
	}
	return "", false
}

func (q *quick) truth(v reflect.Value) bool {
	word := "false"
	if q.next() == 't' {
		word = "true"
	}
	if !bytes.HasPrefix(q.text[q.at:], []byte(word)) {
		return false
	}
	q.at += len(word)
	v.SetBool(word == "true")
	return true
}

// digits reads the digits of a number, without a 0 before others; none if it has one.
func (q *quick) digits() []byte {
	q.next()
	from := q.at
	for q.at < len(q.text) && q.text[q.at]-'0' <= 9 {
		q.at++
	}
	if digits := q.text[from:q.at]; len(digits) == 1 || len(digits) > 1 && digits[0] != '0' {
		return digits
	}
	return nil
}

// float reads a number that is not negative. A quotient of two numbers that a float64 has
// exactly is rounded once, so it is the nearest one.
func (q *quick) float(to *float64) bool {
	before := q.digits()
	from, behind := q.at-len(before), []byte(nil)
	if q.at < len(q.text) && q.text[q.at] == '.' {
		q.at++
		point := q.at
		for q.at < len(q.text) && q.text[q.at]-'0' <= 9 {
			q.at++
		}
		if behind = q.text[point:q.at]; len(behind) == 0 {
			return false
		}
	}
	var all uint64
	for _, digits := range [2][]byte{before, behind} {
		for _, c := range digits {
			all = all*10 + uint64(c-'0')
		}
	}
	if !q.exponent() && len(before)+len(behind) < len(powers) && all <= 1<<53 {
		*to = float64(all) / powers[len(behind)]
		return before != nil
	}
	v, err := strconv.ParseFloat(string(q.text[from:q.at]), 64)
	*to = v
	return before != nil && err == nil
}

// exponent passes over an exponent, if there is one.
func (q *quick) exponent() bool {
	if q.at == len(q.text) || q.text[q.at]|' ' != 'e' {
		return false
	}
	q.at++
	if q.at < len(q.text) && (q.text[q.at] == '-' || q.text[q.at] == '+') {
		q.at++
	}
	for q.at < len(q.text) && q.text[q.at]-'0' <= 9 {
		q.at++
	}
	return true
}

// powers are those of ten that float needs: 18 digits fit into 64 bits.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}
