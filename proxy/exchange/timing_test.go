package exchange_test

import (
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Hidden reasoning explains a part of the time before the first answer: its tokens, at the
// pace of those that came.
func TestHidden(t *testing.T) {
	for _, c := range []struct {
		name                        string
		output, streamed, reasoning exchange.Count
		want                        time.Duration
	}{
		{"hidden", exchange.Known(1100), exchange.Known(100), exchange.Known(1000), 20 * time.Second},
		{"streamed", exchange.Known(1100), exchange.Known(1100), exchange.Known(1000), 0},
		{"a part of it streamed", exchange.Known(1100), exchange.Known(600), exchange.Known(1000), 0},
		{"more than the wait can hold", exchange.Known(9100), exchange.Known(100), exchange.Known(9000), 24 * time.Second},
		{"not told", exchange.Known(1100), exchange.Known(100), exchange.Count{}, 0},
		{"billed, and no reasoning", exchange.Known(1100), exchange.Known(100), exchange.Known(0), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := exchange.Record{Stream: true, Usage: exchange.Usage{Output: c.output, Streamed: c.streamed, Reasoning: c.reasoning}}
			r.Timing.FirstToken, r.Timing.FirstAnswer, r.Timing.LastToken = 24*time.Second, 24*time.Second, 24*time.Second+99*20*time.Millisecond
			got := r.Hidden()
			if c.name == "a part of it streamed" { // 500 tokens at the pace of 599 gaps
				if got <= 0 || got >= 20*time.Second {
					t.Errorf("%v", got)
				}
				return
			}
			if got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
