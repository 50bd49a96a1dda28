package openai

// maxChoices is how many choices of a response are told apart.
const maxChoices = 16

// counter turns a cumulative count of output tokens into tokens per content chunk.
// vLLM and SGLang count for every choice on its own, others for all together.
type counter struct {
	last   [maxChoices]int64
	high   int64
	choice int  // that counted last
	apart  bool // every choice counts on its own
	begun  bool
	broken bool // a content chunk came without a count, or with an old one
}

// read books the count n that came with a message, if it came, and returns the
// tokens in the content of the message; 0 is unknown.
func (c *counter) read(m *message, n int64, told bool) int {
	if !told || m.choices != 1 {
		c.broken = c.broken || m.content > 0
		return 0
	}
	grown := c.step(m.index, n)
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

// step takes the count n of a choice and returns by how much it grew.
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
