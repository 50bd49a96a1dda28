package frame

import (
	"unicode/utf16"
	"unicode/utf8"
)

// escape is the place in an escape sequence that the reader has reached.
type escape uint8

const (
	noEscape  escape = iota
	anyEscape        // behind the backslash
	hex1             // at the first of four hexadecimal digits
	hex4      escape = hex1 + 3
)

// startText reads a string that is a value. p begins behind its quote.
func (j *JSON) startText(p []byte) []byte {
	f := j.shape.nodes[j.node].field
	if f == 0 {
		j.quoted = true
		if p = j.skipText(p); j.quoted {
			j.state = inSkippedText
		} else {
			j.after()
		}
		return p
	}
	n := plainLen(p)
	if n < len(p) && p[n] == '"' {
		if j.long != nil && f == j.long.field {
			j.long.text(p[:n])
		}
		j.after()
		j.emit(String, f, p[:min(n, MaxText)], n)
		return p[n+1:]
	}
	j.state = inText
	j.length = 0
	return p
}

// text reads the next bytes of a string that has escapes or did not come in one piece.
func (j *JSON) text(p []byte) []byte {
	for len(p) > 0 && j.state != broken {
		if j.escape != noEscape {
			p = j.unescape(p)
			continue
		}
		if n := plainLen(p); n > 0 {
			j.endSurrogate()
			j.keep(p[:n])
			p = p[n:]
			continue
		}
		if p[0] == '"' {
			j.endSurrogate()
			j.endText()
			return p[1:]
		}
		j.escape = anyEscape
		p = p[1:]
	}
	return p
}

// endText ends a string: it looks a key up, and hands a value to the sink.
func (j *JSON) endText() {
	text := j.kept()
	if j.state == inName {
		j.state = atColon
		n := &j.shape.nodes[j.inside]
		j.node = n.other // no path names a member of more than MaxText bytes
		if j.length <= MaxText {
			j.node = n.member(text)
		}
		return
	}
	j.after()
	j.emit(String, j.shape.nodes[j.node].field, text, j.length)
}

// unescape reads one byte of an escape sequence. p begins behind the backslash.
func (j *JSON) unescape(p []byte) []byte {
	c := p[0]
	if j.escape != anyEscape {
		j.hex(c)
		return p[1:]
	}
	j.escape = noEscape
	switch c {
	case 'u':
		j.escape, j.rune = hex1, 0
		return p[1:]
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	default:
		j.state = broken
		return nil
	}
	j.endSurrogate()
	j.single[0] = c
	j.keep(j.single[:1])
	return p[1:]
}

// hex reads a digit of \uXXXX.
func (j *JSON) hex(c byte) {
	digit := rune(c)
	switch {
	case c >= '0' && c <= '9':
		digit -= '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		digit = rune(c|0x20) - 'a' + 10
	default:
		j.state = broken
		return
	}
	j.rune = j.rune<<4 | digit
	if j.escape < hex4 {
		j.escape++
		return
	}
	j.escape = noEscape
	j.unit(j.rune)
}

// unit reads a UTF-16 code unit. A surrogate without a partner becomes U+FFFD.
func (j *JSON) unit(r rune) {
	if j.high != 0 {
		if whole := utf16.DecodeRune(j.high, r); whole != utf8.RuneError {
			j.high = 0
			j.keepRune(whole)
			return
		}
		j.endSurrogate()
	}
	if r >= 0xD800 && r < 0xDC00 {
		j.high = r
		return
	}
	j.keepRune(r)
}

// endSurrogate ends a surrogate pair whose second half did not come.
func (j *JSON) endSurrogate() {
	if j.high != 0 {
		j.high = 0
		j.keepRune(utf8.RuneError)
	}
}

// keepRune appends r, or U+FFFD for a surrogate.
func (j *JSON) keepRune(r rune) {
	j.keep(j.single[:utf8.EncodeRune(j.single[:], r)])
}
