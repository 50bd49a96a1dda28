package proxy

import "errors"

// errFraming says that the chunked coding of a body is broken.
var errFraming = errors.New("malformed chunked body")

// maxTrailers bounds the trailer section and one chunk's extensions.
const maxTrailers = 64 << 10

// framing says by what a recipient knows the end of a body (RFC 9112, section 6.3).
type framing uint8

const (
	noBody framing = iota
	sized
	chunked
	untilClose
)

// body follows the framing of one message's body through bytes that headway forwards
// as they are, but for the trailers of a response. It finds the end of the body, and the
// content between the framing. A line must end in CRLF; body refuses any other end,
// because two recipients could read it differently.
type body struct {
	framing framing
	left    uint64 // bytes left of a sized body or of the current chunk
	state   chunkState
	digits  int      // of the current chunk's size, so far
	lenient bool     // of a response: sizes may begin with many zeros, which all clients accept, and trailers may be odd
	line    int      // length of the current chunk's extensions, or of all trailers
	colon   bool     // the current trailer has a colon
	spans   [][]byte // see advance

	trailers *trailers // of a response, once there are any
	plain    int       // of the bytes that advance has read last, those before the trailers
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkPad
	chunkExtension
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	trailerStart
	trailerLine
	trailerLF
	finalLF
)

// advance reads p, the next bytes of the connection. It returns how many of them
// belong to this body, and whether the body ends with them. Afterwards b.spans holds
// the content among them, as parts of p, until the next call.
func (b *body) advance(p []byte) (n int, done bool, err error) {
	b.spans = b.spans[:0]
	switch b.framing {
	case noBody:
		return 0, true, nil
	case untilClose:
		b.span(p)
		return len(p), false, nil
	case sized:
		n := int(min(uint64(len(p)), b.left))
		b.left -= uint64(n)
		b.span(p[:n])
		return n, b.left == 0, nil
	}
	return b.dechunk(p)
}

func (b *body) span(p []byte) {
	if len(p) > 0 {
		b.spans = append(b.spans, p)
	}
}

// dechunk follows the chunked coding (RFC 9112, section 7.1).
func (b *body) dechunk(p []byte) (n int, done bool, err error) {
	for n < len(p) {
		if b.lenient && b.state == trailerStart {
			return b.readTrailers(p, n)
		}
		if b.state == chunkData {
			take := int(min(uint64(len(p)-n), b.left))
			b.span(p[n : n+take])
			n += take
			if b.left -= uint64(take); b.left == 0 {
				b.state = chunkDataCR
			}
			continue
		}
		c := p[n]
		n++
		if b.state == finalLF {
			return n, c == '\n', errUnless(c == '\n')
		}
		if err := b.step(c); err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// readTrailers reads the trailers of a response, which begin or go on at p[n]. Most have
// none: two bytes end the body.
func (b *body) readTrailers(p []byte, n int) (int, bool, error) {
	if b.trailers == nil {
		if len(p) >= n+2 && p[n] == '\r' && p[n+1] == '\n' {
			return n + 2, true, nil
		}
		b.trailers = new(trailers)
	}
	b.plain = n
	m, done, err := b.trailers.read(p[n:])
	return n + m, done, err
}

// appendMended appends p, which advance has read last, with the trailers mended. There are
// trailers.
func (b *body) appendMended(dst, p []byte) []byte {
	return append(append(dst, p[:b.plain]...), b.trailers.out...)
}

func errUnless(ok bool) error {
	if ok {
		return nil
	}
	return errFraming
}

// step reads one byte of framing.
func (b *body) step(c byte) error {
	switch b.state {
	case chunkSize:
		return b.sizeByte(c)
	case chunkPad:
		return b.padByte(c)
	case chunkExtension:
		return b.lineByte(c, chunkSizeLF)
	case chunkSizeLF:
		b.line, b.digits = 0, 0
		b.state = chunkData
		if b.left == 0 {
			b.state = trailerStart
		}
		return errUnless(c == '\n')
	case chunkDataCR:
		b.state = chunkDataLF
		return errUnless(c == '\r')
	case chunkDataLF:
		b.state = chunkSize
		return errUnless(c == '\n')
	}
	return b.trailerByte(c)
}

// trailerByte reads a byte after the last chunk: of the trailers, or of the empty line
// that ends the body.
func (b *body) trailerByte(c byte) error {
	switch b.state {
	case trailerStart:
		if c == '\r' {
			b.state = finalLF
			return nil
		}
		b.state, b.colon = trailerLine, false
		if c == ' ' || c == '\t' || c == ':' { // a fold, or a field without a name
			return errFraming
		}
		return b.lineByte(c, trailerLF)
	case trailerLine:
		b.colon = b.colon || c == ':'
		return b.lineByte(c, trailerLF)
	default: // trailerLF
		b.state = trailerStart
		return errUnless(c == '\n' && b.colon)
	}
}

// sizeByte reads a byte of a chunk's size line.
func (b *body) sizeByte(c byte) error {
	switch d := hexDigit(c); {
	case d == 0 && b.lenient && b.digits > 0 && b.left == 0:
		return b.lineByte(c, chunkSize)
	case d >= 0:
		if b.digits++; b.digits > 15 {
			return errFraming
		}
		if b.digits == 1 {
			b.left = 0
		}
		b.left = b.left<<4 | uint64(d)
		return nil
	case b.digits == 0:
		return errFraming
	}
	return b.padByte(c)
}

// padByte reads a byte after the digits of a chunk's size. Some servers fill the size up
// with white space, until an extension or the end of the line.
func (b *body) padByte(c byte) error {
	switch c {
	case '\r':
		b.state = chunkSizeLF
		return nil
	case ';':
		b.state = chunkExtension
		return nil
	case ' ', '\t':
		b.state = chunkPad
		return b.lineByte(c, chunkPad)
	}
	return errFraming
}

// lineByte reads a byte of a line that must end in CRLF. After the CR, b reads the LF in
// the state next.
func (b *body) lineByte(c byte, next chunkState) error {
	if b.line++; b.line > maxTrailers || c == '\n' || c == 0 {
		return errFraming
	}
	if c == '\r' {
		b.state = next
	}
	return nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
