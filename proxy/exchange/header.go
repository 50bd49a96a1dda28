package exchange

import "iter"

// Header yields the names and values of a head's fields, in the order in which they
// came. Both belong to the reader of the head, and are valid only while the loop
// body runs. A nil Header has no fields, and no loop may run over it.
type Header iter.Seq2[[]byte, []byte]

// Get returns the value of the first field called lower, a name in lower case; nil
// when there is none. The value is valid as long as the head is.
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

// EqualFold compares text, of which only ASCII letters may be in either case, with
// a text in lower case. Names of fields and most tokens of HTTP compare like that
// (RFC 9110, sections 5.1 and 8.3.1).
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
