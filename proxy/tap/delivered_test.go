package tap_test

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/dialect"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/tap"
)

// chunksOf returns n chunks of so many bytes of content each, of unknown tokens.
func chunksOf(n, bytes int) (c exchange.Chunks) {
	for i := range n {
		c.Add(exchange.Chunk{At: time.Duration(i+1) * ms, Bytes: bytes})
	}
	return c
}

func TestTokensThatReachedAClientThatLeft(t *testing.T) {
	const body = 10_000
	known := exchange.Known
	part := func(acknowledged int64) tap.Receipt {
		return tap.Receipt{Known: true, Sent: 12_000, Acknowledged: acknowledged}
	}
	long := exchange.Chunks{} // a long text, and then short ones
	long.Add(exchange.Chunk{At: ms, Tokens: 90, Bytes: 900})
	for range 10 {
		long.Add(exchange.Chunk{At: 2 * ms, Tokens: 1, Bytes: 10})
	}
	tests := []struct {
		name     string
		chunks   exchange.Chunks
		streamed exchange.Count
		receipt  tap.Receipt
		want     exchange.Count
	}{
		{"all of them", chunksOf(100, 10), known(100), part(12_000), known(100)},
		{"none", chunksOf(100, 10), known(100), part(0), known(0)},
		{"half of them", chunksOf(100, 10), known(100), part(6_000), known(50)},
		{"half of the chunks, with several tokens each", chunksOf(100, 10), known(300), part(6_000), known(150)},
		{"fewer tokens than chunks", chunksOf(100, 10), known(40), part(6_000), known(40)},
		{"half of a body that was compressed", chunksOf(100, 1000), known(100), part(6_000), known(50)},
		{"half of more chunks than are kept", chunksOf(100_000, 1), known(100_000), part(6_000), known(50_000)},
		{"an unknown number of them", chunksOf(100, 10), exchange.Count{}, part(6_000), exchange.Count{}},
		{"of a stream without content", exchange.Chunks{}, known(0), part(6_000), exchange.Count{}},
		{"a part of a long first chunk", long, known(100), part(1_000), known(0)},
		{"a long first chunk, and half of the rest", long, known(100), part(7_000), known(95)},
		{"nobody knows how many", chunksOf(100, 10), known(100), tap.Receipt{}, exchange.Count{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			of, told := newTap(&script{close: func() dialect.Reply {
				return dialect.Reply{Ask: dialect.Ask{Dialect: "d", Stream: true}, Chunks: tt.chunks, Usage: exchange.Usage{Output: tt.streamed, Streamed: tt.streamed, Source: exchange.Counted}}
			}})
			x := of.Begin(chat())
			x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
			chunk(x, string(make([]byte, body)))
			x.End(tap.Result{At: tap.Now(), Outcome: exchange.ClientGone, ErrorType: exchange.ErrCanceled, Receipt: tt.receipt})
			if got := told.only(t).Usage.Delivered; got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestAnAnswerThatWasReadToItsEndIsNoDeparture, even where its last bytes crossed the
// departure.
func TestAnAnswerThatWasReadToItsEndIsNoDeparture(t *testing.T) {
	of, told := newTap(&script{close: func() dialect.Reply {
		return dialect.Reply{Complete: true, Chunks: chunksOf(3, 5), Usage: exchange.Usage{Streamed: exchange.Known(3)}}
	}})
	x := of.Begin(chat())
	x.ResponseHead(200, header("Content-Type", "text/event-stream"), tap.Now())
	chunk(x, "body")
	x.End(tap.Result{At: tap.Now(), Outcome: exchange.ClientGone, Receipt: tap.Receipt{Known: true, Sent: 100, Acknowledged: 90}})
	if r := told.only(t); r.Outcome != exchange.OK || r.Usage.Delivered.Known {
		t.Errorf("%q, %+v", r.Outcome, r.Usage)
	}
}
