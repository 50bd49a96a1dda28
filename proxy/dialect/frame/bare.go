package frame

// more reads more of a number or word.
func (j *JSON) more(p []byte) []byte {
	n := bare(p)
	j.keep(p[:n])
	if n < len(p) {
		j.endBare(j.buf[:min(j.length, MaxText)])
	}
	return p[n:]
}

// endBare tells of the number or word that text begins with.
func (j *JSON) endBare(text []byte) {
	j.after()
	f := j.shape.nodes[j.node].field
	if f == 0 {
		return
	}
	kind := Odd
	switch c := text[0]; {
	case isDigit(c), c == '-' && len(text) > 1 && isDigit(text[1]):
		kind = Number
	case string(text) == "null":
		kind = Null
	case string(text) == "true":
		kind = True
	case string(text) == "false":
		kind = False
	}
	j.tell(kind, f, text, j.length)
}

// bare returns the number of bytes that a number, true, false or null may have.
func bare(p []byte) int {
	for i, c := range p {
		if !bareBytes[c] {
			return i
		}
	}
	return len(p)
}

var bareBytes = func() (t [256]bool) {
	for _, c := range "+-." {
		t[c] = true
	}
	for c := byte(0); c < 26; c++ {
		t['a'+c], t['A'+c] = true, true
	}
	for c := byte('0'); c <= '9'; c++ {
		t[c] = true
	}
	return t
}()

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
