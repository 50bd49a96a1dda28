package proxy

// trailers reads the trailer section of a response and writes it anew, as mend does with
// heads, so that no client can read another end of the body than headway (RFC 9112,
// section 7.1.2):
//
//   - A line may end in a bare LF (RFC 9112, section 2.2).
//   - A bare CR, and a NUL, becomes a space (RFC 9112, section 2.2; RFC 9110, section 5.5).
//   - A line that continues a field is joined to it, by a space (RFC 9112, section 5.2).
//   - White space between a field's name and its colon is dropped (RFC 9112, section 5.1).
//
// It fails at a line without a colon or a name, and at a continuation of no field. A line's
// end waits until the next byte has shown that no line continues it.
type trailers struct {
	out []byte // in place of the bytes of the last call; valid until the next call

	size   int // of the section so far
	line   int // bytes of the present line so far
	colon  bool
	blanks int  // before the colon, so far; they are dropped if it follows
	cr     bool // the last byte was a CR
	ended  bool // the end of a line waits
	folded bool // in the white space at the start of a line that continues another one
}

// read reads the next bytes of the section. It returns how many of them belong to it, and
// whether it ends with them.
func (t *trailers) read(p []byte) (n int, done bool, err error) {
	t.out = t.out[:0]
	for n < len(p) {
		c := p[n]
		n++
		if t.size++; t.size > maxTrailers {
			return n, false, errFraming
		}
		bare := t.cr && c != '\n'
		t.cr = c == '\r'
		if bare && (t.line == 0 || !t.text(' ')) {
			return n, false, errFraming
		}
		switch {
		case c == '\n' && t.line == 0:
			t.endLine()
			t.out = append(t.out, "\r\n"...)
			return n, true, nil
		case c == '\n' && t.colon:
			t.line, t.ended = 0, true
		case c == '\n', c != '\r' && !t.text(c):
			return n, false, errFraming
		}
	}
	return n, false, nil
}

// text reads a byte of a line. It returns false if the line can be no field.
func (t *trailers) text(c byte) bool {
	if c == 0 {
		c = ' '
	}
	if t.line++; t.line == 1 && !t.beginLine(c) {
		return false
	}
	switch {
	case isBlank(c) && t.folded:
	case isBlank(c) && !t.colon:
		t.blanks++
	case c == ':' && !t.colon:
		t.colon, t.blanks = true, 0
		t.out = append(t.out, c)
	default:
		for ; t.blanks > 0; t.blanks-- {
			t.out = append(t.out, ' ')
		}
		t.folded = false
		t.out = append(t.out, c)
	}
	return true
}

// beginLine begins a line with c. It returns false if no field or continuation does.
func (t *trailers) beginLine(c byte) bool {
	if isBlank(c) {
		if !t.ended {
			return false
		}
		t.ended, t.folded = false, true
		t.out = append(t.out, ' ')
		return true
	}
	t.endLine()
	t.colon, t.folded = false, false
	return c != ':'
}

// endLine writes the end of the line before, if it waits.
func (t *trailers) endLine() {
	if t.ended {
		t.ended = false
		t.out = append(t.out, "\r\n"...)
	}
}
