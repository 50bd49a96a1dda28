package frame

import (
	"encoding/binary"
	"math/bits"
)

// match compares eight bytes at once: it sets the high bit of every byte of x that equals
// the byte of pattern. Above the first such byte it may set high bits of others, too, so
// only the lowest is sure. (Mycroft's zero byte test.)
func match(x, pattern uint64) uint64 {
	x ^= pattern
	return (x - ones) &^ x & (ones << 7)
}

// matches sets the high bit of every byte of x that equals the byte of pattern, and no other
// bit. It takes longer than match.
func matches(x, pattern uint64) uint64 {
	const low = ^uint64(ones << 7) // all bits but the high ones
	x ^= pattern
	return ^((x&low + low) | x | low)
}

const (
	ones        = 0x0101010101010101
	quotes      = ones * '"'
	backslashes = ones * '\\'
	opening     = ones * '{'
	closing     = ones * '}'
	caseBits    = ones * 0x20 // sets [ and ] to { and }
)

// plainLen returns the number of bytes of p before its first quote or backslash.
func plainLen(p []byte) int {
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

// flatLen returns the number of bytes of p before its first quote, bracket or brace.
func flatLen(p []byte) int {
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

// CommonLen returns the length of the longest start that p and q share.
func CommonLen(p, q []byte) int {
	n := min(len(p), len(q))
	p, q = p[:n], q[:n]
	i := 0
	for ; i+32 <= n; i += 32 { // most of two documents is the same
		a, b := p[i:i+32:n], q[i:i+32:n]
		if (word(a[0:8])^word(b[0:8]))|(word(a[8:16])^word(b[8:16]))|(word(a[16:24])^word(b[16:24]))|(word(a[24:32])^word(b[24:32])) != 0 {
			break
		}
	}
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

func word(p []byte) uint64 { return binary.LittleEndian.Uint64(p) }

// space returns p without the whitespace at its start.
func space(p []byte) []byte {
	for len(p) > 0 && isSpace(p[0]) {
		p = p[1:]
	}
	return p
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
