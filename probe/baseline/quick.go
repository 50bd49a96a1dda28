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
	fields map[reflect.Type][]string // the names in the file of each struct's fields
	names  map[string]string         // texts that were read before: cells repeat them
	shares map[string]float64        // the same of the keys of Quantiles
	room   []float64                 // that Values share, so that few are allocated
}

// quickly reads a document, or gives up.
func quickly(text []byte) (b Baseline, ok bool) {
	q := quick{text: text, fields: map[reflect.Type][]string{}, names: map[string]string{}, shares: map[string]float64{}}
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
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return q.value(v.Elem())
	case reflect.Struct:
		return q.fieldsOf(v)
	case reflect.Map:
		return q.entries(v)
	case reflect.Slice:
		switch to := v.Addr().Interface().(type) {
		case *Values:
			return q.values(to)
		case *Quantiles:
			return q.quantiles(to)
		}
		return q.items(v)
	case reflect.Float64:
		var one float64
		ok := q.float(&one)
		v.SetFloat(one)
		return ok
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

// object calls each for the value behind every key, which is valid until each reads on.
func (q *quick) object(each func(key []byte) bool) bool {
	if !q.eat('{') {
		return false
	}
	for more := q.next() != '}'; more; more = q.eat(',') {
		key, ok := q.quoted()
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
	fields := q.fieldNames(v.Type())
	var seen uint64
	next := 0 // Write writes the fields in their order
	return q.object(func(key []byte) bool {
		for n := range fields {
			i := (next + n) % len(fields)
			if fields[i] != string(key) {
				continue
			}
			if seen>>i&1 != 0 {
				return false
			}
			seen |= 1 << i
			next = i + 1
			return q.value(v.Field(i))
		}
		return false
	})
}

// fieldNames are the names of the fields of a struct, from their tags.
func (q *quick) fieldNames(of reflect.Type) []string {
	fields, known := q.fields[of]
	if !known {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			fields = append(fields, name)
		}
		q.fields[of] = fields
	}
	return fields
}

// entries reads an object into a map whose keys are texts.
func (q *quick) entries(v reflect.Value) bool {
	v.Set(reflect.MakeMap(v.Type()))
	return q.object(func(key []byte) bool {
		name := reflect.ValueOf(q.known(key)).Convert(v.Type().Key())
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
	if cap(q.room)-len(q.room) < MaxValues {
		q.room = make([]float64, 0, 64*MaxValues)
	}
	from := len(q.room)
	ok := q.array(func() bool {
		for {
			var one float64
			if !q.float(&one) {
				return false
			}
			q.room = append(q.room, one)
			if q.at+1 >= len(q.text) || q.text[q.at] != ',' || q.text[q.at+1]-'0' > 9 {
				return true // or white space separates the numbers
			}
			q.at++
		}
	})
	*to = Values(q.room[from:len(q.room):len(q.room)])
	return ok
}

// quantiles reads an object of shares.
func (q *quick) quantiles(to *Quantiles) bool {
	out := make(Quantiles, 0, len(grid)+len(outer))
	ok := q.object(func(key []byte) bool {
		var value float64
		p, known := q.shares[string(key)]
		if !known {
			var err error
			if p, err = strconv.ParseFloat(string(key), 64); err != nil || !(p > 0 && p < 1) {
				return false
			}
			q.shares[string(key)] = p
		}
		if last := len(out) - 1; last >= 0 && compare(out[last].P, p) >= 0 || !q.float(&value) {
			return false
		}
		out = append(out, Quantile{p, value})
		return true
	})
	*to = out
	return ok
}

// name reads a text that cells repeat.
func (q *quick) name() (string, bool) {
	text, ok := q.quoted()
	return q.known(text), ok
}

// known is text as a string, the same one for every cell.
func (q *quick) known(text []byte) string {
	name, known := q.names[string(text)]
	if !known {
		name = string(text)
		q.names[name] = name
	}
	return name
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
	q.next()
	text := q.text[q.at:]
	size, point, all := 0, -1, uint64(0)
	for ; size < len(text); size++ {
		if c := text[size] - '0'; c <= 9 {
			all = all*10 + uint64(c)
		} else if text[size] == '.' && point < 0 {
			point = size
		} else {
			break
		}
	}
	before, behind := size, 0
	if point >= 0 {
		before, behind = point, size-point-1
	}
	if before == 0 || before > 1 && text[0] == '0' || point >= 0 && behind == 0 {
		return false
	}
	exponent := exponent(text[size:])
	q.at += size + exponent
	if exponent == 0 && size < len(powers) && all <= 1<<53 {
		*to = float64(all) / powers[behind]
		return true
	}
	v, err := strconv.ParseFloat(string(text[:size+exponent]), 64)
	*to = v
	return err == nil
}

// exponent is the size of the exponent that begins text, 0 if none does.
func exponent(text []byte) (size int) {
	if len(text) == 0 || text[0]|' ' != 'e' {
		return 0
	}
	size++
	if size < len(text) && (text[size] == '-' || text[size] == '+') {
		size++
	}
	for size < len(text) && text[size]-'0' <= 9 {
		size++
	}
	return size
}

// powers are those of ten that float needs: 18 digits fit into 64 bits.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}
