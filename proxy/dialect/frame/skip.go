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
		p = j.skipBrackets(p)
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
		j.skipped += bits.OnesCount64(matches(folded, opening)) - bits.OnesCount64(matches(folded, closing))
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
