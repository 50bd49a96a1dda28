package proxy

import (
	"bytes"
	"strconv"
)

// mend writes the head of a response anew, as RFC 9112 and RFC 9110 say for heads that
// break their rules and mean one thing only. Clients get the new head, so that no client
// can read it in another way than headway. It is not ok for a head that could mean two
// things. The rules:
//
//   - A line may end in a bare LF (RFC 9112, section 2.2).
//   - A bare CR, and a NUL, becomes a space (RFC 9112, section 2.2; RFC 9110, section 5.5).
//   - A line that continues a field is joined to it, by a space (RFC 9112, section 5.2).
//     Such a line before the first field is dropped (RFC 9112, section 2.2).
//   - White space between a field's name and its colon is dropped (RFC 9112, section 5.1).
//   - A field without a name is dropped.
//   - Equal values of Content-Length become one (RFC 9110, section 8.6).
//   - Transfer-Encoding overrides Content-Length, which is dropped; the connection ends with
//     the response (RFC 9112, section 6.3). The coding identity is none, and is dropped.
//   - White space after the coding is dropped, and before it becomes one space: http.client
//     and Node do not take "chunked " for chunked (RFC 9110, section 5.5).
func mend(raw []byte) (m mendedHead, ok bool) {
	start, rest, _ := bytes.Cut(raw, []byte("\n"))
	m.raw = appendClean(make([]byte, 0, len(raw)+64), start)
	m.raw = append(m.raw, "\r\n"...)
	var field []byte // the present one, its lines joined
	for len(rest) > 0 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		line = withoutCR(line)
		if len(line) > 0 && isBlank(line[0]) {
			if len(field) > 0 {
				field = append(append(field, ' '), bytes.TrimLeft(line, " \t")...)
			}
			continue
		}
		if len(field) > 0 && !m.add(field) {
			return mendedHead{}, false
		}
		field = append(field[:0], line...)
	}
	m.end()
	return m, true
}

// mendedHead is a head while mend writes it.
type mendedHead struct {
	raw    []byte
	length []byte // of Content-Length; nil without one
	coded  bool   // Transfer-Encoding names a coding
	faulty bool   // there is a Content-Length beside it
}

// add adds a field. It returns false for a line that is none, and for a length that
// differs from the one before.
func (m *mendedHead) add(field []byte) bool {
	name, value, found := bytes.Cut(field, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	switch {
	case !found:
		return false
	case len(name) == 0:
		return true
	case equalFold(name, "content-length"):
		return m.addLength(value)
	case equalFold(name, "transfer-encoding"):
		coding := bytes.Trim(value, " \t\r")
		if equalFold(coding, "identity") {
			return true
		}
		m.coded = true
		value = append([]byte(" "), coding...)
	}
	m.raw = append(append(m.raw, name...), ':')
	m.raw = append(appendClean(m.raw, value), "\r\n"...)
	return true
}

// addLength reads a list of lengths, which must all be equal.
func (m *mendedHead) addLength(list []byte) bool {
	for element := range bytes.SplitSeq(list, []byte(",")) {
		element = bytes.Trim(element, " \t\r")
		if _, err := strconv.ParseUint(string(element), 10, 62); err != nil || m.length != nil && !bytes.Equal(element, m.length) {
			return false
		}
		m.length = append(m.length[:0], element...)
	}
	return true
}

// end ends the head.
func (m *mendedHead) end() {
	switch {
	case m.coded:
		m.faulty = m.length != nil
	case m.length != nil:
		m.raw = appendField(m.raw, []byte("Content-Length"), string(m.length))
	}
	m.raw = append(m.raw, "\r\n"...)
}

// withoutCR is line without the CR at its end, if there is one.
func withoutCR(line []byte) []byte { return bytes.TrimSuffix(line, []byte("\r")) }

// appendClean appends text with a space in the place of each CR and NUL.
func appendClean(dst, text []byte) []byte {
	for _, c := range withoutCR(text) {
		if c == '\r' || c == 0 {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}
