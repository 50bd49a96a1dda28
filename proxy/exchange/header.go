package exchange

import "iter"

// Header yields the names and values of a head's fields, in the order in which they
// came. The reader of the head owns the bytes; they are valid only while the loop body
// runs. A nil Header has no fields: Get accepts it, a range loop would panic.
type Header iter.Seq2[[]byte, []byte]

// Get returns the value of the first field whose name is lower, a name in lower case,
// and nil when there is none. The value is valid as long as the head is.
func (h Header) Get(lower string) []byte {
	if h == nil {
		return nil
	}
	for name, value := range h {
		if EqualFold(name, lower) {
			return value
		}
	}
	return nil
}

// EqualFold reports whether text equals lower, a text in lower case, when the case of
// ASCII letters does not matter. Names of fields and most tokens of HTTP compare like
// that (RFC 9110, sections 5.1 and 8.3.1).
func EqualFold(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
