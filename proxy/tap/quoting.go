package tap

import "bytes"

// quoting is where a reader of JSON is in a string, however the bytes are cut.
type quoting struct {
	quoted  bool // inside a string
	escaped bool // after a backslash in it
}

// skip returns the length of the rest of a string, with which p begins.
func (q *quoting) skip(p []byte) int {
	n, quote := 0, -1
	if q.escaped {
		q.escaped = false
		n = 1
	}
	for n < len(p) {
		if quote < n {
			quote = find(p, n, '"')
		}
		slash := find(p[:quote], n, '\\')
		switch {
		case slash < quote:
			n = slash + 2
			q.escaped = n > len(p)
		case quote < len(p):
			q.quoted = false
			return quote + 1
		default:
			return len(p)
		}
	}
	return len(p)
}

// find returns the place of the first b in p at or after from; len(p) when there is
// none.
func find(p []byte, from int, b byte) int {
	if i := bytes.IndexByte(p[from:], b); i >= 0 {
		return from + i
	}
	return len(p)
}
