package frame

// readBare reads the next bytes of a number or word, and returns the bytes behind them.
func (j *JSON) readBare(p []byte) []byte {
	n := bareLen(p)
	j.keep(p[:n])
	if n < len(p) {
		j.endBare(j.kept())
	}
	return p[n:]
}

// endBare hands a number or word to the sink. text is its first MaxText bytes at most;
// length has the whole length.
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
	j.emit(kind, f, text, j.length)
}

// bareLen returns the length of the number or word that p begins with.
func bareLen(p []byte) int {
	for i, c := range p {
		if !bareBytes[c] {
			return i
		}
	}
	return len(p)
}

// bareBytes marks the bytes of numbers and words.
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
