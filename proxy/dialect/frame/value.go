package frame

import "strconv"

// MaxText is the number of bytes of a string or number that a sink gets at most.
const MaxText = 256

// Kind is the sort of a value.
type Kind uint8

// The kinds of values.
const (
	String Kind = iota + 1
	Number
	True
	False
	Null
	Object // the start of an object
	Array  // the start of an array
	End    // the end of an object or array that has places of the shape inside
	Odd    // a word that JSON lacks, such as NaN
)

// Value is a value at one of the places of a Shape.
type Value struct {
	Field Field
	Kind  Kind
	// Text is the start of the string, unescaped, or of the number as the document writes
	// it: MaxText bytes at most. It is valid during the call only.
	Text []byte
	// Len is the length of the whole string, unescaped, or of the whole number, in bytes.
	Len int
}

// A ValueSink gets the values at the places of a Shape, in the order of the document.
type ValueSink interface {
	Value(v Value)
}

// maxInt bounds the numbers that Int reads. Above it, numbers in JSON are not exact
// (RFC 8259, section 6), and sums of them might overflow.
const maxInt = 1 << 53

// Int returns the integer part of a number from 0 to below 2^53. It returns false for
// any other value.
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
