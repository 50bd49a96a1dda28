package frame

// skip passes over the next bytes of a container, and returns the bytes behind it.
func (j *JSON) skip(p []byte) []byte {
	for len(p) > 0 {
		if j.quoted {
			p = j.skipText(p)
			continue
		}
		n := flatLen(p)
		if n == len(p) {
			return nil
		}
		switch p[n] {
		case '"':
			j.quoted = true
		case '{', '[':
			j.skipped++
		default:
			j.skipped--
		}
		p = p[n+1:]
		if j.skipped == 0 {
			j.after()
			return p
		}
	}
	return p
}

// skipText passes over the next bytes of a string, behind its opening quote. It clears
// quoted at the closing one, and returns the bytes behind it.
func (j *JSON) skipText(p []byte) []byte {
	for len(p) > 0 {
		if j.escape != noEscape {
			j.escape = noEscape
			p = p[1:]
			continue
		}
		n := plainLen(p)
		if n == len(p) {
			return nil
		}
		if p[n] == '"' {
			j.quoted = false
			return p[n+1:]
		}
		j.escape = anyEscape
		p = p[n+1:]
	}
	return nil
}
