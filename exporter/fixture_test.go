package exporter_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const ms = time.Millisecond

// streamed is a chat stream of four content chunks with 1, 2, 2 and 5 tokens, at
// 100, 140, 150 and 200 ms.
func streamed() exchange.Record {
	r := exchange.Record{
		Origin: exchange.App, Role: exchange.Client, Dialect: "openai-chat", Operation: exchange.Chat, Provider: "openai",
		Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443},
		Stream:   true, Status: 200, Outcome: exchange.OK,
		Timing: exchange.Timing{FirstChunk: 90 * ms, FirstToken: 100 * ms, LastToken: 200 * ms, End: 210 * ms},
		Usage: exchange.Usage{
			Input: exchange.Known(20), Output: exchange.Known(12), Streamed: exchange.Known(10),
			Reasoning: exchange.Known(2), CacheRead: exchange.Known(0), Source: exchange.Reported,
		},
		Clocks: exchange.Clocks{
			Upstream: exchange.Clock{Sum: 190 * ms, Longest: 45 * ms},
			Client:   exchange.Clock{Sum: 9 * ms, Longest: 8 * ms},
		},
	}
	for _, c := range []exchange.Chunk{{At: 100 * ms, Tokens: 1}, {At: 140 * ms, Tokens: 2}, {At: 150 * ms, Tokens: 2}, {At: 200 * ms, Tokens: 5}} {
		r.Chunks.Add(c)
	}
	return r
}

// with returns streamed as change made it.
func with(change func(*exchange.Record)) exchange.Record {
	r := streamed()
	change(&r)
	return r
}

// empty is streamed without a token, as change made it.
func empty(change func(*exchange.Record)) exchange.Record {
	return with(func(r *exchange.Record) {
		r.Timing.FirstToken, r.Timing.LastToken, r.Chunks = 0, 0, exchange.Chunks{}
		change(r)
	})
}

type sample = exporter.Sample

func one(v float64, labels ...string) sample {
	s := sample{Value: v, Count: 1}
	copy(s.Extra[:], labels)
	return s
}

// checkDraws fails the test unless in draws these samples from r.
func checkDraws(t *testing.T, in *exporter.Instrument, r exchange.Record, want []sample) {
	t.Helper()
	var reading exporter.Reading
	var got exporter.Samples
	reading.Fill(r, exporter.NewNames(1, 64))
	in.Draw(&reading, &got)
	if !slices.Equal(got, want) {
		t.Errorf("%s draws %v, want %v", in.Name, got, want)
	}
}

// checkDrawsOfChain fails the test unless in draws these samples from c.
func checkDrawsOfChain(t *testing.T, in *exporter.Instrument, c exchange.Chain, want []sample) {
	t.Helper()
	var reading exporter.ChainReading
	var got exporter.Samples
	reading.Fill(c, exporter.NewNames(1, 64))
	in.DrawChain(&reading, &got)
	if !slices.Equal(got, want) {
		t.Errorf("%s draws %v from the chain, want %v", in.Name, got, want)
	}
}
