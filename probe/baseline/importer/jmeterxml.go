package importer

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"strconv"
)

// markup cuts XML into tags as it comes, and passes over all text between them. It reads
// no name spaces, no entities but those of HTML, and trusts that tags nest.
type markup struct {
	from   io.Reader
	buf    []byte
	pos    int
	line   int
	failed error
}

// longestTag bounds a tag.
const longestTag = 1 << 20

// tag returns what stands between the next < and its >, both left out; nil at the end. It
// passes over comments, sections of text and instructions. It is valid until the next call.
func (m *markup) tag() ([]byte, error) {
	for {
		found, err := m.to('<')
		if err != nil || !found {
			return nil, err
		}
		closing := []byte(">")
		switch {
		case !m.special():
			size, err := m.quoted()
			if err != nil {
				return nil, err
			}
			// The size is known after reading on, which moves the buffer.
			begin := m.pos + 1
			out := m.buf[begin : begin+size]
			m.line += bytes.Count(out, []byte{'\n'})
			m.pos = begin + size + 1
			return out, nil
		case m.starts("<!--"):
			closing = []byte("-->")
		case m.starts("<![CDATA["):
			closing = []byte("]]>")
		case m.starts("<?"):
			closing = []byte("?>")
		}
		end := m.pos + 1
		for {
			if at := bytes.Index(m.buf[end:], closing); at >= 0 {
				end += at + len(closing)
				break
			}
			// A mark that a read cuts in two is found after the next read.
			if keep := max(len(m.buf)-len(closing)+1, end); keep > end {
				m.line += bytes.Count(m.buf[m.pos:keep], []byte{'\n'})
				m.pos, end = keep, keep
			}
			shift := end - m.pos
			if !m.fill() {
				return nil, m.cut()
			}
			end = m.pos + shift
		}
		m.line += bytes.Count(m.buf[m.pos:end], []byte{'\n'})
		m.pos = end
	}
}

// to goes on to the next c. It returns false at the end.
func (m *markup) to(c byte) (bool, error) {
	for {
		if at := bytes.IndexByte(m.buf[m.pos:], c); at >= 0 {
			m.line += bytes.Count(m.buf[m.pos:m.pos+at], []byte{'\n'})
			m.pos += at
			return true, nil
		}
		m.line += bytes.Count(m.buf[m.pos:], []byte{'\n'})
		m.pos = len(m.buf)
		if !m.fill() {
			if errors.Is(m.failed, io.EOF) {
				return false, nil
			}
			return false, fmt.Errorf("reading line %d: %w", m.line, m.failed)
		}
	}
}

// special says whether the tag at the present place is a comment, an instruction or the like.
func (m *markup) special() bool {
	return (m.pos+1 < len(m.buf) || m.fill()) && m.pos+1 < len(m.buf) && (m.buf[m.pos+1] == '!' || m.buf[m.pos+1] == '?')
}

// starts says whether the text at the present place begins so. It reads on for that.
func (m *markup) starts(words string) bool {
	for len(m.buf)-m.pos < len(words) {
		if !m.fill() {
			return false
		}
	}
	return string(m.buf[m.pos:m.pos+len(words)]) == words
}

// quoted is the size of the tag at the present place, which ends with the first > that
// stands in no value.
func (m *markup) quoted() (int, error) {
	rest := m.buf[m.pos+1:]
	if size := bytes.IndexByte(rest, '>'); size >= 0 && size < longestTag && balanced(rest[:size]) {
		return size, nil
	}
	quote := byte(0)
	for size := 0; ; size++ {
		for m.pos+1+size >= len(m.buf) {
			if size > longestTag {
				return 0, &Problem{Line: m.line, Got: "a tag of more than 1 MB", Want: "XML"}
			}
			if !m.fill() {
				return 0, m.cut()
			}
		}
		rest := m.buf[m.pos+1+size:]
		at := markOf(rest)
		if quote != 0 {
			at = bytes.IndexByte(rest, quote)
		}
		if at < 0 {
			size += len(rest) - 1
			continue
		}
		size += at
		switch c := rest[at]; {
		case quote != 0:
			quote = 0
		case c == '>':
			return size, nil
		default:
			quote = c
		}
	}
}

// balanced says whether text surely ends outside of a value: it has quotation marks of one
// kind, and as many that begin a value as end one.
func balanced(text []byte) bool {
	return bytes.Count(text, []byte{'"'})%2 == 0 && bytes.IndexByte(text, '\'') < 0
}

// markOf is the place of the first >, " or '; -1 if there is none.
func markOf(text []byte) int {
	for i, c := range text {
		if c == '>' || c == '"' || c == '\'' {
			return i
		}
	}
	return -1
}

// cut is the problem of a file that ends too early.
func (m *markup) cut() error {
	if m.failed != nil && !errors.Is(m.failed, io.EOF) {
		return fmt.Errorf("reading line %d: %w", m.line, m.failed)
	}
	return &Problem{Line: m.line, Got: "the end of the file", Want: "</testResults>"}
}

