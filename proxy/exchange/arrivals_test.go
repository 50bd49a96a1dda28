package exchange_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// random makes n chunks with gaps of microseconds to hours. A third of them know their
// tokens.
func random(r *rand.Rand, n int) []exchange.Chunk {
	out := make([]exchange.Chunk, n)
	at := time.Duration(0)
	for i := range out {
		at += time.Duration(r.Int64N(1<<r.IntN(33))) * time.Microsecond
		out[i] = exchange.Chunk{At: at, Bytes: r.IntN(1 << r.IntN(20))}
		if r.IntN(3) == 0 {
			out[i].Tokens = r.IntN(1<<r.IntN(10)) + 1
		}
	}
	return out
}

func TestChunksAreReadAsTheyWereAdded(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	for range 300 {
		want := random(r, r.IntN(200))
		var c exchange.Chunks
		for _, k := range want {
			c.Add(k)
		}
		if got := slices.Collect(c.All()); !slices.Equal(got, want) {
			t.Fatalf("read %v,\nadded %v", got, want)
		}
	}
}

// Whether a reader read or skipped the blocks before, the next block agrees with its
// chunks.
func TestBlocksDescribeTheirChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 2))
	for range 300 {
		var c exchange.Chunks
		for _, k := range random(r, r.IntN(100)) {
			c.Add(k)
		}
		streamed := exchange.Count{N: int64(r.IntN(100_000)), Known: r.IntN(2) == 0}
		all := c.Arrivals(streamed)
		chunks := make([]exchange.Chunk, c.Kept()+1)
		chunks = chunks[:all.Read(chunks)]

		in := c.Arrivals(streamed)
		var before, previous, longest = int64(0), time.Duration(0), time.Duration(0)
		for at := 0; at < len(chunks); at += exchange.BlockSize {
			part := chunks[at:min(at+exchange.BlockSize, len(chunks))]
			want := exchange.Block{Previous: previous, Last: part[len(part)-1].At, Before: before}
			for i, k := range part {
				if at+i > 0 {
					want.Longest = max(want.Longest, min(k.At-previous, time.Duration(1<<32-1)*time.Microsecond))
					longest = max(longest, k.At-previous)
				}
				previous = k.At
				before += int64(k.Tokens)
			}
			if got, more := in.Peek(); !more || got != want {
				t.Fatalf("%+v, %v; want %+v", got, more, want)
			}
			if r.IntN(2) == 0 {
				in.SkipBlock()
				continue
			}
			var to [exchange.BlockSize]exchange.Chunk
			if n := in.ReadBlock(&to); !slices.Equal(to[:n], part) {
				t.Fatalf("read %v, want %v", to[:n], part)
			}
		}
		if _, more := in.Peek(); more {
			t.Fatal("a block after the last")
		}
		if in.Tokens() != before || c.Longest() != longest {
			t.Fatalf("%d tokens, longest gap %v; want %d, %v", in.Tokens(), c.Longest(), before, longest)
		}
	}
}
