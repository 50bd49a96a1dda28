package proxy

import (
	"bytes"
	"iter"
	"strconv"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// head is the head of a message: the bytes as they came, and what they say
// about the connection and the body. It is valid as long as the bytes are.
type head struct {
	raw     []byte // start line and fields, with the empty line that ends them
	http10  bool
	close   bool // the connection ends with this message
	framing framing
	length  uint64 // of a sized body
	upgrade bool   // Connection nominates Upgrade

	nominated [][]byte // fields that Connection names
}

// requestHead is the head of a request.
type requestHead struct {
	head
	method []byte
	target []byte // origin form, undecoded
}

// responseHead is the head of a response.
type responseHead struct {
	head
	status int
}

// endOfHead returns the length of the head that p starts with, or 0 if p does
// not hold all of it. The first from bytes are known to hold no end.
func endOfHead(p []byte, from int) int {
	from = max(0, from-3)
	if i := bytes.Index(p[from:], []byte("\r\n\r\n")); i >= 0 {
		return from + i + 4
	}
	return 0
}

// hasBareEnd tells whether p, which holds no end of a head, holds what others may
// take for one: an empty line after a bare line feed.
func hasBareEnd(p []byte) bool {
	return bytes.Contains(p, []byte("\n\n")) || bytes.Contains(p, []byte("\n\r\n"))
}

// startLine is the first line without its end. It is not ok when it holds one that
// is none to us but may be to others.
func (h *head) startLine() (line []byte, ok bool) {
	line, _, _ = bytes.Cut(h.raw, []byte("\r\n"))
	return line, !bytes.ContainsAny(line, "\r\n\x00")
}

// readFraming settles body and persistence from the fields (RFC 9112, sections
// 6.3 and 9.3). h.framing is what it is when no field says otherwise.
func (h *head) readFraming() error {
	var length, coding, keep bool
	for line := range h.lines() {
		name, value, ok := field(line)
		if !ok {
			return errMalformed
		}
		switch {
		case equalFold(name, "connection"):
			h.readConnection(value, &keep)
		case equalFold(name, "content-length"):
			n, err := strconv.ParseUint(string(value), 10, 62)
			if err != nil || length {
				return errAmbiguous
			}
			h.length, length = n, true
		case equalFold(name, "transfer-encoding"):
			if !equalFold(value, "chunked") || coding || h.http10 {
				return errAmbiguous
			}
			coding = true
		}
	}
	h.close = h.close || (h.http10 && !keep)
	switch {
	case coding && length:
		return errAmbiguous
	case coding:
		h.framing = chunked
	case length && h.length == 0:
		h.framing = noBody
	case length:
		h.framing = sized
	}
	return nil
}

func (h *head) readConnection(value []byte, keep *bool) {
	for token := range bytes.SplitSeq(value, []byte(",")) {
		token = bytes.TrimSpace(token)
		switch {
		case equalFold(token, "close"):
			h.close = true
		case equalFold(token, "keep-alive"):
			*keep = true
		case equalFold(token, "upgrade"):
			h.upgrade = true
		case len(token) > 0:
			h.nominated = append(h.nominated, token)
		}
	}
}

// lines yields every field line, without its end.
func (h *head) lines() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		_, rest, _ := bytes.Cut(h.raw, []byte("\r\n"))
		for {
			line, after, _ := bytes.Cut(rest, []byte("\r\n"))
			if len(line) == 0 || !yield(line) {
				return
			}
			rest = after
		}
	}
}

// fields yields every field, in the form that the tap takes.
func (h *head) fields() tap.Header {
	return func(yield func(name, value []byte) bool) {
		for line := range h.lines() {
			if name, value, ok := field(line); ok && !yield(name, value) {
				return
			}
		}
	}
}

// field splits a line. It is no field when the name is missing or followed by
// white space, when the line continues another (obs-fold), or when it holds a
// bare line feed.
func field(line []byte) (name, value []byte, ok bool) {
	name, value, ok = bytes.Cut(line, []byte(":"))
	if !ok || len(name) == 0 || bytes.IndexByte(name, ' ') >= 0 || bytes.IndexByte(name, '\t') >= 0 || bytes.IndexByte(line, '\n') >= 0 {
		return nil, nil, false
	}
	return name, trimBlanks(value), true
}

// trimBlanks drops optional white space (RFC 9110, section 5.6.3).
func trimBlanks(v []byte) []byte {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	for len(v) > 0 && (v[len(v)-1] == ' ' || v[len(v)-1] == '\t') {
		v = v[:len(v)-1]
	}
	return v
}

// hopByHop tells whether a field is meant for this connection only and must not
// be forwarded (RFC 9110, section 7.6.1).
func (h *head) hopByHop(name []byte) bool {
	switch {
	case equalFold(name, "connection"), equalFold(name, "proxy-connection"), equalFold(name, "keep-alive"), equalFold(name, "te"):
		return true
	case equalFold(name, "upgrade"):
		return !h.upgrade
	}
	for _, n := range h.nominated {
		if bytes.EqualFold(n, name) {
			return !equalFold(name, "host") && !equalFold(name, "content-length") && !equalFold(name, "transfer-encoding")
		}
	}
	return false
}

// appendRequest appends the head as the upstream of r is to see it.
func (h *requestHead) appendRequest(dst []byte, r *Route) []byte {
	dst = append(dst, h.method...)
	dst = append(dst, ' ')
	dst = r.appendTarget(dst, h.target)
	dst = append(dst, " HTTP/1.1\r\n"...)
	named := false
	for line := range h.lines() {
		name, _, _ := field(line)
		switch {
		case h.hopByHop(name):
		case equalFold(name, "host"):
			dst = append(append(append(append(dst, name...), ": "...), r.authority...), "\r\n"...)
			named = true
		default:
			dst = append(append(dst, line...), "\r\n"...)
		}
	}
	if !named { // HTTP/1.0 has none
		dst = append(append(append(dst, "Host: "...), r.authority...), "\r\n"...)
	}
	if h.upgrade {
		dst = append(dst, "Connection: Upgrade\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// appendResponse appends the head as a client is to see it. Connection is what
// to say of the connection, or empty. A client of HTTP/1.0 gets no chunks.
func (h *responseHead) appendResponse(dst []byte, connection string, toHTTP10 bool) []byte {
	start, _, _ := bytes.Cut(h.raw, []byte("\r\n"))
	dst = append(dst, "HTTP/1.1"...)
	dst = append(dst, start[len("HTTP/1.1"):]...)
	dst = append(dst, "\r\n"...)
	for line := range h.lines() {
		name, _, _ := field(line)
		if h.hopByHop(name) || (toHTTP10 && equalFold(name, "transfer-encoding")) {
			continue
		}
		dst = append(append(dst, line...), "\r\n"...)
	}
	if connection != "" {
		dst = append(append(append(dst, "Connection: "...), connection...), "\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// equalFold compares a field name or token with a lower-case one.
func equalFold(name []byte, lower string) bool {
	return len(name) == len(lower) && bytes.EqualFold(name, []byte(lower))
}
