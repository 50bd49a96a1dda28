package capture_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter/capture"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
	"github.com/headway-sidecar/headway/proxy/exchange/golden"
)

const ms = time.Millisecond

// chat is a stream of three content chunks with 1, 1 and 4 tokens.
func chat() exchange.Record {
	r := exchange.Record{
		Start:  time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.UTC),
		Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit,
		Dialect: "openai-chat", Operation: exchange.Chat, Provider: "openai",
		Model:    exchange.Model{Request: "gpt-4o-mini", Response: "gpt-4o-mini-2024-07-18"},
		Upstream: exchange.Upstream{Host: "api.openai.com", Port: 443},
		Stream:   true, Status: 200, Outcome: exchange.OK, FinishReasons: []string{"stop"},
		ArrivalClock: exchange.KernelClock,
		Timing: exchange.Timing{
			ResponseHead: 180 * ms, FirstChunk: 181 * ms, FirstEvent: 182 * ms, FirstToken: 214 * ms,
			LastToken: 260*ms + 123*time.Microsecond, LastChunk: 2510*ms + 7, End: 2510*ms + 7,
		},
		Events: 6,
		Usage: exchange.Usage{
			Input: exchange.Known(212), Output: exchange.Known(6), CacheRead: exchange.Known(0), Streamed: exchange.Known(6),
			Source: exchange.Reported,
		},
		Clocks: exchange.Clocks{
			Upstream: exchange.Clock{Sum: 2490 * ms}, Proxy: exchange.Clock{Sum: 2 * ms}, Client: exchange.Clock{Sum: 10 * ms},
		},
		Bytes: exchange.Bytes{In: 1834, Out: 24110},
	}
	for _, c := range []exchange.Chunk{{At: 214 * ms, Tokens: 1}, {At: 232 * ms, Tokens: 1}, {At: 260 * ms, Tokens: 4}} {
		r.Chunks.Add(c)
	}
	return r
}

// left is chat as its client left it, with the first two chunks in its kernel.
func left() exchange.Record {
	r := chat()
	r.Outcome, r.ErrorType, r.FinishReasons = exchange.ClientGone, exchange.ErrCanceled, nil
	r.Usage.Delivered, r.Usage.Source = exchange.Known(2), exchange.Running
	return r
}

// estimated is left, of a provider that had reported nothing by then.
func estimated() exchange.Record {
	r := left()
	r.Usage.CacheRead, r.Usage.Source, r.Usage.InputSource = exchange.Count{}, exchange.Estimated, exchange.Estimated
	r.Usage.InputMargin, r.Usage.OutputMargin = 9, 1
	return r
}

