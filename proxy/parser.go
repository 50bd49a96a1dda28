package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/valyala/fasthttp"
)

// The reasons to refuse a head. headway does not show fasthttp's own errors, because
// they quote header values.
var (
	errHeadTooLarge = errors.New("message head larger than 256 KiB")
	errTooManyLines = errors.New("message head with more than 4,096 fields, or names in Connection")
	errMalformed    = errors.New("malformed message head")
	errSealed       = fmt.Errorf("%w: it is TLS; does the upstream speak https://?", errMalformed)
	errAmbiguous    = errors.New("ambiguous message framing")
	errHeadTooSlow  = errors.New("message head unfinished for too long")
	errCrowded      = errors.New("message head unfinished while many others are")
)

// maxLines bounds the lines of a head that is larger than readBuffer, and the names in the
// Connection of any head. Each takes ten times its bytes while headway reads the head. A
// head of the size of readBuffer cannot have many more.
const maxLines = 4096

// parser holds fasthttp's readers, which decide whether a head is valid.
type parser struct {
	source   bytes.Reader
	reader   *bufio.Reader
	request  fasthttp.RequestHeader
	response fasthttp.ResponseHeader
	wide     bool // for heads larger than readBuffer
}

func newParser(size int) *parser {
	p := &parser{reader: bufio.NewReaderSize(nil, size)}
	p.request.DisableNormalizing()
	p.response.DisableNormalizing()
	return p
}

// parsers reads heads. It is safe for concurrent use.
type parsers struct {
	pool sync.Pool

	// turn is held while a head larger than readBuffer is read: fasthttp keeps a copy of
	// it, and all its fields, in memory that only one such head at a time may have.
	turn sync.Mutex
	wide *parser
}

// get returns a parser for a head of the given size, until put.
func (ps *parsers) get(size int) *parser {
	if size > readBuffer {
		ps.turn.Lock()
		if ps.wide == nil {
			ps.wide = newParser(maxHead)
			ps.wide.wide = true
		}
		return ps.wide
	}
	if p, ok := ps.pool.Get().(*parser); ok {
		return p
	}
	return newParser(8 << 10)
}

func (ps *parsers) put(p *parser) {
	if p.wide {
		ps.turn.Unlock()
		return
	}
	ps.pool.Put(p)
}

// request reads the head of a request.
func (ps *parsers) request(raw []byte) (requestHead, error) {
	if hasTooManyLines(raw) {
		return requestHead{}, errTooManyLines
	}
	p := ps.get(len(raw))
	defer ps.put(p)
	return p.parseRequest(raw)
}

// response reads the head of a response to a request with the given method.
func (ps *parsers) response(raw []byte, method string) (responseHead, error) {
	if hasTooManyLines(raw) {
		return responseHead{}, errTooManyLines
	}
	p := ps.get(len(raw))
	defer ps.put(p)
	return p.parseResponse(raw, method)
}

func hasTooManyLines(raw []byte) bool {
	return len(raw) > readBuffer && bytes.Count(raw, []byte("\n")) > maxLines
}

// readerOf returns a reader of raw that holds all of raw in its buffer, as fasthttp needs.
func (p *parser) readerOf(raw []byte) *bufio.Reader {
	p.source.Reset(raw)
	if len(raw) > p.reader.Size() {
		return bufio.NewReaderSize(&p.source, len(raw))
	}
	p.reader.Reset(&p.source)
	return p.reader
}

// parseRequest reads the head of a request.
func (p *parser) parseRequest(raw []byte) (requestHead, error) {
	if p.request.Read(p.readerOf(raw)) != nil && !p.readsWithoutTrailers(raw, p.request.Read, areTokens) {
		return requestHead{}, errMalformed
	}
	h := requestHead{head: head{raw: raw}}
	line, ok := h.startLine()
	h.method, line, _ = bytes.Cut(line, []byte(" "))
	target, version, _ := bytes.Cut(line, []byte(" "))
	h.target, h.http10 = originForm(target), string(version) == "HTTP/1.0"
	if !ok || (!h.http10 && string(version) != "HTTP/1.1") {
		return requestHead{}, errMalformed
	}
	if err := h.readFraming(); err != nil {
		return requestHead{}, err
	}
	h.upgrade = h.upgrade && !h.http10 // RFC 9110, section 7.8
	return h, nil
}

// readsWithoutTrailers tells whether fasthttp can read the head raw without its Trailer
// fields. See withoutTrailers.
func (p *parser) readsWithoutTrailers(raw []byte, read func(*bufio.Reader) error, valid func([]byte) bool) bool {
	rest := withoutTrailers(raw, valid)
	return rest != nil && read(p.readerOf(rest)) == nil
}

// originForm is the path and query of target, which may be in absolute form (RFC 9112,
// section 3.2.2).
func originForm(target []byte) []byte {
	i := bytes.Index(target, []byte("://"))
	if i <= 0 || target[0] == '/' {
		return target
	}
	rest := target[i+3:]
	switch i := bytes.IndexAny(rest, "/?"); {
	case i < 0:
		return []byte("/")
	case rest[i] == '?':
		return append([]byte("/"), rest[i:]...)
	default:
		return rest[i:]
	}
}

// parseResponse reads the head of a response to a request with the given method. It
// mends a head that breaks the rules, and refuses one that could mean two things.
func (p *parser) parseResponse(raw []byte, method string) (responseHead, error) {
	h, err := p.parseStrictResponse(raw, method)
	if err != nil {
		m, ok := mend(raw)
		if !ok {
			return responseHead{}, err
		}
		if h, err = p.parseStrictResponse(m.raw, method); err != nil {
			return responseHead{}, err
		}
		h.close = h.close || m.faulty
	}
	h.wire = raw
	return h, nil
}

// parseStrictResponse reads the head of a response that breaks no rule.
func (p *parser) parseStrictResponse(raw []byte, method string) (responseHead, error) {
	if p.response.Read(p.readerOf(raw)) != nil && !p.readsWithoutTrailers(raw, p.response.Read, isText) {
		return responseHead{}, errMalformed
	}
	h := responseHead{head: head{raw: raw}, status: p.response.StatusCode()}
	if _, ok := h.startLine(); !ok || h.status < 100 {
		return responseHead{}, errMalformed
	}
	h.http10 = !bytes.HasPrefix(raw, []byte("HTTP/1.")) || raw[len("HTTP/1.")] == '0'
	h.framing = untilClose
	if err := h.readFraming(); err != nil {
		return responseHead{}, err
	}
	if h.padsFraming() {
		return responseHead{}, errMalformed
	}
	if h.status < 200 || h.status == 204 || h.status == 304 || method == "HEAD" {
		h.framing = noBody
	}
	if h.framing == untilClose {
		h.close = true
	}
	return h, nil
}
