package tap_test

import (
	"fmt"
	"testing"

	"github.com/headway-sidecar/headway/proxy/tap"
)

// tokens returns n different events of a chat stream.
func tokens(n int) [][][]byte {
	spans := make([][][]byte, n)
	for i := range spans {
		spans[i] = [][]byte{fmt.Appendf(nil, `data: {"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" word%d"},"finish_reason":null}]}`+"\n\n", i)}
	}
	return spans
}

// streaming returns an exchange in the middle of a chat stream.
func streaming() *tap.Exchange {
	of, _ := newTap()
	x := of.Begin(chat())
	x.RequestBody([]byte(`{"model":"m","stream":true}`))
	x.RequestRead(tap.Now())
	x.RequestWritten(tap.Now())
	x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
	return x
}

// TestChunkAllocatesNothing, the decoder's work included: the hot path.
func TestChunkAllocatesNothing(t *testing.T) {
	x, spans := streaming(), tokens(100)
	i := 0
	x.Chunk(spans[0], tap.Now(), tap.Now()) // which allocates what a stream needs once
	if n := testing.AllocsPerRun(2000, func() {
		now := tap.Now()
		x.Chunk(spans[i%len(spans)], now, now)
		i++
	}); n != 0 {
		t.Errorf("%v allocations a chunk, want 0", n)
	}
}

func BenchmarkChunk(b *testing.B) {
	x, spans := streaming(), tokens(100)
	b.ReportAllocs()
	b.SetBytes(int64(len(spans[0][0])))
	for i := 0; b.Loop(); i++ {
		now := tap.Now()
		x.Chunk(spans[i%len(spans)], now, now)
	}
}
