package tap

import (
	"bufio"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// maxCodings bounds the codings that headway undoes, one upon the other. Each costs the
// memory of a window, and no server has a reason for more than one.
const maxCodings = 2

// maxEncoding bounds the Content-Encoding that headway looks at, in bytes.
const maxEncoding = 256

// coding is a content coding that headway undoes.
type coding uint8

// The codings of RFC 9110 section 8.4.1, RFC 7932 and RFC 8878.
const (
	plain coding = iota
	gzipped
	deflated
	brotlied
	zstandard
)

// codingNamed returns the coding of a name, and reports whether headway knows it.
func codingNamed(name string) (c coding, known bool) {
	switch strings.ToLower(name) {
	case "identity", "":
		return plain, true
	case "gzip", "x-gzip":
		return gzipped, true
	case "deflate":
		return deflated, true
	case "br":
		return brotlied, true
	case "zstd":
		return zstandard, true
	}
	return plain, false
}

// codings returns the codings of a Content-Encoding, the outermost first. None means
// that the bytes are plain; known is false when headway does not know a coding, or there
// are more than maxCodings. Without the field the first bytes decide, because some
// services gzip and do not say so.
func codings(encoding string, first []byte) (all []coding, known bool) {
	switch {
	case encoding == "":
		return sniffed(first), true
	case len(encoding) > maxEncoding:
		return nil, false
	}
	for name := range strings.SplitSeq(encoding, ",") {
		c, known := codingNamed(strings.TrimSpace(name))
		switch {
		case !known:
			return nil, false
		case c == plain:
			continue
		case len(all) == maxCodings:
			return nil, false
		}
		all = append([]coding{c}, all...)
	}
	return all, true
}

// sniffed returns the coding whose magic number the first bytes are.
func sniffed(first []byte) []coding {
	switch {
	case mayBegin(first, "\x1f\x8b"):
		return []coding{gzipped}
	case mayBegin(first, "\x28\xb5\x2f\xfd"):
		return []coding{zstandard}
	}
	return nil
}

// mayBegin reports whether p is a part of magic, or begins with it. The first byte of
// a magic number is none with which a text begins that a dialect reads.
func mayBegin(p []byte, magic string) bool {
	n := min(len(p), len(magic))
	return string(p[:n]) == magic[:n]
}

// openDeflate opens zlib, which RFC 9110 section 8.4.1.2 calls deflate, or the raw
// deflate that some servers send in its place.
func openDeflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if head, err := b.Peek(2); err == nil && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}

// open opens the decompressor of c upon r.
func (l *layer) open(c coding) (err error) {
	switch c {
	case gzipped:
		l.output, err = gzip.NewReader(l.input())
	case deflated:
		l.output, err = openDeflate(l.input())
	case brotlied:
		l.output, err = openBrotli(l)
	case zstandard:
		l.output, err = openZstd(l)
	}
	return err
}
