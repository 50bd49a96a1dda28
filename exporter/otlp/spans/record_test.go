package spans_test

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// start is when the exchanges of these tests began.
func start() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.UTC) }

// plain is a sampled chat exchange whose response came in one piece.
func plain() exchange.Record {
	return exchange.Record{
		Start:  start(),
		Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit,
		Dialect: "openai-chat", Operation: exchange.Chat, Provider: "openai",
		Model:    exchange.Model{Request: "gpt-4o-mini", Response: "gpt-4o-mini-2024-07-18"},
		Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443},
		Status:   200, Outcome: exchange.OK, FinishReasons: []string{"stop"},
		Timing: exchange.Timing{
			RequestRead: time.Millisecond, RequestWritten: 2 * time.Millisecond, ResponseHead: 180 * time.Millisecond,
			FirstChunk: 181 * time.Millisecond, End: 700 * time.Millisecond,
		},
		Usage: exchange.Usage{
			Input: exchange.Known(212), Output: exchange.Known(128), CacheRead: exchange.Known(0), Source: exchange.Reported,
		},
		Clocks:   exchange.Clocks{Upstream: exchange.Clock{Sum: 178 * time.Millisecond}, Proxy: exchange.Clock{Sum: time.Millisecond}},
		Attempt:  exchange.Attempt{Chain: 7, Number: 1, Outcome: exchange.FirstTry},
		Span:     exchange.Span{Trace: exchange.TraceID{1, 2, 3, 15: 4}, ID: exchange.SpanID{5, 6, 7: 7}},
		Sampling: exchange.Sampling{Kept: true, Reason: "ratio", Threshold: 0xf3333300000000, Weighted: true},
	}
}

// stream is a sampled chat exchange of n content chunks, one token each, about 18 ms
// apart.
func stream(n, seed int) exchange.Record {
	r := plain()
	r.Stream = true
	r.Timing.FirstEvent, r.Timing.FirstToken = 182*time.Millisecond, 214*time.Millisecond+time.Duration(seed)*137*time.Microsecond
	at := r.Timing.FirstToken
	for i := range n {
		if i > 0 {
			at += 15*time.Millisecond + time.Duration((i*7919+seed*104729)%6000)*time.Microsecond
		}
		r.Chunks.Add(exchange.Chunk{At: at, Tokens: 1, Bytes: 5})
	}
	r.Timing.LastToken = at
	r.Timing.End = at + 3*time.Millisecond
	r.Usage.Output, r.Usage.Streamed = exchange.Known(int64(n)), exchange.Known(int64(n))
	r.Clocks = exchange.Clocks{
		Upstream: exchange.Clock{Sum: r.Timing.End - 5*time.Millisecond, Longest: 21 * time.Millisecond},
		Proxy:    exchange.Clock{Sum: time.Millisecond, Longest: 20 * time.Microsecond},
		Client:   exchange.Clock{Sum: 2 * time.Millisecond, Longest: 40 * time.Microsecond},
	}
	return r
}
