package tap

import (
	"bytes"
	"hash/maphash"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// members are the members of a request's body that hold the question to the model, in
// the APIs that headway knows; the last one alone asks nothing. To find them takes no
// decoder, so that headway knows the questions of other dialects as well.
var members = [...]string{"messages", "input", "contents", "prompt", "system"}

// longestMember is the length of the longest name in members.
const longestMember = 8

// conversation hashes the values of the members as the body streams by, byte for byte.
// The order of the members means nothing, the spelling of their values does. The zero
// value reads nothing.
type conversation struct {
	reading bool
	quoted  bool // inside a string
	escaped bool // after a backslash in it
	depth   int
	naming  bool // this string at depth 1, or the next one, is a member's name
	name    [longestMember]byte
	nameLen int  // so far; a longer name than name has room for is of no member
	member  int  // the place in members, from 1, of the value at depth 1; 0 is any other
	hashing bool // the value of a member
	hash    maphash.Hash
	sum     uint64 // of the members' hashes
	asked   bool
}

func (c *conversation) begin() {
	c.reading = true
	c.hash.SetSeed(key)
}

// fingerprint returns the fingerprint of the question; 0 when there is none.
func (c *conversation) fingerprint() exchange.Fingerprint {
	if !c.asked {
		return 0
	}
	return fingerprint(c.sum)
}

// read reads the next bytes of the body.
func (c *conversation) read(p []byte) {
	for c.reading && len(p) > 0 {
		var n int
		if c.quoted {
			n = c.readString(p)
		} else {
			n = c.readStructure(p)
		}
		p = p[n:]
	}
}

// readString reads inside a string, up to its closing quote, and returns the number of
// bytes that it read.
func (c *conversation) readString(p []byte) int {
	n := c.skipString(p)
	switch {
	case c.hashing:
		_, _ = c.hash.Write(p[:n]) // a hash takes all of it
		if !c.quoted && c.depth == 1 {
			c.endValue()
		}
	case c.depth == 1 && c.naming:
		piece := p[:n]
		if !c.quoted {
			piece = p[:n-1]
		}
		if c.nameLen < longestMember {
			copy(c.name[c.nameLen:], piece)
		}
		c.nameLen += len(piece)
	}
	return n
}

// skipString returns the length of the rest of a string, with which p begins.
func (c *conversation) skipString(p []byte) int {
	n, quote := 0, -1
	if c.escaped {
		c.escaped = false
		n = 1
	}
	for n < len(p) {
		if quote < n {
			quote = find(p, n, '"')
		}
		slash := find(p[:quote], n, '\\')
		switch {
		case slash < quote:
			n = slash + 2
			c.escaped = n > len(p)
		case quote < len(p):
			c.quoted = false
			return quote + 1
		default:
			return len(p)
		}
	}
	return len(p)
}

// find returns the place of the first b in p at or after from; len(p) when there is
// none.
func find(p []byte, from int, b byte) int {
	if i := bytes.IndexByte(p[from:], b); i >= 0 {
		return from + i
	}
	return len(p)
}

// readStructure reads outside strings, up to the next opening quote, and returns the
// number of bytes that it read.
func (c *conversation) readStructure(p []byte) int {
	from := 0 // where the bytes begin that a value hashes
	for i, b := range p {
		switch b {
		case '"':
			c.quoted = true
			if c.naming {
				c.nameLen = 0
			} else if c.depth == 1 && c.member > 0 {
				from = i
				c.beginValue()
			}
			c.write(p[from : i+1])
			return i + 1
		case '{', '[':
			if c.open(b) {
				from = i
				c.beginValue()
			}
		case '}', ']':
			if c.close(p[from : i+1]); !c.reading {
				return i + 1
			}
		case ',':
			if c.depth == 1 {
				c.naming, c.member = true, 0
			}
		case ':':
			if c.depth == 1 {
				c.naming, c.member = false, c.memberNamed()
			}
		}
	}
	c.write(p[from:])
	return len(p)
}

// open enters an object or an array, and reports whether it is the value of a member.
func (c *conversation) open(b byte) bool {
	c.depth++
	c.naming = c.depth == 1 && b == '{'
	return c.depth == 2 && c.member > 0
}

// close leaves an object or an array, whose last bytes are rest.
func (c *conversation) close(rest []byte) {
	c.depth--
	if c.depth == 1 && c.hashing {
		c.write(rest)
		c.endValue()
	}
	c.reading = c.depth > 0
}

// memberNamed returns the place of the last name in members, from 1; 0 for any other
// name.
func (c *conversation) memberNamed() int {
	if c.nameLen <= longestMember {
		for i, m := range members {
			if string(c.name[:c.nameLen]) == m {
				return i + 1
			}
		}
	}
	return 0
}

// beginValue begins to hash the value of a member.
func (c *conversation) beginValue() {
	c.hashing = true
	c.hash.Reset()
	_ = c.hash.WriteByte(byte(c.member))
}

func (c *conversation) write(p []byte) {
	if c.hashing {
		_, _ = c.hash.Write(p)
	}
}

// endValue adds the hash of a whole value to the sum.
func (c *conversation) endValue() {
	c.hashing = false
	c.sum += c.hash.Sum64()
	c.asked = c.asked || c.member < len(members)
}
