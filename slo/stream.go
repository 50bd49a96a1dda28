package slo

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// read reads the chunks of r once, unless it is clear beforehand that all of them keep
// every limit. It counts the tokens over each limit of ITL into f, and the late tokens by
// pace into late. It returns the number of all tokens.
func (p *plan) read(r *exchange.Record, f *facts, late []int64) int64 {
	chunks := r.Chunks.Arrivals(r.Usage.Streamed)
	tokens := chunks.Tokens()
	if !r.Stream || tokens > maxTokens {
		return 0
	}
	if p.clear(r) {
		f.tokens = max(0, tokens-1) // the exact number does not matter, because no token is over a limit
		return tokens
	}
	p.scan(&chunks, r.Attempt.Elapsed, f, late)
	return tokens
}

// maxTokens is more than any model answers in. It is few enough for their deadlines to fit
// a Duration: so many hours do.
const maxTokens = 1 << 21

// clear says that no token can be over any limit or late: no gap was longer than the
// smallest limit, and no gap and no start was longer than a pace allows for one token.
func (p *plan) clear(r *exchange.Record) bool {
	longest := r.Chunks.Longest()
	if len(p.itl) > 0 && longest > p.itl[0] {
		return false
	}
	return len(p.paces) == 0 || longest <= p.pace.each && r.Timing.FirstToken <= p.pace.start(r.Attempt.Elapsed)
}

// start is the deadline of the first token, from the start of this exchange.
func (c *pace) start(elapsed time.Duration) time.Duration {
	if c.chain {
		return c.first - elapsed
	}
	return c.first
}

// scan reads the blocks of chunks in which a token may be over a limit or late.
func (p *plan) scan(chunks *exchange.Arrivals, elapsed time.Duration, f *facts, behind []int64) {
	var block [exchange.BlockSize]exchange.Chunk
	var first [1]exchange.Chunk
	if one := *chunks; one.Read(first[:]) == 1 {
		f.tokens = one.Tokens() - int64(first[0].Tokens)
	}
	for b, more := chunks.Peek(); more; b, more = chunks.Peek() {
		slow := len(p.itl) > 0 && b.Longest > p.itl[0]
		late := len(p.paces) > 0 && p.pace.outrun(b, elapsed)
		if !slow && !late {
			chunks.SkipBlock()
			continue
		}
		read := block[:chunks.ReadBlock(&block)]
		if slow {
			p.over(read, b, f.over)
		}
		for i := range p.paces {
			if p.paces[i].outrun(b, elapsed) {
				behind[i] += p.paces[i].late(read, b.Before, elapsed)
			}
		}
	}
}

// over adds the tokens of a block to each limit that they exceed. The first chunk of a
// stream has no gap.
func (p *plan) over(chunks []exchange.Chunk, b exchange.Block, over []int64) {
	previous := b.Previous
	if b.Before == 0 {
		previous, chunks = chunks[0].At, chunks[1:]
	}
	for _, k := range chunks {
		wait := k.At - previous
		previous = k.At
		if wait <= p.itl[0] {
			continue
		}
		itl := exchange.Gap{Wait: wait, Tokens: k.Tokens}.PerToken()
		for i, limit := range p.itl {
			if itl <= limit {
				break
			}
			over[i] += int64(k.Tokens)
		}
	}
}

// outrun says that a token of b may be late: its last chunk came after the deadline
// of its first token.
func (c *pace) outrun(b exchange.Block, elapsed time.Duration) bool {
	return b.Last > c.start(elapsed)+time.Duration(b.Before)*c.each
}

// late counts the tokens of chunks that came after their deadline. The stream had so many
// tokens before these chunks.
func (c *pace) late(chunks []exchange.Chunk, before int64, elapsed time.Duration) int64 {
	start := c.start(elapsed)
	var late int64
	for _, k := range chunks {
		if behind := k.At - start; behind > time.Duration(before)*c.each {
			due := int64((behind + c.each - 1) / c.each) // the first token that is not late
			late += min(due-before, int64(k.Tokens))
		}
		before += int64(k.Tokens)
	}
	return late
}
