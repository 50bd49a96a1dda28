package frame

import (
	"encoding/binary"
	"math/bits"
)

// skip passes over the next bytes of a container, and returns the bytes behind it.
func (j *JSON) skip(p []byte) []byte {
	for len(p) > 0 {
		if j.quoted {
			p = j.skipText(p)
			continue
		}
		if p = j.skipBrackets(p); len(p) == 0 {
			return nil
		}
		switch c := p[0]; {
		case c == '"':
			n := 1 + plainLen(p[1:])
			if n < len(p) && p[n] == '"' {
				p = p[n+1:]
				continue
			}
			j.quoted = true
			p = p[n:]
		case c == ',' || c == ':':
			p = p[1:]
		case c|0x20 == '{', c|0x20 == '}':
			p = p[1:]
			if j.bracket(c); j.skipped == 0 {
				return p
			}
		default:
			p = p[flatLen(p):]
		}
	}
	return nil
}

// skipToken passes over a string, a number, a word or the bytes up to the next of them, and
// returns the bytes behind it.
func (j *JSON) skipToken(p []byte) []byte {
	if p[0] == '"' {
		j.quoted = true
		return j.skipText(p[1:])
	}
	if n := bareLen(p); n > 0 {
		return p[n:]
	}
	for len(p) > 0 && p[0] != '"' && !bareBytes[p[0]] && j.state == inSkipped {
		if c := p[0] | 0x20; c == '{' || c == '}' {
			j.bracket(c)
		}
		p = p[1:]
	}
	return p
}

// bracket passes over an opening or a closing bracket.
func (j *JSON) bracket(c byte) {
	if c|0x20 == '{' {
		j.skipped++
		return
	}
	if j.skipped--; j.skipped == 0 {
		j.after()
	}
}

// skipBrackets passes over eight bytes at a time while they hold no quote and cannot end
// the container, because it is deeper than that. Without it, a document of nothing but
// brackets takes ten times as long as any other.
func (j *JSON) skipBrackets(p []byte) []byte {
	const step = 8
	for len(p) >= step && j.skipped > step {
		x := binary.LittleEndian.Uint64(p)
		if match(x, quotes) != 0 {
			break
		}
		folded := x | caseBits
		j.skipped += uint32(bits.OnesCount64(matches(folded, opening)) - bits.OnesCount64(matches(folded, closing)))
		p = p[step:]
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
