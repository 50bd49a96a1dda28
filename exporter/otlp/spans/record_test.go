package spans_test

import (
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

// start is when the exchanges of these tests began.
func start() time.Time { return exchangetest.Plain().Start }

// sampled is r as the only attempt of its chain, with a span that is kept.
func sampled(r exchange.Record) exchange.Record {
	r.Overhead = exchange.Overhead{}
	r.Attempt = exchange.Attempt{Chain: 7, Number: 1, Outcome: exchange.FirstTry}
	r.Span = exchange.Span{Trace: exchange.TraceID{1, 2, 3, 15: 4}, ID: exchange.SpanID{5, 6, 7: 7}}
	r.Sampling = exchange.Sampling{Kept: true, Reason: "ratio", Threshold: 0xf3333300000000, Weighted: true}
	return r
}

// plain is a sampled chat exchange whose response came in one piece.
func plain() exchange.Record {
	r := sampled(exchangetest.Plain())
	r.Clocks = exchange.Clocks{Upstream: exchange.Clock{Sum: 178 * time.Millisecond}, Proxy: exchange.Clock{Sum: time.Millisecond}}
	return r
}

// stream is a sampled chat exchange of n content chunks, one token each, about 18 ms
// apart. Its times depend on seed.
func stream(n, seed int) exchange.Record {
	r := sampled(exchangetest.StreamOf(n, 214*time.Millisecond+time.Duration(seed)*137*time.Microsecond, func(i int) time.Duration {
		return 15*time.Millisecond + time.Duration((i*7919+seed*104729)%6000)*time.Microsecond
	}))
	r.Clocks.Upstream.Sum = r.Timing.End - 5*time.Millisecond
	return r
}
