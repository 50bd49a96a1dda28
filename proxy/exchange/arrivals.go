package exchange

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// BlockSize is how many chunks are described together by a Block.
const BlockSize = 16

// Block is what is known of the next BlockSize chunks, or of the rest, without
// reading them.
type Block struct {
	Previous time.Duration // when the chunk before them came; 0 when there is none
	Last     time.Duration // when their last one came
	Longest  time.Duration // the longest gap that ended in one of them
	Before   int64         // tokens of all chunks before them
}

// block is a Block as it is kept.
type block struct {
	from     uint32 // its place in the encoding
	longest  uint32 // in µs, or all that fits: 71 minutes
	previous int64  // in µs
	tokens   int64  // of all chunks before, one for each that told none
}

// Arrivals reads the kept chunks of a stream in order, their tokens settled. The
// tokens of a chunk are exact where the dialect told them. What those leave of all
// tokens is spread over the other chunks by the length of their content; where it is
// not known, or cannot be true, such a chunk is taken for one token. A chunk never
// has fewer than one.
type Arrivals struct {
	in      decoder
	encoded []byte
	blocks  []block // of the chunks that were not read
	last    int64   // in µs
	tokens  int64   // of all chunks together
	spread  bool
	rest    int64 // tokens for chunks that told none
	chunks  int64 // of which so many are still to come
	size    int64 // content bytes of all of them
	seen    int64
	given   int64
	before  int64 // tokens of what was read, when they are spread
}

// Arrivals starts at the first chunk. The tokens of all chunks together are
// streamed.
func (c *Chunks) Arrivals(streamed Count) Arrivals {
	a := Arrivals{
		in: decoder{rest: c.encoded}, encoded: c.encoded, blocks: c.blocks, last: c.last, tokens: c.tokens + int64(c.untold),
		rest: streamed.N - c.tokens, chunks: int64(c.untold), size: c.size,
	}
	// With no more tokens than chunks there is nothing to spread.
	if streamed.Known && c.kept == c.Count && c.size > 0 && a.rest > a.chunks && c.MayHold(streamed.N) {
		a.spread, a.tokens = true, streamed.N
	}
	return a
}

// Tokens is the number of tokens that all chunks have together.
func (a *Arrivals) Tokens() int64 { return a.tokens }

// Peek describes the next block, if there is one. It can be called as long as whole
// blocks were read or skipped.
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

// ReadBlock fills to with the chunks of the next block and tells how many they are.
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

// SkipBlock passes over the next block. That is quick, unless tokens are spread.
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

// Read fills to with the next arrivals and tells how many there were: fewer than
// fit when they are at their end.
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

// share is the number of tokens of k, called for all chunks in their order. They
// add up to what there is to spread.
func (a *Arrivals) share(k Chunk) int {
	if k.Tokens > 0 {
		return k.Tokens
	}
	a.chunks--
	a.seen += int64(k.Bytes)
	due := (a.rest*a.seen + a.size/2) / a.size
	n := max(1, min(due-a.given, a.rest-a.given-a.chunks)) // one is left for each chunk to come
	a.given += n
	return int(n)
}

// decoder reads chunks from their encoding: three uvarints each, the µs since the
// chunk before, its tokens and its bytes.
type decoder struct {
	rest []byte
	at   uint64
}

// read fills to with the next chunks. Nearly every chunk is up to four bytes of time
// and a byte each of tokens and content, and is read from one word: the first byte
// without its top bit ends the time. Branching on its length would be mispredicted
// every other time.
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
