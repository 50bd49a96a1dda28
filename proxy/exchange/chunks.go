package exchange

import (
	"encoding/binary"
	"iter"
	"time"
)

// MaxChunkBytes bounds what one exchange keeps of its content chunks: some
// 15,000 to 20,000 of them. Later ones are counted, not kept.
const MaxChunkBytes = 64 << 10

// Chunks is when every content chunk of a stream came and what it carried, in
// about four bytes each. The zero value is empty and ready for use.
type Chunks struct {
	// Count is the number of content chunks, kept or not.
	Count int

	encoded []byte // per chunk: uvarint µs since the previous one, tokens, bytes
	last    int64  // offset of the last kept chunk, in µs
	kept    int
	tokens  int64 // sum of the tokens of kept chunks
	untold  int   // kept chunks whose tokens are not known
	size    int64 // sum of their content bytes
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
	if len(c.encoded)+3*binary.MaxVarintLen64 > MaxChunkBytes {
		return
	}
	at := k.At.Microseconds()
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

// Kept is the number of chunks that All yields: Count, unless the bound was hit.
func (c *Chunks) Kept() int { return c.kept }

// Tokens is the sum of the chunks' tokens, known only when every chunk told.
func (c *Chunks) Tokens() Count {
	if c.kept == 0 || c.untold > 0 || c.kept < c.Count {
		return Count{}
	}
	return Known(c.tokens)
}

// All yields the kept chunks in order.
func (c *Chunks) All() iter.Seq[Chunk] {
	return func(yield func(Chunk) bool) {
		var at uint64
		for p := c.encoded; len(p) > 0; {
			var v [3]uint64
			for i := range v {
				value, n := binary.Uvarint(p)
				v[i], p = value, p[n:]
			}
			at += v[0]
			if !yield(Chunk{At: time.Duration(at) * time.Microsecond, Tokens: int(v[1]), Bytes: int(v[2])}) {
				return
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

// Gaps yields the wait before every content chunk but the first. The tokens of
// a chunk are exact where the dialect told them. What those leave of streamed, the
// tokens of all chunks together, is spread over the other chunks by the length of
// their content; where it is not known, such a chunk is taken for one token. A
// chunk never has fewer than one.
func (c *Chunks) Gaps(streamed Count) iter.Seq[Gap] {
	return func(yield func(Gap) bool) {
		share := c.apportion(streamed)
		var previous time.Duration
		first := true
		for k := range c.All() {
			tokens := share(k)
			wait := k.At - previous
			previous = k.At
			if first {
				first = false
				continue
			}
			if !yield(Gap{Wait: wait, Tokens: tokens}) {
				return
			}
		}
	}
}

// apportion returns the number of tokens of each chunk, called in their order.
// If streamed allows one for each chunk, they add up to it.
func (c *Chunks) apportion(streamed Count) func(Chunk) int {
	rest, chunks := streamed.N-c.tokens, int64(c.untold)
	spread := streamed.Known && c.kept == c.Count && c.size > 0
	var seen, given int64
	return func(k Chunk) int {
		if k.Tokens > 0 || !spread {
			return max(1, k.Tokens)
		}
		chunks--
		seen += int64(k.Bytes)
		due := (rest*seen + c.size/2) / c.size
		n := max(1, min(due-given, rest-given-chunks)) // one is left for each chunk to come
		given += n
		return int(n)
	}
}
