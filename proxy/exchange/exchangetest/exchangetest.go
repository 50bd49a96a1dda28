// Package exchangetest makes exchanges and chains for the tests of packages that observe
// them.
package exchangetest

import (
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Plain is a chat exchange whose response came in one piece.
func Plain() exchange.Record {
	return exchange.Record{
		Start:  time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.UTC),
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
		Overhead: exchange.Overhead{
			Request: 80 * time.Microsecond, FirstChunk: 30 * time.Microsecond, Chunk: 20 * time.Microsecond,
		},
	}
}

// Stream is a chat stream of n content chunks, one token each, 18 to 21 ms apart. Its
// TTFT is 214 ms.
func Stream(n int) exchange.Record {
	return StreamOf(n, 214*time.Millisecond, func(i int) time.Duration {
		return 18*time.Millisecond + time.Duration(i%7)*500*time.Microsecond
	})
}

// StreamOf is a chat stream of n content chunks, one token each, with that TTFT. The i-th
// chunk, counted from 0, comes gap(i) after the one before.
func StreamOf(n int, ttft time.Duration, gap func(i int) time.Duration) exchange.Record {
	r := Plain()
	r.Stream = true
	r.Timing.FirstEvent, r.Timing.FirstToken, r.Timing.FirstAnswer = 182*time.Millisecond, ttft, ttft
	at := ttft
	for i := range n {
		if i > 0 {
			at += gap(i)
		}
		r.Chunks.Add(exchange.Chunk{At: at, Tokens: 1, Bytes: 5})
	}
	r.Timing.LastToken = at
	r.Timing.End = at + 3*time.Millisecond
	r.Usage.Output, r.Usage.Streamed = exchange.Known(int64(n)), exchange.Known(int64(n))
	r.Clocks = exchange.Clocks{
		Upstream: exchange.Clock{Sum: r.Timing.End, Longest: 21 * time.Millisecond},
		Proxy:    exchange.Clock{Sum: time.Millisecond, Longest: 20 * time.Microsecond},
		Client:   exchange.Clock{Sum: 2 * time.Millisecond, Longest: 40 * time.Microsecond},
	}
	return r
}

// Refused is Plain turned away by a rate limit.
func Refused() exchange.Record {
	r := Plain()
	r.Status, r.Outcome, r.ErrorType = 429, exchange.Refused, "429"
	r.Model.Response = ""
	r.Usage = exchange.Usage{}
	r.Timing.End = 35 * time.Millisecond
	return r
}

// Unread is an exchange that went well and whose API no dialect reads.
func Unread() exchange.Record {
	r := Plain()
	r.Dialect, r.Operation, r.Provider, r.Model, r.FinishReasons, r.Usage = "", "", "", exchange.Model{}, nil, exchange.Usage{}
	r.PathClass, r.Unread = "/v1/files/{}/content", true
	return r
}

// Embeddings is Plain of another operation, whose answer is not generated.
func Embeddings() exchange.Record {
	r := Plain()
	r.Operation, r.Dialect, r.Usage.Output = exchange.Embeddings, "openai-embeddings", exchange.Count{}
	return r
}

// Canary is r as one of the canaries of a probe.
func Canary(r exchange.Record) exchange.Record {
	r.Origin, r.Probe = exchange.Canary, "chat-short"
	return r
}

// Sealed is r as headway knows it inside TLS.
func Sealed(r exchange.Record) exchange.Record {
	r.Mode, r.Operation, r.Dialect, r.Model = exchange.Sealed, "", "", exchange.Model{}
	return r
}

// Recovered is a chain of three attempts, the last of them answered.
func Recovered(last exchange.Record) exchange.Chain {
	return exchange.Chain{
		Outcome: exchange.Recovered, Attempts: 3, JoinedBy: []string{"fingerprint"}, Ambiguous: true,
		TTFT: 3214 * time.Millisecond, E2E: 4 * time.Second, Slept: 1500 * time.Millisecond, RetryAfterIgnored: 1, Last: last,
		Waste: []exchange.Waste{
			{Cause: "429", Attempts: 1, Time: 50 * time.Millisecond},
			{Cause: "stream_truncated", Attempts: 1, Time: 2 * time.Second, Input: exchange.Known(20), Output: exchange.Known(7), Cost: .25, Currency: "USD"},
		},
	}
}

// Turn is a turn of three calls, two tools and four attempts that last ended.
func Turn(last exchange.Record) exchange.WholeTurn {
	return exchange.WholeTurn{
		ID: 12, Session: 11, Number: 2, Outcome: exchange.TurnAnswered, Start: last.Start, Calls: 3, Attempts: 4, ToolCalls: 2, Overlap: 1,
		JoinedBy: []string{"session", "tool_call_id"}, All: 9 * time.Second, Model: 5 * time.Second, Tool: 3 * time.Second,
		FirstAnswer: 7500 * time.Millisecond, Human: 42 * time.Second, Last: last,
	}
}

// Priced is r with a cost of a dollar and a half.
func Priced(r exchange.Record) exchange.Record {
	r.Cost = exchange.Cost{Currency: "USD", Streamed: .75, Delivered: .5}
	r.Cost.Parts[exchange.CostInput], r.Cost.Parts[exchange.CostOutput], r.Cost.Parts[exchange.CostRequest] = .25, 1, .25
	return r
}

// Unpriced is r of a model that has no price.
func Unpriced(r exchange.Record) exchange.Record {
	r.Cost = exchange.Cost{Missing: exchange.NoPrice}
	return r
}

// Uncached is r whose client changed message 3 of a conversation, for which its prompt missed
// the prompt cache.
func Uncached(r exchange.Record) exchange.Record {
	r.Prefix = exchange.Prefix{Missed: exchange.PrefixChanged, Changed: exchange.MessagePart, Message: 3, Lost: 128}
	r.Notes = append(slices.Clip(r.Notes), r.Prefix.Missed.Note())
	return r
}

// Silent is a chat stream that brought no content for 40 s, and then was cut in its middle.
func Silent() exchange.Record {
	r := Stream(4)
	r.Outcome, r.ErrorType = exchange.UpstreamCut, exchange.ErrTruncated
	r.Timing.End = r.Timing.LastToken + 40*time.Second
	return r
}

// EnginePause is a pause of so long of an engine like that of r.
func EnginePause(r exchange.Record, length time.Duration) exchange.Interim {
	r.Role = exchange.Server
	return exchange.Interim{Of: r, Pause: length}
}

// Interim is an episode of so long that ended in the middle of a stream like r.
func Interim(r exchange.Record, wait time.Duration) exchange.Interim {
	return exchange.Interim{Of: r, Episode: exchange.Episode{Phase: exchange.MidStream, From: time.Second, To: time.Second + wait, Ended: exchange.Resumed}}
}

// Limited is r with limits that its request set, judged: one is kept, the other is missed.
func Limited(r exchange.Record) exchange.Record {
	r.Limits = []exchange.RequestLimit{
		{Indicator: exchange.TTFT, Limit: time.Second, Verdict: exchange.LimitKept},
		{Indicator: exchange.TPOT, Limit: time.Millisecond, Verdict: exchange.LimitMissed},
	}
	return r
}
