package exchange

import (
	"encoding/binary"
	"iter"
	"math"
	"time"
)

// MaxChunkBytes bounds what one exchange keeps of its content chunks: some
// 15,000 to 20,000 of them. Later ones are counted, not kept. What is kept of their
// blocks is half as much again at most.
const MaxChunkBytes = 64 << 10

// Chunks is when every content chunk of a stream came and what it carried, in
// about six bytes each. The zero value is empty and ready for use.
type Chunks struct {
	// Count is the number of content chunks, kept or not.
	Count int

	encoded []byte // per chunk: uvarint µs since the previous one, tokens, bytes
	last    int64  // offset of the last kept chunk, in µs
	longest int64  // wait before a kept chunk but the first, in µs
	kept    int
	tokens  int64 // sum of the tokens of kept chunks
	untold  int   // kept chunks whose tokens are not known
	size    int64 // sum of their content bytes
	carried int64 // content bytes of all chunks, kept or not
	blocks  []block
}

// Chunk is one content chunk.
type Chunk struct {
	At     time.Duration // offset from the request's start, to the microsecond
	Tokens int           // exact number of tokens in it; 0 is unknown
	Bytes  int           // length of its content
}

// Add appends a chunk. Chunks come in order of time.
func (c *Chunks) Add(k Chunk) {
	c.Count++
	c.carried += int64(max(0, k.Bytes))
	if len(c.encoded)+3*binary.MaxVarintLen64 > MaxChunkBytes {
		return
	}
	at := k.At.Microseconds()
	c.note(at)
	c.encoded = binary.AppendUvarint(c.encoded, uint64(max(0, at-c.last)))
	c.encoded = binary.AppendUvarint(c.encoded, uint64(max(0, k.Tokens)))
	c.encoded = binary.AppendUvarint(c.encoded, uint64(max(0, k.Bytes)))
	c.last = max(c.last, at)
	c.kept++
	c.tokens += int64(max(0, k.Tokens))
	if k.Tokens <= 0 {
		c.untold++
		c.size += int64(max(0, k.Bytes))
	}
}

// note books a chunk in its block, before it is appended.
func (c *Chunks) note(at int64) {
	if c.kept%BlockSize == 0 {
		c.blocks = append(c.blocks, block{from: uint32(len(c.encoded)), previous: c.last, tokens: c.tokens + int64(c.untold)})
	}
	if c.kept > 0 {
		b := &c.blocks[len(c.blocks)-1]
		b.longest = max(b.longest, uint32(min(max(0, at-c.last), math.MaxUint32)))
		c.longest = max(c.longest, at-c.last)
	}
}

// Kept is the number of chunks that All yields: Count, unless the bound was hit.
func (c *Chunks) Kept() int { return c.kept }

// Longest is the longest gap between two kept chunks.
func (c *Chunks) Longest() time.Duration { return time.Duration(c.longest) * time.Microsecond }

// Tokens is the sum of the chunks' tokens, known only when every chunk told.
func (c *Chunks) Tokens() Count {
	if c.kept == 0 || c.untold > 0 || c.kept < c.Count {
		return Count{}
	}
	return Known(c.tokens)
}

// maxBare is how many tokens of an output may have no content byte of their own: those
// that frame tool calls, switch channels and end turns, some dozens in all.
const maxBare = 64

// MayHold tells whether n tokens can have been streamed in content of so many bytes:
// a token has one at least, but for a few.
func MayHold(bytes, n int64) bool { return n <= bytes+maxBare }

// MayHold tells whether n tokens can have been streamed in the chunks. A count that
// cannot be true says nothing of them.
func (c *Chunks) MayHold(n int64) bool { return MayHold(c.carried, n) }

// batch is how many chunks are decoded at a time.
const batch = 32

// All yields the kept chunks in order.
func (c *Chunks) All() iter.Seq[Chunk] {
	return func(yield func(Chunk) bool) {
		in := decoder{rest: c.encoded}
		var chunks [batch]Chunk
		for n := in.read(chunks[:]); n > 0; n = in.read(chunks[:]) {
			for i := range chunks[:n] {
				if !yield(chunks[i]) {
					return
				}
			}
		}
	}
}

// Gap is the wait before one content chunk and the tokens that ended it.
type Gap struct {
	Wait   time.Duration
	Tokens int
}

// PerToken is the gap spread over its tokens: Tokens samples of ITL.
func (g Gap) PerToken() time.Duration { return g.Wait / time.Duration(g.Tokens) }

// Gaps yields the wait before every content chunk but the first, and the tokens
// that ended it as Arrivals settles them.
func (c *Chunks) Gaps(streamed Count) iter.Seq[Gap] {
	return func(yield func(Gap) bool) {
		in := c.Arrivals(streamed)
		var chunks [batch]Chunk
		n := in.Read(chunks[:])
		previous, from := chunks[0].At, 1
		for ; n > 0; n, from = in.Read(chunks[:]), 0 {
			for _, k := range chunks[from:n] {
				if !yield(Gap{Wait: k.At - previous, Tokens: k.Tokens}) {
					return
				}
				previous = k.At
			}
		}
	}
}
