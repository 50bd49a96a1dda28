package proxy

import "bytes"

// withoutTrailers returns a copy of the head raw without its Trailer fields, or nil if
// it has none or an invalid one. fasthttp refuses some valid ones: lists with empty
// elements (RFC 9110, section 5.6.1.2), and names of fields that fasthttp forbids in
// trailers. The recipient judges announced trailers (RFC 9110, section 6.6.2), not a proxy.
func withoutTrailers(raw []byte, valid func(value []byte) bool) []byte {
	h := head{raw: raw}
	start, ok := h.startLine()
	if !ok || !h.split() {
		return nil
	}
	rest := append(append(make([]byte, 0, len(raw)), start...), "\r\n"...)
	found := false
	for i := range h.fieldLines {
		name, line := h.nameAndLine(i)
		if equalFold(name, "trailer") {
			if !valid(line[len(name)+1:]) {
				return nil
			}
			found = true
			continue
		}
		rest = append(append(rest, line...), "\r\n"...)
	}
	if !found {
		return nil
	}
	return append(rest, "\r\n"...)
}

// areTokens tells whether value is a list of tokens; elements may be empty.
func areTokens(value []byte) bool {
	for element := range bytes.SplitSeq(value, []byte(",")) {
		for _, c := range bytes.Trim(element, " \t") {
			if !isTokenByte(c) {
				return false
			}
		}
	}
	return true
}

// isText tells whether value holds no control byte. A client ignores the announcement of
// a trailer that makes no sense.
func isText(value []byte) bool {
	return bytes.IndexFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) < 0
}

// isTokenByte tells whether c may be in a token (RFC 9110, section 5.6.2).
func isTokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0
}
