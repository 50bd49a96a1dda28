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

// Content ends a stall, and nothing else does; the waits of the other sides are not the
// upstream's.
func TestStall(t *testing.T) {
	stream := func(change func(*exchange.Record)) exchange.Record {
		r := exchange.Record{Stream: true, Outcome: exchange.OK}
		for _, at := range []time.Duration{time.Second, 3 * time.Second, 4 * time.Second} {
			r.Chunks.Add(exchange.Chunk{At: at, Tokens: 1, Bytes: 1})
		}
		r.Timing.FirstToken, r.Timing.LastToken, r.Timing.End = time.Second, 4*time.Second, 5*time.Second
		r.Clocks.Upstream.Longest = 250 * time.Millisecond
		change(&r)
		return r
	}
	for _, c := range []struct {
		name   string
		change func(*exchange.Record)
		want   time.Duration
	}{
		{"pings between two chunks", func(*exchange.Record) {}, 2 * time.Second},
		{"a client that reads slowly", func(r *exchange.Record) { r.Clocks.Client.Sum = 1900 * time.Millisecond }, 250 * time.Millisecond},
		{"a client that reads a little slowly", func(r *exchange.Record) { r.Clocks.Client.Sum = 500 * time.Millisecond }, 1500 * time.Millisecond},
		{"silence until the stream broke off", func(r *exchange.Record) { r.Outcome, r.Timing.End = exchange.UpstreamCut, 9*time.Second }, 5 * time.Second},
		{"no chunk was read", func(r *exchange.Record) { r.Chunks, r.Timing.LastToken = exchange.Chunks{}, 0 }, 250 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := stream(c.change)
			if got := r.Stall(); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// A wait that most streams of the engine had is the engine's, and the rest is the request's.
func TestStallShared(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name        string
		change      func(*exchange.Record)
		own, engine time.Duration
		by          string // of the longest
	}{
		{"no pause of the engine", func(*exchange.Record) {}, 5 * s, 0, "upstream"},
		{"all of the longest wait", func(r *exchange.Record) { r.Pauses = []exchange.Pause{{At: 300 * time.Millisecond, Wait: 5 * s}} }, 100 * time.Millisecond, 5 * s, "engine"},
		{"a part of it", func(r *exchange.Record) { r.Pauses = []exchange.Pause{{At: 300 * time.Millisecond, Wait: 2 * s}} }, 3 * s, 2 * s, "upstream"},
		{"two in one wait", func(r *exchange.Record) {
			r.Pauses = []exchange.Pause{{At: 300 * time.Millisecond, Wait: 2 * s}, {At: 3300 * time.Millisecond, Wait: 2 * s}}
		}, s, 4 * s, "engine"},
		{"while the stream went on", func(r *exchange.Record) {
			r.Pauses = []exchange.Pause{{At: 100 * time.Millisecond, Wait: 200 * time.Millisecond}}
		}, 5 * s, 100 * time.Millisecond, "upstream"},
		{"it broke off in the pause", func(r *exchange.Record) {
			r.Outcome, r.Timing.End = exchange.ClientGone, r.Timing.LastToken+9*s
			r.Clocks.Upstream.Longest = 9 * s
			r.Pauses = []exchange.Pause{{At: r.Timing.LastToken, Wait: 9 * s}}
		}, 5 * s, 9 * s, "engine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := paused(5 * s)
			tt.change(&r)
			own, engine := r.StallShared()
			if own != tt.own || engine != tt.engine {
				t.Errorf("own %v, engine %v; want %v, %v", own, engine, tt.own, tt.engine)
			}
			if p, is := r.Stalled(); !is || p.By != tt.by {
				t.Errorf("the longest is %+v, want by %s", p, tt.by)
			}
		})
	}
}

// TestStallOfAStreamThatWasReadLate has pings end every silence but no stall, and headway read
// a thousand chunks late by a little each.
func TestStallOfAStreamThatWasReadLate(t *testing.T) {
	for _, tt := range []struct {
		clock exchange.ArrivalClock
		want  time.Duration
	}{{exchange.KernelClock, 3*time.Second - 5*ms}, {exchange.ProcessClock, 500 * ms}} {
		r := paused(3 * time.Second)
		r.ArrivalClock = tt.clock
		r.Clocks = exchange.Clocks{Upstream: exchange.Clock{Sum: 5 * time.Second, Longest: 500 * ms}, Proxy: exchange.Clock{Sum: 3 * time.Second, Longest: 5 * ms}}
		if got := r.Stall(); got != tt.want {
			t.Errorf("by the clock of the %v: a stall of %v, want %v", tt.clock, got, tt.want)
		}
	}
}
