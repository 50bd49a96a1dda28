package exchange

import (
	"encoding/binary"
	"iter"
	"math"
	"time"
)

// MaxChunkBytes bounds the encoded content chunks of one exchange, in bytes: room for
// some 15,000 to 20,000 chunks. Chunks counts later ones and drops them. The blocks
// that describe the chunks take half as much again at most.
const MaxChunkBytes = 64 << 10

// Chunks holds arrival, tokens and length of every content chunk of a stream, in about
// six bytes each. The zero value is empty and ready for use. Only one goroutine may add
// chunks; after that any number may read them.
type Chunks struct {
	// Count is the number of content chunks, kept or not.
	Count int

	encoded []byte // per chunk: uvarint µs since the previous one, tokens, bytes
	last    int64  // offset of the last kept chunk, in µs
	longest int64  // wait before a kept chunk but the first, in µs
	kept    int
	tokens  int64 // sum of the tokens of kept chunks
	blocks  []block
	bytes   int64 // content bytes of all chunks, kept or not

	uncounted      int   // kept chunks whose number of tokens is unknown
	uncountedBytes int64 // their content bytes
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
	c.bytes += int64(max(0, k.Bytes))
	if len(c.encoded)+3*binary.MaxVarintLen64 > MaxChunkBytes {
		return
	}
	at := k.At.Microseconds()
	c.addToBlock(at)
	c.encoded = binary.AppendUvarint(c.encoded, uint64(max(0, at-c.last)))
	c.encoded = binary.AppendUvarint(c.encoded, uint64(max(0, k.Tokens)))
	c.encoded = binary.AppendUvarint(c.encoded, uint64(max(0, k.Bytes)))
	c.last = max(c.last, at)
	c.kept++
	c.tokens += int64(max(0, k.Tokens))
	if k.Tokens <= 0 {
		c.uncounted++
		c.uncountedBytes += int64(max(0, k.Bytes))
	}
}

// addToBlock books a chunk that came at so many µs in its block. Add calls it before it
// appends the chunk.
func (c *Chunks) addToBlock(at int64) {
	if c.kept%BlockSize == 0 {
		c.blocks = append(c.blocks, block{from: uint32(len(c.encoded)), previous: c.last, tokens: c.tokens + int64(c.uncounted)})
	}
	if c.kept > 0 {
		b := &c.blocks[len(c.blocks)-1]
		b.longest = max(b.longest, uint32(min(max(0, at-c.last), math.MaxUint32)))
		c.longest = max(c.longest, at-c.last)
	}
}

// Kept is the number of chunks that All yields. It is smaller than Count when the
// stream hit the bound.
func (c *Chunks) Kept() int { return c.kept }

// Longest is the longest gap between two kept chunks.
func (c *Chunks) Longest() time.Duration { return time.Duration(c.longest) * time.Microsecond }

// Tokens is the sum of the chunks' tokens. It is known only when Chunks kept all chunks
// and knows the tokens of each.
func (c *Chunks) Tokens() Count {
	if c.kept == 0 || c.uncounted > 0 || c.kept < c.Count {
		return Count{}
	}
	return Known(c.tokens)
}

// Bytes is the length of the content of all chunks, kept or not.
func (c *Chunks) Bytes() int64 { return c.bytes }

// maxBare bounds the tokens of an output without a content byte of their own: they
// frame tool calls, switch channels and end turns. Real outputs have some dozens.
const maxBare = 64

// MayHold reports whether content of so many bytes can hold n tokens: every token has
// at least one byte, except for maxBare of them.
func MayHold(bytes, n int64) bool { return n <= bytes+maxBare }

// MayHold reports whether the chunks can hold n tokens. A count that they cannot hold is
// wrong, and no reader should use it.
func (c *Chunks) MayHold(n int64) bool { return MayHold(c.bytes, n) }

// batch is the number of chunks that a reader decodes at a time.
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

// Gap is the wait before one content chunk, and the tokens of that chunk.
type Gap struct {
	Wait   time.Duration
	Tokens int
}

// PerToken is the gap spread over its tokens: Tokens samples of ITL.
func (g Gap) PerToken() time.Duration { return g.Wait / time.Duration(g.Tokens) }

// Gaps yields the gap before every content chunk but the first. The tokens are those
// that Arrivals gives to the chunk.
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