// fill reads more bytes behind those that are not used up. It returns false at the end.
func (m *markup) fill() bool {
	if m.failed != nil {
		return false
	}
	rest := copy(m.buf, m.buf[m.pos:])
	m.pos = 0
	if cap(m.buf) < rest+64<<10 {
		grown := make([]byte, rest, 2*rest+128<<10)
		copy(grown, m.buf[:rest])
		m.buf = grown
	}
	for {
		n, err := m.from.Read(m.buf[rest:cap(m.buf)])
		m.buf = m.buf[:rest+n]
		if n > 0 {
			return true
		}
		if err != nil {
			m.failed = err
			return false
		}
	}
}

// attribute cuts the next name="value" off a tag. It returns false if there is none.
func attribute(tag []byte) (name, value, rest []byte, ok bool) {
	tag = unspaced(tag)
	size := nameSize(tag)
	name, tag = tag[:size], unspaced(tag[size:])
	if len(tag) == 0 || tag[0] != '=' {
		return nil, nil, nil, false
	}
	tag = unspaced(tag[1:])
	if len(tag) == 0 || tag[0] != '"' && tag[0] != '\'' {
		return nil, nil, nil, false
	}
	for end := 1; end < len(tag); end++ {
		if tag[end] == tag[0] {
			return name, tag[1:end], tag[end+1:], true
		}
	}
	return nil, nil, nil, false
}

// unspaced is a text without the white space that begins it.
func unspaced(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\n' || text[0] == '\r') {
		text = text[1:]
	}
	return text
}

// xml reads the samples of one file. Samples within samples are parts of the outer one.
func (r *jmeterRun) xml(body io.Reader) error {
	m := &markup{from: body, line: 1}
	depth, ended := 0, false
	for {
		tag, err := m.tag()
		if err != nil {
			return err
		}
		if tag == nil {
			if depth > 0 {
				return m.cut()
			}
			return nil
		}
		name := tag[:nameSize(tag)]
		switch {
		case len(tag) > 0 && tag[0] == '/':
			if depth--; depth < 0 {
				return &Problem{Line: m.line, Got: strconv.Quote(shortened("<" + string(tag) + ">")), Want: "a tag that begins before it"}
			}
			ended = depth == 0
			continue
		case depth == 0 && ended:
			return &Problem{Line: m.line, Got: "another document: two runs in one file", Want: "one run a file: name both files in one import"}
		case depth == 1 && (string(name) == "httpSample" || string(name) == "sample"):
			if err := r.element(name, tag[len(name):], m.line); err != nil {
				return err
			}
		}
		if len(tag) == 0 || tag[len(tag)-1] != '/' {
			depth++
		}
	}
}

// nameSize is the size of the name that begins a tag, or an attribute.
func nameSize(text []byte) int {
	for i, c := range text {
		if c <= ' ' && (c == ' ' || c == '\t' || c == '\n' || c == '\r') || c == '=' || c == '/' && i > 0 {
			return i
		}
	}
	return len(text)
}

// element reads the attributes of a sample: t, lt, ts, s, lb, na, rc, sc.
func (r *jmeterRun) element(name, tag []byte, line int) error {
	s := jmeterSample{starts: -1}
	timed, many, bad := false, 1., false
	for {
		key, value, rest, more := attribute(tag)
		if !more {
			break
		}
		tag = rest
		var err error
		switch string(key) {
		case "t":
			timed, err = true, milliseconds(&s.elapsed, value)
		case "lt":
			err = milliseconds(&s.latency, value)
		case "na":
			err = milliseconds(&s.threads, value)
		case "sc":
			err = milliseconds(&many, value)
		case "ts":
			s.starts = startOf(value)
		case "s":
			s.ok = string(value) == "true"
		case "rc":
			bad = len(value) == 3 && (value[0] == '4' || value[0] == '5')
		case "lb":
			s.label = r.name(unescaped(value))
		}
		if err != nil {
			return &Problem{Line: line, Field: string(name) + " " + string(key), Got: strconv.Quote(shortened(string(value))), Want: "a number of milliseconds"}
		}
	}
	switch {
	case !timed:
		return &Problem{Line: line, Field: string(name) + " t", Got: "not there", Want: "a number of milliseconds"}
	case many > 1:
		return &Problem{Line: line, Field: string(name) + " sc", Got: strconv.FormatFloat(many, 'g', -1, 64), Want: "1: an element for each sample"}
	}
	s.ok = s.ok && !bad
	r.sample(s)
	return nil
}

// milliseconds reads an attribute.
func milliseconds(to *float64, value []byte) (err error) {
	v, ok := decimal(value)
	if !ok {
		if v, err = strconv.ParseFloat(string(value), 64); err == nil && !(v >= 0 && v < 1e300) {
			err = strconv.ErrRange
		}
	}
	*to = v
	return err
}

// unescaped reads the entities of a value.
func unescaped(value []byte) []byte {
	if bytes.IndexByte(value, '&') < 0 {
		return value
	}
	return []byte(html.UnescapeString(string(value)))
}
