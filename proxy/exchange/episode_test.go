package exchange_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// silent is a chat stream whose request was written after a second, with chunks at the given
// seconds, that ended with its last bytes two seconds later.
func silent(at ...time.Duration) exchange.Record {
	r := exchange.Record{Stream: true, Operation: exchange.Chat, Outcome: exchange.OK}
	r.Timing.RequestWritten = time.Second
	for _, s := range at {
		r.Chunks.Add(exchange.Chunk{At: s * time.Second, Tokens: 1, Bytes: 1})
	}
	last := time.Second
	if len(at) > 0 {
		r.Timing.FirstToken = at[0] * time.Second
		last = at[len(at)-1] * time.Second
		r.Timing.LastToken = last
	}
	r.Timing.LastChunk, r.Timing.End = last+2*time.Second, last+2*time.Second
	return r
}

func TestEpisodes(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name   string
		in     exchange.Record
		change func(*exchange.Record)
		want   []exchange.Episode
	}{
		{"a stream that flows", silent(2, 3, 12), nil, nil},
		{"exactly an episode", silent(2, 12), nil, []exchange.Episode{{exchange.MidStream, 2 * s, 12 * s, exchange.Resumed}}},
		{"before and between", silent(21, 22, 400), nil, []exchange.Episode{
			{exchange.BeforeFirstToken, s, 21 * s, exchange.Resumed}, {exchange.MidStream, 22 * s, 400 * s, exchange.Resumed},
		}},
		{"no token came until the upstream cut it", silent(), func(r *exchange.Record) {
			r.Outcome, r.Timing.End = exchange.UpstreamCut, 31*s
		}, []exchange.Episode{{exchange.BeforeFirstToken, s, 31 * s, exchange.Cut}}},
		{"the client left in the middle", silent(2), func(r *exchange.Record) {
			r.Outcome, r.Timing.End = exchange.ClientGone, 31*s
		}, []exchange.Episode{{exchange.MidStream, 2 * s, 31 * s, exchange.ClientLeft}}},
		{"the terminator came late", silent(2), func(r *exchange.Record) {
			r.Timing.LastChunk, r.Timing.End = 31*s, 32*s
		}, []exchange.Episode{{exchange.MidStream, 2 * s, 31 * s, exchange.Resumed}}},
		{"the connection closed late", silent(2), func(r *exchange.Record) { r.Timing.End = 60 * s }, nil},
		{"an answer in one piece", silent(2, 40), func(r *exchange.Record) { r.Stream = false }, nil},
		{"an operation that generates nothing", silent(2, 40), func(r *exchange.Record) { r.Operation = exchange.Embeddings }, nil},
		{"a decoder that was detached", silent(2, 40), func(r *exchange.Record) { r.Notes = []string{"decoder_slow"} }, nil},
		{"a replay", silent(2, 40), func(r *exchange.Record) { r.Timing.FirstToken, r.Timing.LastToken = 0, 0 }, nil},
		{"the upstream never got the request", silent(), func(r *exchange.Record) {
			r.Outcome, r.Timing = exchange.ConnectError, exchange.Timing{End: 60 * s}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.change != nil {
				tt.change(&tt.in)
			}
			if got := tt.in.Episodes(); !slices.Equal(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// The Record tells only what nobody told before.
func TestLate(t *testing.T) {
	r := silent(21, 22, 400)
	for _, tt := range []struct {
		told time.Duration
		want int
	}{{0, 2}, {21 * time.Second, 1}, {400*time.Second + 300*time.Nanosecond, 0}} {
		r.Early.Silent = tt.told
		if got := r.Late(); len(got) != tt.want {
			t.Errorf("told until %v, it has %+v", tt.told, got)
		}
	}
}
