package reading

// counter turns a cumulative count of output tokens into tokens per content chunk.
// Some servers (vLLM, SGLang) count for every choice on its own, others for all
// choices together.
type counter struct {
	last   [MaxChoices]int64
	high   int64
	choice int  // whose count came last
	apart  bool // every choice counts on its own
	begun  bool
	broken bool // a content chunk came without a count, or with an old one
}

// book books the count n that came with a message, if one came, and returns the
// tokens in the content of the message; 0 is unknown.
func (c *counter) book(m *Message, n int64, came bool) int {
	if !came || m.choices != 1 {
		c.broken = c.broken || m.content > 0
		return 0
	}
	grown := c.step(m.choice.index, n)
	if m.content == 0 {
		return 0
	}
	if grown <= 0 {
		c.broken = true
	}
	if c.broken {
		return 0
	}
	return int(grown)
}

// step replaces the count of a choice by n and returns by how much it grew.
func (c *counter) step(choice int, n int64) int64 {
	if c.begun && choice != c.choice && n <= c.high {
		c.apart = true
	}
	c.begun, c.choice = true, choice
	before := c.high
	if c.apart {
		before = c.last[choice]
	}
	c.last[choice] = n
	c.high = max(c.high, n)
	return n - before
}

// sum is the count of all choices together.
func (c *counter) sum() (n int64) {
	for _, k := range c.last {
		n += k
	}
	return n
}
