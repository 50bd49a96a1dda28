package frame

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at in one word. match marks the bytes of x that equal
// those of pattern by their high bit. Above the first that does, it may mark more.
// (Mycroft's zero byte test.)
func match(x, pattern uint64) uint64 {
	x ^= pattern
	return (x - ones) &^ x & (ones << 7)
}

const (
	ones        = 0x0101010101010101
	quotes      = ones * '"'
	backslashes = ones * '\\'
	opening     = ones * '{'
	closing     = ones * '}'
	caseBits    = ones * 0x20 // sets [ and ] to { and }
)

// plain returns the number of bytes before the first quote or backslash.
func plain(p []byte) int {
	i := 0
	for ; i+8 <= len(p); i += 8 {
		x := binary.LittleEndian.Uint64(p[i:])
		if m := match(x, quotes) | match(x, backslashes); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(p); i++ {
		if p[i] == '"' || p[i] == '\\' {
			break
		}
	}
	return i
}

// flat returns the number of bytes before the first quote, bracket or brace.
func flat(p []byte) int {
	i := 0
	for ; i+8 <= len(p); i += 8 {
		x := binary.LittleEndian.Uint64(p[i:])
		if m := match(x, quotes) | match(x|caseBits, opening) | match(x|caseBits, closing); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(p); i++ {
		if c := p[i]; c == '"' || c|0x20 == '{' || c|0x20 == '}' {
			break
		}
	}
	return i
}

// common returns the number of bytes that p and q have in common from their start.
func common(p, q []byte) int {
	n := min(len(p), len(q))
	p, q = p[:n], q[:n]
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(p[i:]) ^ binary.LittleEndian.Uint64(q[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)>>3
		}
	}
	for i < n && p[i] == q[i] {
		i++
	}
	return i
}

// space returns p without the whitespace that it begins with.
func space(p []byte) []byte {
	for len(p) > 0 && isSpace(p[0]) {
		p = p[1:]
	}
	return p
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
