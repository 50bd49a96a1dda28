package exchange_test

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// runs is a stream of runs of chunks, 100 µs apart, each after a pause.
func runs(pause time.Duration, lengths ...int) *exchange.Record {
	r := &exchange.Record{Stream: true}
	at := time.Duration(0)
	for _, n := range lengths {
		at += pause
		for range n {
			r.Chunks.Add(exchange.Chunk{At: at, Bytes: 4})
			at += 100 * time.Microsecond
		}
	}
	return r
}

func TestFindBursts(t *testing.T) {
	waited := func(r *exchange.Record, d time.Duration) *exchange.Record {
		r.Clocks.Client.Add(d)
		return r
	}
	for _, tt := range []struct {
		name     string
		in       *exchange.Record
		choices  int
		want     exchange.Bursts
		buffered bool
	}{
		{"nothing came", runs(0), 1, exchange.Bursts{}, false},
		{"too short to tell", runs(100*ms, 8), 1, exchange.Bursts{}, false},
		{"as many chunks as a step may have", runs(100*ms, 8, 8), 1, exchange.Bursts{Of: 16}, false},
		{"one more", runs(100*ms, 9, 9), 1, exchange.Bursts{Chunks: 18, Of: 18}, true},
		{"one more, in two choices", runs(100*ms, 9, 9), 2, exchange.Bursts{Of: 18}, false},
		{"after pauses that are too short", runs(49*ms, 9, 9), 1, exchange.Bursts{Of: 18}, false},
		{"half of the content", runs(100*ms, 10, 5, 5), 1, exchange.Bursts{Chunks: 10, Of: 20}, true},
		{"less than half", runs(100*ms, 10, 6, 5), 1, exchange.Bursts{Chunks: 10, Of: 21}, false},
		{"pauses that the client made in part", waited(runs(100*ms, 9, 9), 90*ms), 1, exchange.Bursts{Chunks: 18, Of: 18}, true},
		{"pauses that the client made", waited(runs(100*ms, 9, 9), 110*ms), 1, exchange.Bursts{Of: 18}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.in.FindBursts(tt.choices)
			if got != tt.want || got.Buffered() != tt.buffered {
				t.Errorf("%+v, buffered %v; want %+v, %v", got, got.Buffered(), tt.want, tt.buffered)
			}
		})
	}
	whole := runs(100*ms, 20)
	whole.Stream = false
	if got := whole.FindBursts(1); got != (exchange.Bursts{}) {
		t.Errorf("%+v for a response in one piece", got)
	}
}

func BenchmarkFindBursts(b *testing.B) {
	r := runs(20*ms, make([]int, 128)...)
	for i := range 128 {
		r.Chunks.Add(exchange.Chunk{At: time.Duration(i) * 20 * ms, Tokens: 1, Bytes: 4})
	}
	b.ReportAllocs()
	for b.Loop() {
		r.FindBursts(1)
	}
}
