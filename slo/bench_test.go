package slo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/slo"
)

const ms = time.Millisecond

// stream is a good chat stream of n content chunks, one token each, 18 to 21 ms
// apart but for the one at which it stalls.
func stream(n, stallAt int, stall time.Duration) exchange.Record {
	r := exchange.Record{
		Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit,
		Dialect: "openai-chat", Operation: exchange.Chat, Provider: "openai",
		Model:    exchange.Model{Request: "gpt-4o-mini"},
		Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443},
		Stream:   true, Status: 200, Outcome: exchange.OK, Events: n + 2,
		Timing: exchange.Timing{FirstChunk: 180 * ms, FirstToken: 214 * ms},
		Usage: exchange.Usage{
			Input: exchange.Known(212), Output: exchange.Known(int64(n)), Streamed: exchange.Known(int64(n)), Source: exchange.Reported,
		},
	}
	at := r.Timing.FirstToken
	for i := range n {
		if i > 0 {
			at += 18*ms + time.Duration(i%7)*500*time.Microsecond
		}
		if i == stallAt {
			at += stall
		}
		r.Chunks.Add(exchange.Chunk{At: at, Bytes: 5})
	}
	r.Timing.LastToken, r.Timing.End = at, at+3*ms
	r.Clocks.Upstream.Longest = 21*ms + stall
	return r
}

// twenty has twenty SLOs that all match, each with limits of its own.
func twenty(itl bool) slo.Set {
	var set slo.Set
	for i := range 20 {
		d := time.Duration(i) * ms
		s := slo.SLO{
			Name: fmt.Sprintf("chat-%d", i), Objective: 99, Window: 30 * 24 * time.Hour,
			Match: slo.Match{Operation: exchange.Chat, Model: "gpt-4o*", Stream: new(true)},
			Good: []slo.Objective{
				{Indicator: exchange.TTFT, Limit: 500*ms + d}, {Indicator: exchange.TPOT, Limit: 50*ms + d},
				{Indicator: exchange.E2E, Limit: 20*time.Second + d},
			},
		}
		if itl {
			s.Good = append(s.Good, slo.Objective{Indicator: exchange.ITLP99, Limit: 200*ms + d})
		}
		set.SLOs = append(set.SLOs, s)
	}
	return set
}

func BenchmarkJudge(b *testing.B) {
	few := twenty(true)
	for i := range few.SLOs[4:] {
		few.SLOs[4+i].Match.Model = "claude*"
	}
	for _, bb := range []struct {
		name string
		set  slo.Set
		r    exchange.Record
	}{
		{"all20match", twenty(true), stream(128, 0, 0)},
		{"all20match,noITL", twenty(false), stream(128, 0, 0)},
		{"all20match,stalled", twenty(true), stream(128, 64, 400*ms)},
		{"4of20match,stalled", few, stream(128, 64, 400*ms)},
		{"none", slo.Set{}, stream(128, 0, 0)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			j := slo.New(slo.Config{Set: bb.set, Next: exchangetest.Nowhere{}})
			b.ReportAllocs()
			for b.Loop() {
				j.Observe(bb.r)
			}
		})
	}
}
