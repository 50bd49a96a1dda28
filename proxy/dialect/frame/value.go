package frame

import "strconv"

// MaxText bounds how much of a string or number is shown.
const MaxText = 256

// Kind is what sort of value it is.
type Kind uint8

// The kinds of values.
const (
	String Kind = iota + 1
	Number
	True
	False
	Null
	Object // the start of one
	Array  // the start of one
	End    // the end of an object or array that the shape looks into
	Odd    // a word that JSON has not, such as NaN
)

// Value is a value at one of the places of a Shape.
type Value struct {
	Field Field
	Kind  Kind
	// Text is the string, unescaped, or the number as it was written: its first
	// MaxText bytes. It is valid during the call only.
	Text []byte
	// Len is the length of the whole string, unescaped, or number, in bytes.
	Len int
}

// A ValueSink is told of the values that a document has at the places of a Shape,
// in the order of the document.
type ValueSink interface {
	Value(v Value)
}

// maxInt bounds the numbers that Int reads. Above it, JSON's are not exact (RFC 8259,
// section 6), and sums of them might overflow.
const maxInt = 1 << 53

// Int is the value of a number that is not negative and below 2^53, without its
// fraction.
func (v Value) Int() (n int64, ok bool) {
	if v.Kind != Number || v.Len > 64 {
		return 0, false
	}
	if len(v.Text) < 16 {
		for i, c := range v.Text {
			if c < '0' || c > '9' {
				break
			}
			n = 10*n + int64(c-'0')
			if i == len(v.Text)-1 {
				return n, true
			}
		}
	}
	f, err := strconv.ParseFloat(string(v.Text), 64)
	if err != nil || !(f >= 0 && f < maxInt) {
		return 0, false
	}
	return int64(f), true
}
