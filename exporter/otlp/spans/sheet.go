package spans

import (
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// sheet gathers the attributes of a span, an event or a link.
type sheet struct {
	attributes []attribute
	floats     []float64 // of the one attribute that is a list of floats
}

// attribute is a key and its value. The kind says which field holds the value; the other
// fields hold values of former attributes.
type attribute struct {
	key    string
	kind   kind
	text   string
	number uint64 // an int64, or the bits of a float64
	texts  []string
}

type kind uint8

const (
	textKind    kind = iota
	rentedKind       // a text that lives in its batch, and is never compared
	intKind          // in number
	doubleKind       // in number
	boolKind         // in number, 1 is true
	textsKind        // in texts
	doublesKind      // in floats of the sheet
)

func (s *sheet) clear() { s.attributes = s.attributes[:0] }

func (s *sheet) add(key string, k kind) *attribute {
	n := len(s.attributes)
	if n < cap(s.attributes) {
		s.attributes = s.attributes[:n+1]
	} else {
		s.attributes = append(s.attributes, attribute{})
	}
	a := &s.attributes[n]
	a.key, a.kind = key, k
	return a
}

// str adds a text that is not empty.
func (s *sheet) str(key, v string) {
	if v != "" {
		s.add(key, textKind).text = v
	}
}

func (s *sheet) rented(key, v string) {
	if v != "" {
		s.add(key, rentedKind).text = v
	}
}

func (s *sheet) int(key string, v int64) { s.add(key, intKind).number = uint64(v) }

// count adds a number that is known.
func (s *sheet) count(key string, c exchange.Count) {
	if c.Known {
		s.int(key, c.N)
	}
}

// double adds a number, also 0.
func (s *sheet) double(key string, v float64) {
	s.add(key, doubleKind).number = math.Float64bits(v)
}

// seconds adds a time unless it is 0.
func (s *sheet) seconds(key string, d time.Duration) {
	if d > 0 {
		s.double(key, d.Seconds())
	}
}

// flag adds true, and leaves false out.
func (s *sheet) flag(key string, v bool) {
	if v {
		s.bool(key, v)
	}
}

func (s *sheet) bool(key string, v bool) {
	a := s.add(key, boolKind)
	a.number = 0
	if v {
		a.number = 1
	}
}

// strs adds a list that is not empty.
func (s *sheet) strs(key string, v []string) {
	if len(v) > 0 {
		s.add(key, textsKind).texts = v
	}
}

func (s *sheet) doubles(key string, v []float64) {
	if len(v) > 0 {
		s.add(key, doublesKind)
		s.floats = v
	}
}

// writeTo makes m equal to s. pdata allocates for every new value, and for its room. So
// writeTo changes attributes that are there already, with the same keys in the same
// order, only where they differ.
func (s *sheet) writeTo(m pcommon.Map) {
	if s.overwrite(m) {
		return
	}
	m.RemoveIf(func(string, pcommon.Value) bool { return true })
	m.EnsureCapacity(len(s.attributes))
	for i := range s.attributes {
		s.write(&s.attributes[i], m.PutEmpty(s.attributes[i].key))
	}
}

// overwrite changes m if m has the keys of s in their order, and says whether it has.
func (s *sheet) overwrite(m pcommon.Map) bool {
	if m.Len() != len(s.attributes) {
		return false
	}
	i := 0
	for key, value := range m.All() {
		if key != s.attributes[i].key {
			return false
		}
		s.write(&s.attributes[i], value)
		i++
	}
	return true
}

func (s *sheet) write(a *attribute, v pcommon.Value) {
	switch a.kind {
	case textKind:
		if v.Type() != pcommon.ValueTypeStr || v.Str() != a.text {
			v.SetStr(a.text)
		}
	case rentedKind:
		v.SetStr(a.text)
	case intKind:
		if v.Type() != pcommon.ValueTypeInt || v.Int() != int64(a.number) {
			v.SetInt(int64(a.number))
		}
	case doubleKind:
		if v.Type() != pcommon.ValueTypeDouble || v.Double() != math.Float64frombits(a.number) {
			v.SetDouble(math.Float64frombits(a.number))
		}
	case boolKind:
		if v.Type() != pcommon.ValueTypeBool || v.Bool() != (a.number == 1) {
			v.SetBool(a.number == 1)
		}
	case textsKind:
		if !holds(v, a.texts) {
			list := v.SetEmptySlice()
			list.EnsureCapacity(len(a.texts))
			for _, text := range a.texts {
				list.AppendEmpty().SetStr(text)
			}
		}
	case doublesKind:
		list := v.SetEmptySlice()
		list.EnsureCapacity(len(s.floats))
		for _, f := range s.floats {
			list.AppendEmpty().SetDouble(f)
		}
	}
}

// holds says whether v is the list of these texts.
func holds(v pcommon.Value, texts []string) bool {
	if v.Type() != pcommon.ValueTypeSlice || v.Slice().Len() != len(texts) {
		return false
	}
	for i, text := range texts {
		if at := v.Slice().At(i); at.Type() != pcommon.ValueTypeStr || at.Str() != text {
			return false
		}
	}
	return true
}
