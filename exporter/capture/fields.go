package capture

import (
	"bytes"
	"reflect"
	"strings"
	"time"
)

// object is a struct as lines have it: its fields in the order in which a Writer writes
// them. The tags of the struct name them, as they do for the Writer.
type object []field

// field is a field of a struct. Its value goes where to points, always the same place.
type field struct {
	key  []byte // as it stands in a line: "ttft_s":
	to   any
	last word   // of a text: the value before, which most lines repeat
	news int    // how many values of a text were new
	part object // of a struct
	// A line points at some structs. Such a one is read into read, and then into points at a
	// copy of it.
	read, into reflect.Value
}

// word is a text, and how it stands in a line.
type word struct {
	quoted []byte
	text   string
}

// objectOf is the fields of a struct.
func objectOf(v reflect.Value) object {
	out := make(object, 0, v.NumField())
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		f := field{key: []byte(`"` + name + `":`), to: v.Field(i).Addr().Interface()}
		switch of := v.Field(i); {
		case of.Kind() == reflect.Struct && of.Type() != reflect.TypeFor[time.Time]():
			f.to, f.part = nil, objectOf(of)
		case of.Kind() == reflect.Pointer && of.Type().Elem().Kind() == reflect.Struct:
			f.into, f.read = of, reflect.New(of.Type().Elem()).Elem()
			f.to, f.part = nil, objectOf(f.read)
		}
		out = append(out, f)
	}
	return out
}

// object reads an object whose fields have their zero values. It gives up on a key that the
// struct has not, or that was there already.
func (q *quick) object(of object) bool {
	if !q.eat('{') {
		return false
	}
	if q.eat('}') {
		return true
	}
	var seen uint64
	for next := 0; ; next++ {
		var is bool
		if next, is = of.find(q.text[q.at:], next); !is || seen>>next&1 != 0 {
			return false
		}
		seen |= 1 << next
		q.at += len(of[next].key)
		if !q.value(&of[next]) {
			return false
		}
		if q.eat('}') {
			return true
		}
		if !q.eat(',') {
			return false
		}
	}
}

// find is the field whose key begins text. It looks at the field next first, and then at
// those behind it.
func (o object) find(text []byte, next int) (int, bool) {
	for i := next; i < len(o); i++ {
		if bytes.HasPrefix(text, o[i].key) {
			return i, true
		}
	}
	for i := range o[:min(next, len(o))] {
		if bytes.HasPrefix(text, o[i].key) {
			return i, true
		}
	}
	return 0, false
}

// value reads the value of a field.
func (q *quick) value(f *field) bool {
	switch to := f.to.(type) {
	case *string:
		return q.name(to, f)
	case *float64:
		return q.float(to)
	case *int:
		return q.whole(to)
	case *int64:
		return q.count(to)
	case **float64:
		*to = new(float64)
		return q.float(*to)
	case **int:
		*to = new(int)
		return q.whole(*to)
	case **int64:
		*to = new(int64)
		return q.count(*to)
	case *bool:
		return q.truth(to)
	case *time.Time:
		return q.time(to)
	case *[]string:
		return q.list(to)
	case *map[string]Verdict:
		return q.judged(to)
	case *map[string]Limit:
		return q.limits(to)
	case *map[string]RequestLimit:
		*to = map[string]RequestLimit{}
		return entries(q, *to, &q.request, q.requestFields)
	case *map[string]string:
		return q.texts(to)
	}
	return f.part != nil && q.inner(f)
}

// inner reads a field that is a struct.
func (q *quick) inner(f *field) bool {
	if !f.into.IsValid() {
		return q.object(f.part)
	}
	f.read.SetZero()
	if !q.object(f.part) {
		return false
	}
	one := reflect.New(f.read.Type())
	one.Elem().Set(f.read)
	f.into.Set(one)
	return true
}

// judged reads verdicts. It returns the map of the line before if that had the same.
func (q *quick) judged(to *map[string]Verdict) bool {
	if rest := q.text[q.at:]; q.verdicts != nil && bytes.HasPrefix(rest, q.slo) {
		q.at += len(q.slo)
		*to = q.verdicts
		return true
	}
	from, all := q.at, map[string]Verdict{}
	if !entries(q, all, &q.verdict, q.verdictFields) {
		return false
	}
	q.slo, q.verdicts = append(q.slo[:0], q.text[from:q.at]...), all
	*to = all
	return true
}

func (q *quick) limits(to *map[string]Limit) bool {
	*to = map[string]Limit{}
	return entries(q, *to, &q.limit, q.limitFields)
}

// texts reads an object of texts, each name once.
func (q *quick) texts(to *map[string]string) bool {
	if !q.eat('{') {
		return false
	}
	for *to = map[string]string{}; ; {
		key, ok := q.quoted()
		if !ok || !q.eat(':') {
			return false
		}
		name := q.known(key)
		text, ok := q.quoted()
		if _, twice := (*to)[name]; !ok || twice {
			return false
		}
		(*to)[name] = q.known(text)
		if q.eat('}') {
			return true
		}
		if !q.eat(',') {
			return false
		}
	}
}

// entries reads an object whose keys are names into a map, each name once. The fields
// belong to one.
func entries[T any](q *quick, all map[string]T, one *T, fields object) bool {
	if !q.eat('{') {
		return false
	}
	if q.eat('}') {
		return true
	}
	for {
		key, ok := q.quoted()
		if !ok || !q.eat(':') {
			return false
		}
		name := q.known(key)
		if _, twice := all[name]; twice {
			return false
		}
		var zero T
		*one = zero
		if !q.object(fields) {
			return false
		}
		all[name] = *one
		if q.eat('}') {
			return true
		}
		if !q.eat(',') {
			return false
		}
	}
}
