package exchange_test

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// paused returns a stream with chunks at 100, 200 and 300 ms, and one more after the
// gap, in which it waited for the upstream.
func paused(gap time.Duration) exchange.Record {
	r := exchange.Record{Stream: true, Outcome: exchange.OK}
	at := 100 * time.Millisecond
	for range 3 {
		r.Chunks.Add(exchange.Chunk{At: at, Tokens: 1})
		at += 100 * time.Millisecond
	}
	last := 300*time.Millisecond + gap
	r.Chunks.Add(exchange.Chunk{At: last, Tokens: 1})
	r.Timing = exchange.Timing{FirstChunk: 90 * time.Millisecond, FirstToken: 100 * time.Millisecond, LastToken: last, End: last}
	r.Clocks.Upstream.Longest = gap
	return r
}

func TestStalled(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for _, tt := range []struct {
		name   string
		gap    time.Duration
		change func(*exchange.Record)
		want   exchange.Pause // zero: no stall
	}{
		{"a microsecond short of a stall", s - time.Microsecond, nil, exchange.Pause{}},
		{"exactly a stall", s, nil, exchange.Pause{At: 300 * ms, Wait: s, By: "upstream"}},
		{"an answer in one piece", 2 * s, func(r *exchange.Record) { r.Stream = false }, exchange.Pause{}},
		{"a longer wait for the client after the last chunk", 2 * s, func(r *exchange.Record) {
			r.Timing.End += 4 * s
			r.Clocks.Client.Longest = 3 * s
		}, exchange.Pause{At: 300 * ms, Wait: 2 * s, By: "upstream"}},
		{"a client that reads nothing", 2 * s, func(r *exchange.Record) {
			r.Clocks.Upstream.Longest, r.Clocks.Client.Longest = 100*ms, 2*s
		}, exchange.Pause{At: 300 * ms, Wait: 2 * s, By: "client"}},
		{"headway works", 2 * s, func(r *exchange.Record) {
			r.Clocks.Upstream.Longest, r.Clocks.Proxy.Longest = 100*ms, 2*s
		}, exchange.Pause{At: 300 * ms, Wait: 2 * s, By: "proxy"}},
		{"an upstream that sends pings meanwhile", 3 * s, func(r *exchange.Record) {
			r.Clocks.Upstream.Longest = s
		}, exchange.Pause{At: 300 * ms, Wait: 3 * s, By: "upstream"}},
		{"silence before the stream broke off", 100 * ms, func(r *exchange.Record) {
			r.Outcome, r.Timing.End, r.Clocks.Upstream.Longest = exchange.UpstreamCut, r.Timing.End+2*s, 2*s
		}, exchange.Pause{At: 400 * ms, Wait: 2 * s, By: "upstream"}},
		{"before the first token", 100 * ms, func(r *exchange.Record) {
			r.Timing.FirstChunk, r.Timing.FirstToken, r.Clocks.Upstream.Longest = 10*ms, 5*s, 4*s
		}, exchange.Pause{At: 10 * ms, Wait: 4 * s, By: "upstream"}},
		{"a wait after the last chunk", 100 * ms, func(r *exchange.Record) {
			r.Timing.End, r.Clocks.Upstream.Longest = r.Timing.End+5*s, 4*s
		}, exchange.Pause{At: 400 * ms, Wait: 4 * s, By: "upstream"}},
		{"no chunk was read", s, func(r *exchange.Record) {
			r.Chunks, r.Timing = exchange.Chunks{}, exchange.Timing{FirstChunk: 90 * ms, End: 9 * s}
		}, exchange.Pause{At: 90 * ms, Wait: s, By: "upstream"}},
		{"an empty record", 0, func(r *exchange.Record) { *r = exchange.Record{Stream: true} }, exchange.Pause{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := paused(tt.gap)
			if tt.change != nil {
				tt.change(&r)
			}
			if got, is := r.Stalled(); got != tt.want || is != (tt.want.Wait > 0) {
				t.Errorf("got %+v, %v, want %+v", got, is, tt.want)
			}
		})
	}
}
