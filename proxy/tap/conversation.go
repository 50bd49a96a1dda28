package tap

// conversation reads the body of a request as it streams by: which value belongs to which
// member, where each message ends. Its prompt hashes the values; the conversation keeps
// nothing of the body but the start of the last string. To find the members takes no decoder,
// so that headway knows the questions of other dialects as well. The zero value reads nothing.
type conversation struct {
	reading bool
	quoting
	scalar  bool // inside a number, true, false or null
	value   bool // after a colon: the next string is a member's value
	depth   int
	word    [longestWord]byte // the start of the last string
	wordLen int               // so far; a string that word has no room for is no word
	member  member            // whose value is at depth 1
	prompt  prompt
}

// longestWord is the length of the longest text that means something to a conversation.
const longestWord = len("previous_response_id")

func (c *conversation) begin() {
	c.reading = true
	c.prompt.begin()
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
	n := c.skip(p)
	if c.quoted {
		c.spell(p[:n])
		return n
	}
	c.spell(p[:n-1])
	c.endString()
	return n
}

// spell keeps text, the next bytes of a string, as long as the string may be a word. The
// prompt gets longer ones at once.
func (c *conversation) spell(text []byte) {
	if c.wordLen+len(text) <= longestWord {
		c.wordLen += copy(c.word[c.wordLen:], text)
		return
	}
	if c.wordLen <= longestWord {
		c.prompt.write(c.word[:c.wordLen])
		c.wordLen = longestWord + 1
	}
	c.prompt.write(text)
}

// endString ends a string. The names of members at depth 1 wait for their colon.
func (c *conversation) endString() {
	word := c.lastWord()
	switch value := c.value; {
	case c.depth > 1:
		c.prompt.endString(word, value, c.depth)
	case value && c.member.part != noPart:
		c.prompt.write(word)
		c.prompt.end('"')
		c.prompt.endValue(c.member)
	}
	c.value = false
}

// lastWord is the last string; nil for one that is too long to be a word.
func (c *conversation) lastWord() []byte {
	if c.wordLen > longestWord {
		return nil
	}
	return c.word[:c.wordLen]
}

// readStructure reads outside strings, up to the next opening quote, and returns the
// number of bytes that it read.
func (c *conversation) readStructure(p []byte) int {
	from := 0 // where the scalar begins
	for i, b := range p {
		switch b {
		case '"', '{', '[', '}', ']', ',', ':', ' ', '\t', '\n', '\r':
			if c.scalar {
				c.endScalar(p[from:i])
			}
			if c.step(b); c.quoted || !c.reading {
				return i + 1
			}
		default:
			if !c.scalar {
				c.scalar, from = true, i
			}
		}
	}
	if c.scalar && c.depth > 1 {
		c.prompt.write(p[from:])
	}
	return len(p)
}

// endScalar ends a number, true, false or null, whose last bytes are rest.
func (c *conversation) endScalar(rest []byte) {
	c.scalar, c.value = false, false
	if c.depth > 1 {
		c.prompt.write(rest)
		c.prompt.endScalar()
	}
}

// step reads one byte of structure.
func (c *conversation) step(b byte) {
	switch b {
	case '"':
		c.quoted, c.wordLen = true, 0
		if c.depth == 1 && c.value && c.member.part != noPart {
			c.prompt.beginValue(c.member, false)
		}
	case '{', '[':
		c.open(b)
	case '}', ']':
		c.close(b == '}')
	case ',':
		c.value = false
		if c.depth == 1 {
			c.member = member{}
		} else {
			c.prompt.comma(c.depth)
		}
	case ':':
		c.value = true
		if c.depth == 1 {
			c.member = memberNamed(c.lastWord())
		} else {
			c.prompt.colon(c.depth)
		}
	}
}

// open enters an object or an array.
func (c *conversation) open(b byte) {
	c.depth++
	if c.depth == 2 && c.value && c.member.part != noPart {
		c.prompt.beginValue(c.member, b == '[')
	}
	c.value = false
}

// close leaves an object or an array.
func (c *conversation) close(object bool) {
	c.depth--
	c.value = false
	c.prompt.leave(c.depth, object)
	if c.depth == 1 && c.member.part != noPart {
		c.prompt.endValue(c.member)
		c.member = member{}
	}
	c.reading = c.depth > 0
}
