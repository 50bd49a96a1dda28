package exchange_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

const ms = time.Millisecond

// stream returns the chunks, 10 ms apart.
func stream(chunks ...exchange.Chunk) *exchange.Chunks {
	var c exchange.Chunks
	for i, k := range chunks {
		k.At = time.Duration(i+1) * 10 * ms
		c.Add(k)
	}
	return &c
}

// counted returns a chunk for each number of tokens; 0 makes an uncounted chunk.
func counted(tokens ...int) *exchange.Chunks {
	var chunks []exchange.Chunk
	for _, n := range tokens {
		chunks = append(chunks, exchange.Chunk{Tokens: n, Bytes: 4})
	}
	return stream(chunks...)
}

// sized returns an uncounted chunk for each length in bytes.
func sized(bytes ...int) *exchange.Chunks {
	var chunks []exchange.Chunk
	for _, n := range bytes {
		chunks = append(chunks, exchange.Chunk{Bytes: n})
	}
	return stream(chunks...)
}

func TestTokensOfChunks(t *testing.T) {
	var unknown exchange.Count
	for _, tt := range []struct {
		name     string
		chunks   *exchange.Chunks
		streamed exchange.Count
		want     []int // of every chunk but the first
	}{
		{"of no chunk", sized(), exchange.Known(5), nil},
		{"of one chunk, which has no gap", sized(4), exchange.Known(5), nil},
		{"every chunk is counted", counted(1, 3, 2), exchange.Known(6), []int{3, 2}},
		{"every chunk is counted, whatever the total", counted(1, 3, 2), exchange.Known(60), []int{3, 2}},
		{"one each when nothing is known", sized(4, 40, 4), unknown, []int{1, 1}},
		{"one each when the total is that of the chunks", sized(4, 40, 4), exchange.Known(3), []int{1, 1}},
		{"one each when the total is smaller than that", sized(4, 40, 4), exchange.Known(2), []int{1, 1}},
		{"one each when no chunk has a length", sized(0, 0, 0), exchange.Known(9), []int{1, 1}},
		{"by the length of the content", sized(4, 4, 20, 4), exchange.Known(8), []int{1, 5, 1}},
		{"rounded so that the total stays", sized(5, 5, 5, 5), exchange.Known(6), []int{1, 2, 1}},
		{"never fewer than one, and no more in all", sized(100, 1, 1, 1), exchange.Known(6), []int{1, 1, 1}},
		{"one for each that follows a long start", sized(10, 10, 10, 2, 2, 2), exchange.Known(7), []int{1, 1, 1, 1, 1}},
		{"some chunks are counted, the rest by length", counted(2, 0, 3, 0), exchange.Known(11), []int{3, 3, 3}},
		{"some chunks are counted, one each for the rest", counted(2, 0, 3, 0), exchange.Known(7), []int{1, 3, 1}},
		{"some chunks are counted, beyond the total", counted(2, 0, 9, 0), exchange.Known(7), []int{1, 9, 1}},
		{"by length, as many as there can be", sized(4, 4, 4), exchange.Known(12 + 64), []int{26, 25}},
		{"one each when there cannot be so many", sized(4, 4, 4), exchange.Known(12 + 65), []int{1, 1}},
		{"one each when the total is absurd", counted(2, 0, 3, 0), exchange.Known(1<<53 - 1), []int{1, 3, 1}},
		{"some chunks are counted, without a total", counted(2, 0, 3, 0), unknown, []int{1, 3, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			for gap := range tt.chunks.Gaps(tt.streamed) {
				got = append(got, gap.Tokens)
				if gap.Wait != 10*ms || gap.PerToken() != 10*ms/time.Duration(gap.Tokens) {
					t.Errorf("wait %v of %d tokens, per token %v", gap.Wait, gap.Tokens, gap.PerToken())
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Whenever there are enough tokens for every chunk, the tokens of the chunks add up to
// the streamed total. The first chunk has one counted token; the gaps have the others.
func TestTokensOfChunksAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		chunks := []exchange.Chunk{{Tokens: 1, Bytes: 3}}
		least := int64(1)
		for range 1 + random.IntN(40) {
			k := exchange.Chunk{Bytes: 1 + random.IntN(1+random.IntN(100))}
			if random.IntN(3) == 0 {
				k.Tokens = 1 + random.IntN(5)
			}
			least += int64(max(1, k.Tokens))
			chunks = append(chunks, k)
		}
		chunks = append(chunks, exchange.Chunk{Bytes: 1})
		streamed := least + 1 + random.Int64N(30)
		sum := int64(1)
		for gap := range stream(chunks...).Gaps(exchange.Known(streamed)) {
			sum += int64(gap.Tokens)
		}
		if sum != streamed {
			t.Fatalf("%d tokens of %d, in %+v", sum, streamed, chunks)
		}
	}
}

func TestGapsEndEarly(t *testing.T) {
	for gap := range counted(1, 2, 3).Gaps(exchange.Count{}) {
		if gap.Tokens != 2 {
			t.Errorf("%d tokens after the end", gap.Tokens)
		}
		break
	}
}

func TestChunksAreKeptAsTheyCame(t *testing.T) {
	in := []exchange.Chunk{
		{At: 1500 * time.Nanosecond, Tokens: 1, Bytes: 3}, // cut to a microsecond
		{At: 2 * time.Hour, Tokens: 300, Bytes: 1 << 20},
		{At: 2 * time.Hour},
		{At: time.Hour, Tokens: -1, Bytes: -1}, // out of order
		{At: 2*time.Hour + ms, Tokens: 2, Bytes: 1},
	}
	want := []exchange.Chunk{
		{At: time.Microsecond, Tokens: 1, Bytes: 3},
		{At: 2 * time.Hour, Tokens: 300, Bytes: 1 << 20},
		{At: 2 * time.Hour},
		{At: 2 * time.Hour},
		{At: 2*time.Hour + ms, Tokens: 2, Bytes: 1},
	}
	var c exchange.Chunks
	for _, k := range in {
		c.Add(k)
	}
	if got := slices.Collect(c.All()); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if c.Count != len(want) || c.Kept() != len(want) {
		t.Errorf("%d chunks, %d kept, want %d", c.Count, c.Kept(), len(want))
	}
}

func TestTokensAreTheSumOnlyWhenEveryChunkIsCounted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		chunks *exchange.Chunks
		want   exchange.Count
	}{
		{"no chunk", counted(), exchange.Count{}},
		{"every chunk is counted", counted(1, 3), exchange.Known(4)},
		{"one chunk is uncounted", counted(1, 0, 3), exchange.Count{}},
	} {
		if got := tt.chunks.Tokens(); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// Chunks beyond the bound add to Count only, and no reader spreads a total that includes
// their tokens over the kept ones.
func TestChunksAreBounded(t *testing.T) {
	var c exchange.Chunks
	const n = exchange.MaxChunkBytes / 3
	for i := range n {
		c.Add(exchange.Chunk{At: time.Duration(i) * ms, Tokens: 0, Bytes: 4})
	}
	if c.Count != n || c.Kept() < n/2 || c.Kept() >= n {
		t.Fatalf("%d chunks, %d kept of %d", c.Count, c.Kept(), n)
	}
	gaps := 0
	for gap := range c.Gaps(exchange.Known(5 * n)) {
		if gaps++; gap.Tokens != 1 || gap.Wait != ms {
			t.Fatalf("gap %d: %+v", gaps, gap)
		}
	}
	if gaps != c.Kept()-1 {
		t.Errorf("%d gaps of %d chunks", gaps, c.Kept())
	}
	var all exchange.Chunks
	for range n {
		all.Add(exchange.Chunk{Tokens: 1, Bytes: 4})
	}
	if got := all.Tokens(); got.Known {
		t.Errorf("%d tokens are known of chunks that were not kept", got.N)
	}
}
