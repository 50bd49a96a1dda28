package frame

// skip passes over a container.
func (j *JSON) skip(p []byte) []byte {
	for len(p) > 0 {
		if j.quoted {
			p = j.skipText(p)
			continue
		}
		n := flat(p)
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

// skipText passes over a string, behind its quote. It clears quoted at its end.
func (j *JSON) skipText(p []byte) []byte {
	for len(p) > 0 {
		if j.escape != noEscape {
			j.escape = noEscape
			p = p[1:]
			continue
		}
		n := plain(p)
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
