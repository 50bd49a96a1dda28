package live

import (
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Stream is an exchange under way, as GET /api/v1/open tells it. headway does not know what
// is absent.
type Stream struct {
	ID        uint64    `json:"id"`
	Span      string    `json:"span"` // the id of the exchange in /api/v1/exchanges when it is over
	Start     time.Time `json:"start"`
	Operation string    `json:"operation,omitempty"`
	Model     string    `json:"model,omitempty"`
	Upstream  string    `json:"upstream"`
	Origin    string    `json:"origin"`
	Chain     string    `json:"chain,omitempty"`
	Attempt   int       `json:"attempt,omitempty"` // from 1
	Phase     string    `json:"phase"`             // asking, waiting, answering, streaming
	Age       Seconds   `json:"age_s"`
	Silent    Seconds   `json:"silent_s"` // without content
	TTFT      Seconds   `json:"ttft_s,omitempty"`
	LastToken Seconds   `json:"last_token_s,omitempty"` // from the start
	LastByte  Seconds   `json:"last_byte_s,omitempty"`  // from the start, of content or of anything else
	Stream    bool      `json:"stream"`                 // it asks for a stream, or its response is one
	Over      bool      `json:"over,omitempty"`         // no more content can come that headway reads
	Chunks    int       `json:"chunks"`                 // of content, so far
	Tokens    int64     `json:"tokens"`                 // so far, at least one for each chunk
}

// newStream describes o at the moment now.
func newStream(o *exchange.Open, now time.Time) Stream {
	return Stream{
		ID: o.ID, Span: o.Span.ID.String(), Start: o.Start.UTC(), Operation: string(o.Operation), Model: o.Model, Upstream: o.Upstream,
		Origin: string(o.Origin), Chain: o.Attempt.Chain.String(), Attempt: o.Attempt.Number, Phase: string(o.Phase()),
		Age: Seconds(max(0, now.Sub(o.Start))), Silent: Seconds(o.Silent(now)),
		TTFT: Seconds(o.FirstToken), LastToken: Seconds(o.LastToken), LastByte: Seconds(o.LastByte), Stream: o.Stream, Over: o.Over, Chunks: o.Chunks, Tokens: o.Tokens,
	}
}

// Streams describes at most limit open exchanges, the longest silence first.
func Streams(open []exchange.Open, now time.Time, limit int) []Stream {
	slices.SortFunc(open, func(a, b exchange.Open) int {
		return cmp.Or(cmp.Compare(b.Silent(now), a.Silent(now)), cmp.Compare(a.ID, b.ID))
	})
	out := make([]Stream, 0, min(limit, len(open)))
	for i := range open[:min(limit, len(open))] {
		out = append(out, newStream(&open[i], now))
	}
	return out
}