func traced() exchange.Record {
	r := chat()
	r.Trace = exchange.Trace{TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7"}
	r.Notes = []string{"usage_after_finish"}
	r.RateLimits = []exchange.RateLimit{
		{Kind: "tokens", Limit: exchange.Known(30000), Remaining: exchange.Known(120), Reset: 41 * time.Second},
		{Kind: "requests", Remaining: exchange.Known(0)},
	}
	return r
}

// uncached is chat whose prompt missed the cache, though the client changed nothing.
func uncached() exchange.Record {
	r := chat()
	r.Prefix = exchange.Prefix{Missed: exchange.SamePrefix, Lost: 2048}
	return r
}

func refused() exchange.Record {
	r := chat()
	r.Start = r.Start.Add(time.Second)
	r.Stream, r.Status, r.Outcome, r.ErrorType, r.FinishReasons = false, 429, exchange.Refused, "429", nil
	r.Model.Response = ""
	r.Usage, r.Chunks, r.Events = exchange.Usage{}, exchange.Chunks{}, 0
	r.Timing = exchange.Timing{ResponseHead: 34 * ms, FirstChunk: 35 * ms, LastChunk: 35 * ms, End: 35 * ms}
	r.Clocks = exchange.Clocks{Upstream: exchange.Clock{Sum: 34 * ms}}
	r.Bytes.Out = 92
	return r
}

// unconnected is an exchange of no known dialect whose upstream is down.
func unconnected() exchange.Record {
	return exchange.Record{
		Start: chat().Start, Origin: exchange.App, Role: exchange.Client, Mode: exchange.Explicit,
		Upstream: exchange.Upstream{Host: "::1", Port: 8000}, Status: 502, Outcome: exchange.ConnectError,
		ErrorType: exchange.ErrConnection, Timing: exchange.Timing{End: 400 * time.Microsecond},
	}
}

// unread is an exchange that went well and that nobody read.
func unread() exchange.Record {
	r := unconnected()
	r.PathClass, r.Unread, r.Status, r.Outcome, r.ErrorType = "/v1/files/{}/content", true, 200, exchange.OK, ""
	return r
}

// odd has a name that neither JSON nor people expect.
func odd() exchange.Record {
	r := refused()
	r.Model.Request = "a\"b\\c\n<\xff>é"
	return r
}

func TestLinesAreTheGoldenOnes(t *testing.T) {
	var got bytes.Buffer
	out := json.NewEncoder(&got)
	out.SetEscapeHTML(false)
	for _, r := range []exchange.Record{chat(), traced(), refused(), unconnected(), unread(), odd(), judged(), kept(), dropped(), left(), estimated(), exchangetest.Uncached(chat()), uncached(), limited()} {
		if err := out.Encode(capture.NewLine(r)); err != nil {
			t.Fatal(err)
		}
	}
	golden.Check(t, "testdata/lines.jsonl", got.String())
}

// judged is chat, which one SLO found bad for two reasons and another good.
func judged() exchange.Record {
	r := chat()
	r.Verdicts = []exchange.Verdict{
		{SLO: "interactive", Missed: exchange.Misses(0).With(exchange.TTFT).With(exchange.ITLP99)},
		{SLO: "available", Good: true},
	}
	return r
}

// kept is traced by a span that is kept. Its server told the engine's times.
func kept() exchange.Record {
	r := traced()
	r.Engine = exchange.Engine{Queue: exchange.Took(12300 * time.Microsecond), Prefill: exchange.Took(85 * ms), Decode: exchange.Took(2310 * ms)}
	r.Span = exchange.Span{Trace: exchange.TraceID{0x4b, 15: 1}, ID: exchange.SpanID{0xa0, 7: 2}}
	r.Sampling = exchange.Sampling{Kept: true, Reason: "ratio", Weighted: true}
	return r
}

// dropped is kept without its trace being kept, from a server without a queue.
func dropped() exchange.Record {
	r := kept()
	r.Engine.Queue = exchange.Phase{}
	r.Sampling = exchange.Sampling{}
	return r
}

// A server whose queue is empty reports 0, which is not the same as no report.
func TestAReportedWaitOfZeroIsPrinted(t *testing.T) {
	r := kept()
	r.Engine.Queue = exchange.Took(0)
	line, err := json.Marshal(capture.NewLine(r))
	if err != nil || !strings.Contains(string(line), `"engine_s":{"queue":0,"prefill":0.085,"decode":2.31}`) {
		t.Errorf("%s %v", line, err)
	}
}

// A quantile is the smallest wait that a share of the tokens did not exceed.
func TestITLWeighsByTokens(t *testing.T) {
	r := chat()
	r.Chunks, r.Usage = exchange.Chunks{}, exchange.Usage{}
	at := 100 * ms
	r.Chunks.Add(exchange.Chunk{At: at, Tokens: 1})
	for _, gap := range []exchange.Chunk{{At: 30 * ms, Tokens: 1}, {At: 40 * ms, Tokens: 8}, {At: 10 * ms, Tokens: 1}} {
		at += gap.At
		r.Chunks.Add(exchange.Chunk{At: at, Tokens: gap.Tokens})
	}
	// Ten tokens: eight waited 5 ms each, one 10 ms, one 30 ms.
	want := capture.ITL{P50: .005, P90: .010, P99: .030, Max: .030}
	if got := capture.NewLine(r).ITL; got == nil || *got != want {
		t.Errorf("ITL %v, want %v", got, want)
	}
}

func TestLineLeavesOutWhatIsNotKnown(t *testing.T) {
	tests := []struct {
		name   string
		in     exchange.Record
		absent []string
	}{
		{"a response in one piece", refused(), []string{"ttft_s", "tpot_s", "itl_s", "chunks", "content_chunks", "tokens", "finish_reasons"}},
		{"an upstream that is down", unconnected(), []string{"dialect", "operation", "provider", "model", "wait_s", "first_byte_s", "trace_id", "ratelimit", "notes"}},
		{"usage told in part", chat(), []string{"cache_write", "reasoning"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(capture.NewLine(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range tt.absent {
				if strings.Contains(string(text), `"`+key+`":`) {
					t.Errorf("%s is in %s", key, text)
				}
			}
		})
	}
}

// A stream without a burst has a ratio of 0, and one that is too short has none.
func TestABurstRatioOfZeroIsPrinted(t *testing.T) {
	r := chat()
	r.Bursts = exchange.Bursts{Chunks: 0, Of: 12}
	line, err := json.Marshal(capture.NewLine(r))
	if err != nil || !strings.Contains(string(line), `"burst_ratio":0,`) {
		t.Errorf("%s %v", line, err)
	}
	r.Bursts = exchange.Bursts{}
	if line, err = json.Marshal(capture.NewLine(r)); err != nil || strings.Contains(string(line), "burst_ratio") {
		t.Errorf("%s %v", line, err)
	}
}

func BenchmarkLine(b *testing.B) {
	r := chat()
	r.Chunks = exchange.Chunks{}
	for i := range 128 {
		r.Chunks.Add(exchange.Chunk{At: 100*ms + time.Duration(i)*18*ms + time.Duration(i*i%997)*time.Microsecond, Tokens: 1})
	}
	for name, r := range map[string]exchange.Record{"stream128": r, "plain": refused()} {
		b.Run(name, func(b *testing.B) {
			var out bytes.Buffer
			encoder := json.NewEncoder(&out)
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				if err := encoder.Encode(capture.NewLine(r)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A client's own timeouts measure the waits for any byte: before the head, inside the
// body, and up to the end of an exchange that came to nothing.
func TestLinesSayHowLongNoByteCame(t *testing.T) {
	with := func(change func(r *exchange.Record)) exchange.Record {
		r := chat()
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name string
		in   exchange.Record
		want capture.Idle
	}{
		{"an answer that ends with its last byte", chat(), capture.Idle{Head: .18, Body: .001}},
		{"a pause that a ping ends", with(func(r *exchange.Record) { r.Clocks.Upstream.Longest = 2 * time.Second }), capture.Idle{Head: .18, Body: 2}},
		{"a long time from the head to the first byte", with(func(r *exchange.Record) { r.Timing.FirstChunk = 1180 * ms }), capture.Idle{Head: .18, Body: 1}},
		{"a client that leaves a silent stream", with(func(r *exchange.Record) {
			r.Outcome, r.Timing.LastChunk, r.Clocks.Upstream.Longest = exchange.ClientGone, 510*ms+7, 2*time.Second
		}), capture.Idle{Head: .18, Body: 2, End: 2}},
		{"a head without a body", with(func(r *exchange.Record) {
			r.Outcome, r.Timing.FirstChunk, r.Timing.LastChunk = exchange.ClientGone, 0, 0
		}), capture.Idle{Head: .18, Body: 2.330000007, End: 2.330000007}},
		{"no head", with(func(r *exchange.Record) {
			r.Outcome, r.Timing = exchange.ClientGone, exchange.Timing{End: 5 * time.Second}
		}), capture.Idle{End: 5}},
	} {
		if got := capture.NewLine(tt.in).Idle; got == nil || *got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	sealed := chat()
	sealed.Mode = exchange.Sealed
	if got := capture.NewLine(sealed).Idle; got != nil {
		t.Errorf("of a connection that headway did not read: %+v", got)
	}
}
