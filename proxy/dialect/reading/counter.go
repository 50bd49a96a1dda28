package reading

// counter turns a cumulative count of output tokens into tokens per content chunk.
// Some servers (vLLM, SGLang) count for every choice on its own, others for all
// choices together.
type counter struct {
	last   counted
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
		before = *c.last.of(choice)
	}
	*c.last.of(choice) = n
	c.high = max(c.high, n)
	return n - before
}

// sum is the count of all choices together.
func (c *counter) sum() int64 {
	n := c.last.first
	if c.last.rest != nil {
		for _, k := range c.last.rest {
			n += k
		}
	}
	return n
}

// counted is the last count of each choice.
type counted struct {
	first int64
	rest  *[MaxChoices - 1]int64 // nil before there is a second choice
}

// of returns the count of a choice.
func (c *counted) of(choice int) *int64 {
	if choice == 0 {
		return &c.first
	}
	if c.rest == nil {
		c.rest = new([MaxChoices - 1]int64)
	}
	return &c.rest[choice-1]
}
