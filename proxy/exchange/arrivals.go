package exchange

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// BlockSize is the number of chunks that one Block describes.
const BlockSize = 16

// Block describes the next BlockSize chunks, or the rest when fewer are left, so that a
// reader can decide whether to read them.
type Block struct {
	Previous time.Duration // arrival of the chunk before the block; 0 when the block is the first
	Last     time.Duration // arrival of the last chunk of the block
	Longest  time.Duration // the longest gap that a chunk of the block ended
	Before   int64         // tokens of all chunks before the block
}

// block is a Block as Chunks stores it.
type block struct {
	from     uint32 // offset of its first chunk in the encoding
	longest  uint32 // in µs, capped at what 32 bits hold: 71 minutes
	previous int64  // in µs
	tokens   int64  // of all chunks before; an uncounted chunk adds one
}

// Arrivals reads the kept chunks of a stream in order and gives each a number of
// tokens. The number is exact where the dialect counted the tokens of the chunk. The
// other chunks are uncounted: Arrivals spreads the remaining tokens of the stream over
// them in proportion to the length of their content. It gives an uncounted chunk one
// token when the total is unknown, or larger than the content can hold. Every chunk gets
// at least one. Arrivals reads the encoding that Chunks owns, and is not safe for
// concurrent use.
type Arrivals struct {
	in      decoder
	encoded []byte
	blocks  []block // of the chunks that are still to read
	last    int64   // in µs
	tokens  int64   // of all chunks together
	before  int64   // tokens of the chunks that were read, when spread

	// The spreading of tokens over the uncounted chunks.
	spread bool
	budget int64 // tokens to spread
	given  int64 // tokens given so far
	left   int64 // uncounted chunks still to come
	bytes  int64 // content bytes of all uncounted chunks
	passed int64 // content bytes of those that were read
}

// Arrivals returns a reader at the first chunk. The chunks together have streamed
// tokens, if that is known.
func (c *Chunks) Arrivals(streamed Count) Arrivals {
	a := Arrivals{
		in: decoder{rest: c.encoded}, encoded: c.encoded, blocks: c.blocks, last: c.last, tokens: c.tokens + int64(c.uncounted),
		budget: streamed.N - c.tokens, left: int64(c.uncounted), bytes: c.uncountedBytes,
	}
	// One token a chunk needs no spreading.
	if streamed.Known && c.kept == c.Count && c.uncountedBytes > 0 && a.budget > a.left && c.MayHold(streamed.N) {
		a.spread, a.tokens = true, streamed.N
	}
	return a
}

// Tokens is the number of tokens of all chunks together.
func (a *Arrivals) Tokens() int64 { return a.tokens }

// Peek describes the next block, and returns false when there is none. The caller must
// have read or skipped whole blocks so far.
func (a *Arrivals) Peek() (Block, bool) {
	if len(a.blocks) == 0 {
		return Block{}, false
	}
	b, last := &a.blocks[0], a.last
	if len(a.blocks) > 1 {
		last = a.blocks[1].previous
	}
	before := b.tokens
	if a.spread {
		before = a.before
	}
	return Block{micros(b.previous), micros(last), micros(int64(b.longest)), before}, true
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// ReadBlock fills to with the chunks of the next block and returns their number.
func (a *Arrivals) ReadBlock(to *[BlockSize]Chunk) int {
	a.blocks = a.blocks[1:]
	n := a.Read(to[:])
	if a.spread {
		for i := range to[:n] {
			a.before += int64(to[i].Tokens)
		}
	}
	return n
}

// SkipBlock passes over the next block. It takes constant time unless a spreads tokens:
// then it reads the block.
func (a *Arrivals) SkipBlock() {
	if a.spread || len(a.blocks) == 1 {
		var unread [BlockSize]Chunk
		a.ReadBlock(&unread)
		return
	}
	a.blocks = a.blocks[1:]
	next := &a.blocks[0]
	a.in.rest = a.encoded[next.from:]
	a.in.at = uint64(next.previous)
}

// Read fills to with the next chunks and returns their number, which is smaller than
// len(to) only at the end of the stream.
func (a *Arrivals) Read(to []Chunk) int {
	n := a.in.read(to)
	if a.spread {
		for i := range to[:n] {
			to[i].Tokens = a.share(to[i])
		}
	}
	for i := range to[:n] {
		to[i].Tokens = max(1, to[i].Tokens)
	}
	return n
}

// share returns the tokens of k. Called once for every chunk, in order, it gives the
// uncounted chunks the whole budget.
func (a *Arrivals) share(k Chunk) int {
	if k.Tokens > 0 {
		return k.Tokens
	}
	a.left--
	a.passed += int64(k.Bytes)
	due := (a.budget*a.passed + a.bytes/2) / a.bytes
	n := max(1, min(due-a.given, a.budget-a.given-a.left)) // keep one for each chunk to come
	a.given += n
	return int(n)
}

// decoder reads chunks from their encoding. A chunk is three uvarints: the µs since the
// chunk before, its tokens and its bytes.
type decoder struct {
	rest []byte
	at   uint64
}

// read fills to with the next chunks and returns their number. Nearly every chunk has up
// to four bytes of time, one of tokens and one of content, so that read can take all of
// it from one word: the first byte whose top bit is clear ends the time. A branch on the
// length of the time would be mispredicted every other time.
func (d *decoder) read(to []Chunk) int {
	p, at := d.rest, d.at
	n, from := 0, 0
	for ; n < len(to) && from < len(p); n++ {
		if from+8 <= len(p) {
			word := binary.LittleEndian.Uint64(p[from:])
			length := uint(bits.TrailingZeros64(^word&0x8080808080808080)) + 1
			if after := word >> (length & 63); length <= 32 && after&0x8080 == 0 {
				v := word & (1<<(length&63) - 1)
				at += v&0x7f | v>>1&0x3f80 | v>>2&0x1fc000 | v>>3&0xfe00000
				to[n] = Chunk{At: time.Duration(at) * time.Microsecond, Tokens: int(after & 0x7f), Bytes: int(after >> 8 & 0x7f)}
				from += int(length/8) + 2
				continue
			}
		}
		var v [3]uint64
		for i := range v {
			value, size := binary.Uvarint(p[from:])
			v[i] = value
			from += size
		}
		at += v[0]
		to[n] = Chunk{At: time.Duration(at) * time.Microsecond, Tokens: int(v[1]), Bytes: int(v[2])}
	}
	d.rest, d.at = p[from:], at
	return n
}
