package exchange_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func TestQuantilesOfITLWeighByTokens(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name string
		in   []exchange.Chunk
		want exchange.ITL
	}{
		{"no chunk", nil, exchange.ITL{}},
		{"one chunk, which has no gap", []exchange.Chunk{{At: ms, Tokens: 3}}, exchange.ITL{}},
		{"one gap", []exchange.Chunk{{At: ms, Tokens: 3}, {At: 3 * ms, Tokens: 1}}, exchange.ITL{P50: 2 * ms, P90: 2 * ms, P99: 2 * ms, Max: 2 * ms}},
		{
			"a long gap with one of a hundred tokens", []exchange.Chunk{{At: ms, Tokens: 1}, {At: 100 * ms, Tokens: 99}, {At: 150 * ms, Tokens: 1}},
			exchange.ITL{P50: ms, P90: ms, P99: ms, Max: 50 * ms},
		},
		{
			"a long gap with two of a hundred tokens", []exchange.Chunk{{At: ms, Tokens: 1}, {At: 99 * ms, Tokens: 98}, {At: 199 * ms, Tokens: 2}},
			exchange.ITL{P50: ms, P90: ms, P99: 50 * ms, Max: 50 * ms},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r exchange.Record
			for _, c := range tt.in {
				r.Chunks.Add(c)
			}
			if got, ok := r.ITL(); got != tt.want || ok != (tt.want.Max > 0) {
				t.Errorf("%+v, %v; want %+v", got, ok, tt.want)
			}
		})
	}
}

// The same as a plain list of all waits would say.
func TestQuantilesOfITLAreThoseOfAllWaits(t *testing.T) {
	random := rand.New(rand.NewPCG(10, 1))
	for range 300 {
		var r exchange.Record
		var waits []time.Duration
		at := time.Duration(0)
		for i := range 2 + random.IntN(60) {
			wait, tokens := time.Duration(random.IntN(40_000))*time.Microsecond, 1+random.IntN(9)
			at += wait
			r.Chunks.Add(exchange.Chunk{At: at, Tokens: tokens})
			for range tokens {
				if i > 0 {
					waits = append(waits, wait/time.Duration(tokens))
				}
			}
		}
		slices.Sort(waits)
		nearest := func(percent int) time.Duration { // the first whose share of all is large enough
			for i, w := range waits {
				if (i+1)*100 >= percent*len(waits) {
					return w
				}
			}
			return 0
		}
		want := exchange.ITL{P50: nearest(50), P90: nearest(90), P99: nearest(99), Max: waits[len(waits)-1]}
		if got, _ := r.ITL(); got != want {
			t.Fatalf("%+v, want %+v of %v", got, want, waits)
		}
	}
}
