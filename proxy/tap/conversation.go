package tap

import (
	"bytes"
	"hash/maphash"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// members are those of a request's body that hold what the model is asked, in the
// APIs that are known; the last one alone asks nothing. They need no decoder: what a
// dialect without one asks is known as well.
var members = [...]string{"messages", "input", "contents", "prompt", "system"}

// longestMember is the length of the longest of them.
const longestMember = 8

// conversation hashes the values of those members as the body streams by, byte for
// byte. The members' order means nothing, their spelling does. The zero value reads
// nothing.
type conversation struct {
	reading bool
	quoted  bool // inside a string
	escaped bool // after a backslash in it
	depth   int
	naming  bool // the next string at depth 1 is a member's name, or this one is
	name    [longestMember]byte
	nameLen int // of the name so far, also beyond what is kept of it
	member  int // in members, of the value at depth 1, from 1; 0 is any other
	taking  bool
	hash    maphash.Hash
	sum     uint64
	asked   bool
}

func (c *conversation) begin() {
	c.reading = true
	c.hash.SetSeed(key)
}

// fingerprint is of all that was asked; 0 when there was nothing.
func (c *conversation) fingerprint() exchange.Fingerprint {
	if !c.asked {
		return 0
	}
	return fingerprint(c.sum)
}

// read takes the next bytes of the body.
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

// readString reads inside a string, its closing quote included, and returns how far
// it got.
func (c *conversation) readString(p []byte) int {
	n := c.string(p)
	switch {
	case c.taking:
		_, _ = c.hash.Write(p[:n]) // a hash takes all of it
		if !c.quoted && c.depth == 1 {
			c.taken()
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

// string finds the end of the string that p goes on with.
func (c *conversation) string(p []byte) int {
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

// find is where b comes in p at or after from, len(p) when it does not.
func find(p []byte, from int, b byte) int {
	if i := bytes.IndexByte(p[from:], b); i >= 0 {
		return from + i
	}
	return len(p)
}

// readStructure reads outside strings, the next opening quote included, and returns
// how far it got.
func (c *conversation) readStructure(p []byte) int {
	from := 0 // what is taken of p
	for i, b := range p {
		switch b {
		case '"':
			c.quoted = true
			if c.naming {
				c.nameLen = 0
			} else if c.depth == 1 && c.member > 0 {
				from = c.take(i)
			}
			c.write(p[from : i+1])
			return i + 1
		case '{', '[':
			c.depth++
			c.naming = c.depth == 1 && b == '{'
			if c.depth == 2 && c.member > 0 {
				from = c.take(i)
			}
		case '}', ']':
			c.depth--
			if c.depth == 1 && c.taking {
				c.write(p[from : i+1])
				c.taken()
			}
			c.reading = c.depth > 0
		case ',':
			if c.depth == 1 {
				c.naming, c.member = true, 0
			}
		case ':':
			if c.depth == 1 {
				c.naming, c.member = false, c.named()
			}
		}
	}
	c.write(p[from:])
	return len(p)
}

// named is the place of the last name in members, from 1.
func (c *conversation) named() int {
	if c.nameLen <= longestMember {
		for i, m := range members {
			if string(c.name[:c.nameLen]) == m {
				return i + 1
			}
		}
	}
	return 0
}

// take begins to hash the value of a member, and returns where it begins.
func (c *conversation) take(at int) int {
	c.taking = true
	c.hash.Reset()
	_ = c.hash.WriteByte(byte(c.member))
	return at
}

func (c *conversation) write(p []byte) {
	if c.taking {
		_, _ = c.hash.Write(p)
	}
}

// taken says that the value is complete.
func (c *conversation) taken() {
	c.taking = false
	c.sum += c.hash.Sum64()
	c.asked = c.asked || c.member < len(members)
}
