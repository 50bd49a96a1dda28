package proxy

import (
	"bytes"
	"strconv"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// head is the head of a message: its bytes as they came, and what they say about the
// connection and the body. It is valid as long as its bytes are.
type head struct {
	raw     []byte // start line, fields and the empty line at the end
	http10  bool
	close   bool // the connection ends with this message
	framing framing
	length  uint64 // of a sized body
	upgrade bool   // Connection names Upgrade

	fieldLines []fieldLine
	nominated  nominated // fields that Connection names
}

// fieldLine locates a field in its head: its line without the end, the colon after its
// name, and its value without white space around it.
type fieldLine struct {
	from, colon, value, valueEnd, to uint32
}

// usualFields is enough for the fields of most heads.
const usualFields = 12

// requestHead is the head of a request.
type requestHead struct {
	head
	method []byte
	target []byte // in origin form, undecoded
}

// responseHead is the head of a response.
type responseHead struct {
	head
	status int
	wire   []byte // as it came; raw may be mended
}

// endOfHead returns the length of the head that p starts with, or 0 if p does not hold
// all of it. The caller knows that the first from bytes hold no end.
func endOfHead(p []byte, from int) int {
	from = max(0, from-3)
	if i := bytes.Index(p[from:], []byte("\r\n\r\n")); i >= 0 {
		return from + i + 4
	}
	return 0
}

// endOfResponse returns the length of the head of a response that p starts with, or 0 if p
// does not hold all of it. Its lines may end in a bare LF: clients accept that (RFC 9112,
// section 2.2). The caller knows that the first from bytes hold no end.
func endOfResponse(p []byte, from int) int {
	from = max(0, from-2)
	end := bytes.Index(p[from:], []byte("\n\r\n"))
	if end >= 0 {
		p = p[:from+end+3]
	}
	if bare := bytes.Index(p[from:], []byte("\n\n")); bare >= 0 {
		return from + bare + 2
	}
	if end < 0 {
		return 0
	}
	return len(p)
}

// hasBareEnd tells whether p, which holds no end of a head, holds one in the eyes of
// other parsers: an empty line after a bare line feed. The caller knows that the first
// from bytes hold none.
func hasBareEnd(p []byte, from int) bool {
	p = p[max(0, from-2):]
	return bytes.Contains(p, []byte("\n\n")) || bytes.Contains(p, []byte("\n\r\n"))
}

// startLine is the first line without its end. It is not ok when it holds a byte that
// other parsers may read as the end of the line.
func (h *head) startLine() (line []byte, ok bool) {
	line, _, _ = bytes.Cut(h.raw, []byte("\r\n"))
	return line, !bytes.ContainsAny(line, "\r\n\x00")
}

// readFraming finds the fields and sets framing, length, close and upgrade by them (RFC
// 9112, sections 6.3 and 9.3). The caller has set h.framing for a head without a field
// that says it.
func (h *head) readFraming() error {
	if !h.split() {
		return errMalformed
	}
	length, coding, err := h.readFramingFields()
	switch {
	case err != nil:
		return err
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

// readFramingFields reads the fields that concern the connection and the body. It tells
// whether there is a Content-Length, which it stores, and a chunked coding.
func (h *head) readFramingFields() (length, coding bool, err error) {
	keep := false
	for name, value := range h.fields() {
		switch {
		case equalFold(name, "connection"):
			if !h.readConnection(value, &keep) {
				return false, false, errTooManyLines
			}
		case equalFold(name, "content-length"):
			n, err := strconv.ParseUint(string(value), 10, 62)
			if err != nil || length {
				return false, false, errAmbiguous
			}
			h.length, length = n, true
		case equalFold(name, "transfer-encoding"):
			if !equalFold(value, "chunked") || coding || h.http10 {
				return false, false, errAmbiguous
			}
			coding = true
		}
	}
	h.close = h.close || (h.http10 && !keep)
	return length, coding, nil
}

// readConnection reads a Connection field. It sets keep if the field asks to keep the
// connection. It returns false if the field names too many fields.
func (h *head) readConnection(value []byte, keep *bool) bool {
	for token := range bytes.SplitSeq(value, []byte(",")) {
		token = bytes.TrimSpace(token)
		switch {
		case equalFold(token, "close"):
			h.close = true
		case equalFold(token, "keep-alive"):
			*keep = true
		case equalFold(token, "upgrade"):
			h.upgrade = true
		case h.nominated.full():
			return false
		case len(token) > 0:
			h.nominated.add(token)
		}
	}
	return true
}

// split finds the fields. It fails on a line that is no field: a line without a name, or
// with white space in the name or after it, a line that continues another (obs-fold), or
// a line that holds a bare line feed.
func (h *head) split() bool {
	h.fieldLines = make([]fieldLine, 0, usualFields)
	from := bytes.IndexByte(h.raw, '\n') + 1
	for {
		end := bytes.IndexByte(h.raw[from:], '\n')
		if end < 1 || h.raw[from+end-1] != '\r' {
			return false
		}
		line := h.raw[from : from+end-1]
		if len(line) == 0 {
			return true
		}
		name := nameLength(line)
		if name == 0 {
			return false
		}
		h.fieldLines = append(h.fieldLines, h.fieldLine(from, from+name, from+len(line)))
		from += end + 1
	}
}

// fieldLine is the field between two places of the head, its value without optional
// white space (RFC 9110, section 5.6.3).
func (h *head) fieldLine(from, colon, to int) fieldLine {
	value, end := colon+1, to
	for value < end && isBlank(h.raw[value]) {
		value++
	}
	for value < end && isBlank(h.raw[end-1]) {
		end--
	}
	return fieldLine{from: uint32(from), colon: uint32(colon), value: uint32(value), valueEnd: uint32(end), to: uint32(to)}
}

// padsFraming tells whether a field that frames the body has more white space around its
// value than one space before it. Not all recipients drop that.
func (h *head) padsFraming() bool {
	for i := range h.fieldLines {
		f := &h.fieldLines[i]
		if f.valueEnd == f.to && f.value <= f.colon+2 && h.raw[f.colon+1] != '\t' {
			continue
		}
		if name := h.raw[f.from:f.colon]; equalFold(name, "transfer-encoding") || equalFold(name, "content-length") {
			return true
		}
	}
	return false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// nameAndLine is the name of the i-th field, and its whole line.
func (h *head) nameAndLine(i int) (name, line []byte) {
	f := &h.fieldLines[i]
	return h.raw[f.from:f.colon], h.raw[f.from:f.to]
}

// nameLength is the length of the name of the field in line, or 0 when line is no field.
func nameLength(line []byte) int {
	for i, c := range line {
		if c == ':' {
			return i
		}
		if isBlank(c) {
			break
		}
	}
	return 0
}

// fields yields the name and the value of every field, in their order.
func (h *head) fields() exchange.Header {
	return func(yield func(name, value []byte) bool) {
		for i := range h.fieldLines {
			if f := &h.fieldLines[i]; !yield(h.raw[f.from:f.colon], h.raw[f.value:f.valueEnd]) {
				return
			}
		}
	}
}

// hopByHop tells whether a field is for this connection only, so that a proxy must not
// forward it (RFC 9110, section 7.6.1).
func (h *head) hopByHop(name []byte) bool {
	switch {
	case equalFold(name, "connection"), equalFold(name, "proxy-connection"), equalFold(name, "keep-alive"), equalFold(name, "te"):
		return true
	case equalFold(name, "upgrade"):
		return !h.upgrade
	case h.upgrade && equalFold(name, "http2-settings"):
		return false
	}
	return h.nominated.has(name) && !equalFold(name, "host") && !equalFold(name, "content-length") && !equalFold(name, "transfer-encoding")
}

// appendRequest appends the head in the form for the upstream of r. Unless span is nil,
// it writes that trace context in place of the client's, or adds it. Hop says what
// becomes of hopField.
func (h *requestHead) appendRequest(dst []byte, r *Route, span *tap.Context, hop *hop) []byte {
	dst = append(dst, h.method...)
	dst = append(dst, ' ')
	dst = r.appendTarget(dst, h.target)
	dst = append(dst, " HTTP/1.1\r\n"...)
	named, settings := false, false
	for i := range h.fieldLines {
		name, line := h.nameAndLine(i)
		switch {
		case h.hopByHop(name), hop.withhold && equalFold(name, "headway-hop"):
		case h.upgrade && equalFold(name, "http2-settings"):
			dst = appendLine(dst, name, line, nil)
			settings = true
		case equalFold(name, "host"):
			dst = appendField(dst, name, r.authority)
			named = true
		default:
			dst = appendLine(dst, name, line, span)
		}
	}
	if span != nil {
		dst = span.AppendRest(dst)
	}
	if hop.mark != "" {
		dst = appendField(dst, []byte(hopField), hop.mark)
	}
	if !named { // a request of HTTP/1.0 needs no Host
		dst = appendField(dst, []byte("Host"), r.authority)
	}
	switch {
	case settings: // the upgrade to HTTP/2 needs it, for one hop (RFC 7540, section 3.2.1)
		dst = append(dst, "Connection: Upgrade, HTTP2-Settings\r\n"...)
	case h.upgrade:
		dst = append(dst, "Connection: Upgrade\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// appendLine appends a field of a request as it came, or, unless span is nil, what span
// puts in its place.
func appendLine(dst, name, line []byte, span *tap.Context) []byte {
	if span != nil {
		var replaced bool
		if dst, replaced = span.Replace(dst, name); replaced {
			return dst
		}
	}
	return append(append(dst, line...), "\r\n"...)
}

func appendField(dst, name []byte, value string) []byte {
	return append(append(append(append(dst, name...), ": "...), value...), "\r\n"...)
}

// appendResponse appends the head in the form for the client, with the given Connection
// field unless that is empty. A client of HTTP/1.0 gets no chunks. No client gets chunks
// with a 1xx, 204 or 304, which have no body (RFC 9112, section 6.1): a server that promises
// them there breaks the rule, and a client that believes it waits for their end.
func (h *responseHead) appendResponse(dst []byte, connection string, toHTTP10 bool) []byte {
	start, _, _ := bytes.Cut(h.raw, []byte("\r\n"))
	dst = append(dst, "HTTP/1.1"...)
	dst = append(dst, start[len("HTTP/1.1"):]...)
	dst = append(dst, "\r\n"...)
	withoutChunks := toHTTP10 || h.status < 200 || h.status == 204 || h.status == 304
	for i := range h.fieldLines {
		name, line := h.nameAndLine(i)
		if h.hopByHop(name) || (withoutChunks && equalFold(name, "transfer-encoding")) {
			continue
		}
		dst = append(append(dst, line...), "\r\n"...)
	}
	if connection != "" {
		dst = appendField(dst, []byte("Connection"), connection)
	}
	return append(dst, "\r\n"...)
}

// equalFold compares a field name or token with a lower-case one.
func equalFold(name []byte, lower string) bool {
	return len(name) == len(lower) && bytes.EqualFold(name, []byte(lower))
}
