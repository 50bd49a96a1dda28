package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// head has the parts of an HTTP/1.1 message head (RFC 9112) that the benchmark needs.
type head struct {
	startLine     string
	contentLength int64 // -1 when there is none
	chunked       bool
	bench         string // X-Bench
	received      int64  // X-Bench-Received: the time at which the upstream had read the request
}

// cutHead parses the head at the start of p. size is its length; 0 when p does not have all of it.
func cutHead(p []byte) (h head, size int, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		return head{}, 0, nil
	}
	line, rest, _ := strings.Cut(string(p[:end]), "\r\n")
	h = head{startLine: line, contentLength: -1}
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "Content-Length"):
			h.contentLength, err = strconv.ParseInt(value, 10, 64)
		case strings.EqualFold(name, "Transfer-Encoding"):
			h.chunked = strings.EqualFold(value, "chunked")
		case strings.EqualFold(name, "X-Bench"):
			h.bench = value
		case strings.EqualFold(name, "X-Bench-Received"):
			h.received, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return head{}, 0, fmt.Errorf("parsing header %s: %w", name, err)
		}
	}
	return h, end + 4, nil
}

// response reads one HTTP/1.1 response, which comes in pieces of any size. It calls onBody with the bytes
// of the body; they are valid until onBody returns.
type response struct {
	head   head
	onBody func(p []byte) error

	state responseState
	held  []byte // an unfinished head or chunk-size line
	left  int64  // body or chunk bytes still to come
}

type responseState int

const (
	inHead responseState = iota
	inBody
	inChunkSize
	inChunk
	afterChunk
	inTrailer
	ended
)

// reset prepares r for the next response on the same connection.
func (r *response) reset() {
	r.head, r.state, r.held, r.left = head{}, inHead, r.held[:0], 0
}

// feed reads the next bytes of the response, and returns the bytes behind its end.
func (r *response) feed(p []byte) (rest []byte, err error) {
	for len(p) > 0 && r.state != ended {
		switch r.state {
		case inHead:
			p, err = r.feedHead(p)
		case inBody, inChunk:
			p, err = r.feedBody(p)
		default:
			p, err = r.feedLine(p)
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (r *response) feedHead(p []byte) ([]byte, error) {
	r.held = append(r.held, p...)
	h, size, err := cutHead(r.held)
	if err != nil || size == 0 {
		return nil, err
	}
	rest := p[len(p)-(len(r.held)-size):]
	r.held = r.held[:0]
	r.head = h
	_, status, _ := strings.Cut(h.startLine, " ")
	if !strings.HasPrefix(status, "200") {
		return nil, fmt.Errorf("answered %q: %.300q", h.startLine, rest)
	}
	switch {
	case h.chunked:
		r.state = inChunkSize
	case h.contentLength == 0:
		r.state = ended
	case h.contentLength > 0:
		r.state, r.left = inBody, h.contentLength
	default:
		return nil, fmt.Errorf("response has neither a length nor chunks: %q", h.startLine)
	}
	return rest, nil
}

func (r *response) feedBody(p []byte) ([]byte, error) {
	n := min(int64(len(p)), r.left)
	r.left -= n
	if r.left == 0 {
		if r.state == inChunk {
			r.state = afterChunk
		} else {
			r.state = ended
		}
	}
	return p[n:], r.onBody(p[:n])
}

// feedLine reads the next bytes of a line of the chunked coding.
func (r *response) feedLine(p []byte) ([]byte, error) {
	end := bytes.IndexByte(p, '\n')
	if end < 0 {
		r.held = append(r.held, p...)
		return nil, nil
	}
	line := p[:end]
	if len(r.held) > 0 {
		r.held = append(r.held, line...)
		line = r.held
	}
	r.held = r.held[:0]
	return p[end+1:], r.line(bytes.TrimSuffix(line, []byte("\r")))
}

// line reads a whole line of the chunked coding (RFC 9112, section 7.1).
func (r *response) line(line []byte) error {
	switch r.state {
	case afterChunk:
		if len(line) > 0 {
			return fmt.Errorf("chunk runs past its size: %.40q", line)
		}
		r.state = inChunkSize
	case inChunkSize:
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := parseHex(bytes.TrimSpace(digits))
		if err != nil {
			return fmt.Errorf("reading a chunk size %.40q: %w", line, err)
		}
		r.left = size
		r.state = inChunk
		if size == 0 {
			r.state = inTrailer
		}
	case inTrailer:
		if len(line) == 0 {
			r.state = ended
		}
	}
	return nil
}

func parseHex(b []byte) (int64, error) {
	if len(b) == 0 || len(b) > 15 {
		return 0, fmt.Errorf("want 1 to 15 digits, got %d", len(b))
	}
	var v int64
	for _, d := range b {
		switch {
		case d >= '0' && d <= '9':
			v = v<<4 | int64(d-'0')
		case d|0x20 >= 'a' && d|0x20 <= 'f':
			v = v<<4 | int64(d|0x20-'a'+10)
		default:
			return 0, fmt.Errorf("%q is no hexadecimal digit", d)
		}
	}
	return v, nil
}

// splitter cuts a body into server-sent events. It understands only the form that the benchmark's
// upstream writes: LF ends a line, and a blank line ends an event.
type splitter struct{ partial []byte }

// feed calls each with every event that p completes, its blank line included. The event is valid until
// each returns.
func (s *splitter) feed(p []byte, each func(event []byte) error) error {
	if len(s.partial) > 0 {
		s.partial = append(s.partial, p...)
		p = s.partial
	}
	for {
		end := bytes.Index(p, []byte("\n\n"))
		if end < 0 {
			s.partial = append(s.partial[:0], p...)
			return nil
		}
		if err := each(p[:end+2]); err != nil {
			return err
		}
		p = p[end+2:]
	}
}
