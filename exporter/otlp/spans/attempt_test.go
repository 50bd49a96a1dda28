package spans_test

import (
	"reflect"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/otlp/spans"
	"github.com/headway-sidecar/headway/proxy/exchange"
)

const (
	ownTrace    = "01020300000000000000000000000004"
	ownSpan     = "0506000000000007"
	clientTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpan  = "00f067aa0ba902b7"
)

// plainSpan is the span of plain.
func plainSpan() span {
	return span{
		name: "chat gpt-4o-mini", kind: ptrace.SpanKindClient, id: ownSpan, trace: ownTrace, flags: 0x101, state: "ot=th:f33333",
		end: 700 * time.Millisecond,
		attrs: map[string]any{
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
			"gen_ai.request.model": "gpt-4o-mini", "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
			"gen_ai.response.finish_reasons": []any{"stop"},
			"gen_ai.usage.input_tokens":      int64(212), "gen_ai.usage.output_tokens": int64(128),
			"gen_ai.usage.cache_read.input_tokens": int64(0),
			"server.address":                       "api.openai.com", "server.port": int64(443), "http.response.status_code": int64(200),
			"headway.origin": "app", "headway.mode": "explicit", "headway.dialect": "openai-chat", "headway.outcome": "ok",
			"headway.usage.source": "reported", "headway.sampling.reason": "ratio",
			"headway.arrival.clock": "process", "headway.wait.upstream": 0.178, "headway.wait.proxy": 0.001,
		},
	}
}

// traced is r from a client with a trace of its own.
func traced(r exchange.Record) exchange.Record {
	r.Trace = exchange.Trace{TraceID: clientTrace, SpanID: clientSpan, Sampled: true}
	r.Span.Trace = exchange.TraceID{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36}
	return r
}

func TestAnExchangeBecomesASpan(t *testing.T) {
	for _, c := range []struct {
		name   string
		record func(*exchange.Record)
		want   func(*span)
	}{
		{"plain", func(*exchange.Record) {}, func(*span) {}},
		{"beside the model server", func(r *exchange.Record) { r.Role = exchange.Server }, func(s *span) { s.kind = ptrace.SpanKindServer }},
		{"a canary", func(r *exchange.Record) { r.Origin, r.Probe = exchange.Canary, "chat-short" }, func(s *span) {
			s.attrs["headway.origin"], s.attrs["headway.probe"] = "canary", "chat-short"
		}},
		{"by the kernel's stamps", func(r *exchange.Record) { r.ArrivalClock = exchange.KernelClock }, func(s *span) { s.attrs["headway.arrival.clock"] = "kernel" }},
		{"without a model", func(r *exchange.Record) { r.Model = exchange.Model{} }, func(s *span) {
			s.name = "chat"
			delete(s.attrs, "gen_ai.request.model")
			delete(s.attrs, "gen_ai.response.model")
		}},
		{"of no dialect", func(r *exchange.Record) {
			*r = exchange.Record{
				Start: r.Start, Role: exchange.Client, Outcome: exchange.OK, Upstream: exchange.Upstream{Host: "example.com"},
				Span: r.Span, Sampling: exchange.Sampling{Kept: true}, Timing: exchange.Timing{End: time.Second},
			}
		}, func(s *span) {
			s.name, s.state, s.end = "exchange example.com", "", time.Second
			s.attrs = map[string]any{"server.address": "example.com", "headway.outcome": "ok", "headway.arrival.clock": "process"}
		}},
		{"with the client's context", func(r *exchange.Record) { *r = traced(*r) }, func(s *span) {
			s.trace, s.parent, s.flags = clientTrace, clientSpan, 0x301
		}},
		{"with another trace than the client's", func(r *exchange.Record) {
			*r = traced(*r)
			r.Span.Trace = exchange.TraceID{9}
		}, func(s *span) { s.trace = "09000000000000000000000000000000" }},
		{"with a context that is none", func(r *exchange.Record) {
			r.Trace = exchange.Trace{TraceID: ownTrace, SpanID: "not a span id!!!"}
		}, func(*span) {}},
		{"turned away", func(r *exchange.Record) {
			r.Status, r.Outcome, r.ErrorType, r.FinishReasons, r.Usage = 429, exchange.Refused, "429", nil, exchange.Usage{}
			r.Attempt.Outcome, r.Sampling.Reason = exchange.Exhausted, "error"
		}, func(s *span) {
			s.status = "Error: refused"
			for _, key := range []string{"gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cache_read.input_tokens", "headway.usage.source"} {
				delete(s.attrs, key)
			}
			s.attrs["http.response.status_code"], s.attrs["error.type"] = int64(429), "429"
			s.attrs["headway.outcome"], s.attrs["headway.sampling.reason"] = "refused", "error"
			s.attrs["headway.chain.id"], s.attrs["headway.chain.attempt"], s.attrs["headway.chain.outcome"] = "0000000000000007", int64(1), "exhausted"
		}},
		{"left by its client", func(r *exchange.Record) {
			r.Outcome, r.ErrorType = exchange.ClientGone, exchange.ErrCanceled
		}, func(s *span) { s.attrs["headway.outcome"], s.attrs["error.type"] = "client_gone", "canceled" }},
		{"judged and good", func(r *exchange.Record) {
			r.Verdicts = []exchange.Verdict{{SLO: "chat", Good: true}}
		}, func(s *span) { s.attrs["headway.slo.good"] = true }},
		{"judged and bad", func(r *exchange.Record) {
			r.Verdicts = []exchange.Verdict{
				{SLO: "chat", Missed: exchange.Misses(0).With(exchange.TTFT).With(exchange.E2E)}, {SLO: "all", Good: true},
			}
		}, func(s *span) {
			s.attrs["headway.slo.good"], s.attrs["headway.slo.missed"] = false, []any{"chat:ttft", "chat:e2e"}
		}},
		{"with all counts and notes", func(r *exchange.Record) {
			r.Usage.CacheWrite, r.Usage.Reasoning, r.Notes = exchange.Known(3), exchange.Known(4), []string{"usage_after_finish"}
		}, func(s *span) {
			s.attrs["gen_ai.usage.cache_creation.input_tokens"], s.attrs["gen_ai.usage.reasoning.output_tokens"] = int64(3), int64(4)
			s.attrs["headway.notes"] = []any{"usage_after_finish"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, want := plain(), plainSpan()
			c.record(&r)
			c.want(&want)
			got := readAll(observed(t, r))
			if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// quick is a stream of three chunks.
func quick() exchange.Record {
	r := plain()
	r.Stream = true
	for i, at := range []time.Duration{214_040 * time.Microsecond, 232_390 * time.Microsecond, 250_300 * time.Microsecond} {
		r.Chunks.Add(exchange.Chunk{At: at, Tokens: i + 1})
	}
	r.Timing.FirstToken, r.Timing.LastToken, r.Timing.End = 214_040*time.Microsecond, 250_300*time.Microsecond, 251*time.Millisecond
	r.Usage.Streamed = exchange.Known(6)
	r.Clocks.Upstream.Longest, r.Clocks.Client.Longest = 18*time.Millisecond, 19*time.Millisecond
	return r
}

// quickSpan is the span of quick.
func quickSpan() span {
	s := plainSpan()
	s.end = 251 * time.Millisecond
	for key, v := range map[string]any{
		"gen_ai.request.stream": true, "gen_ai.response.time_to_first_chunk": 0.21404, "headway.time_per_output_token": 0.007252,
		"headway.stall.longest": 0.019, "headway.stall.by": "client",
		"headway.content_chunks": int64(3), "headway.token_offsets_ms": "214 18.4 17.9",
	} {
		s.attrs[key] = v
	}
	s.events = []happening{{"headway.first_token", 214_040 * time.Microsecond, map[string]any{}}}
	return s
}

func TestAStreamHasItsTokenTimes(t *testing.T) {
	for _, c := range []struct {
		name   string
		record func(*exchange.Record)
		want   func(*span)
	}{
		{"to its end", func(*exchange.Record) {}, func(*span) {}},
		{"whose client left", func(r *exchange.Record) { r.Usage.Delivered = exchange.Known(2) }, func(s *span) {
			s.attrs["headway.usage.delivered_tokens"] = int64(2)
		}},
		{"whose input is an estimate", func(r *exchange.Record) { r.Usage.Source, r.Usage.InputSource = exchange.Counted, exchange.Estimated }, func(s *span) {
			s.attrs["headway.usage.source"], s.attrs["headway.usage.input_source"] = "counted", "estimated"
		}},
		{"that stalled", func(r *exchange.Record) {
			r.Chunks.Add(exchange.Chunk{At: 1750_300 * time.Microsecond, Tokens: 1})
			r.Timing.LastToken, r.Timing.End, r.Usage.Streamed = 1750_300*time.Microsecond, 1751*time.Millisecond, exchange.Count{}
			r.Clocks.Upstream.Longest = 1500 * time.Millisecond
		}, func(s *span) {
			s.end = 1751 * time.Millisecond
			delete(s.attrs, "headway.time_per_output_token")
			s.attrs["headway.content_chunks"], s.attrs["headway.token_offsets_ms"] = int64(4), "214 18.4 17.9 1500"
			s.attrs["headway.stall.longest"], s.attrs["headway.stall.by"] = 1.5, "upstream"
			s.events = append(s.events, happening{"headway.stall", 250_300 * time.Microsecond, map[string]any{
				"headway.stall.duration": 1.5, "headway.stall.by": "upstream",
			}})
		}},
		{"that failed inside, before a silence", func(r *exchange.Record) {
			r.Outcome, r.ErrorType, r.Timing.End = exchange.StreamError, exchange.ErrUpstreamEvent, 3250_300*time.Microsecond
			r.Timing.Failed = 240 * time.Millisecond
			r.Clocks.Upstream.Longest = 3 * time.Second
		}, func(s *span) {
			s.end, s.status = 3250_300*time.Microsecond, "Error: stream_error"
			s.attrs["headway.outcome"], s.attrs["error.type"] = "stream_error", "upstream_error_event"
			s.attrs["headway.stall.longest"], s.attrs["headway.stall.by"] = 3.0, "upstream"
			s.events = append(s.events,
				happening{"headway.stream_error", 240 * time.Millisecond, map[string]any{"error.type": "upstream_error_event"}},
				happening{"headway.stall", 250_300 * time.Microsecond, map[string]any{"headway.stall.duration": 3.0, "headway.stall.by": "upstream"}})
		}},
		{"that failed inside, after a silence", func(r *exchange.Record) {
			r.Outcome, r.ErrorType, r.Timing.End = exchange.StreamError, exchange.ErrUpstreamEvent, 3250_300*time.Microsecond
			r.Clocks.Upstream.Longest = 3 * time.Second
		}, func(s *span) {
			s.end, s.status = 3250_300*time.Microsecond, "Error: stream_error"
			s.attrs["headway.outcome"], s.attrs["error.type"] = "stream_error", "upstream_error_event"
			s.attrs["headway.stall.longest"], s.attrs["headway.stall.by"] = 3.0, "upstream"
			s.events = append(s.events,
				happening{"headway.stall", 250_300 * time.Microsecond, map[string]any{"headway.stall.duration": 3.0, "headway.stall.by": "upstream"}},
				happening{"headway.stream_error", 3250_300 * time.Microsecond, map[string]any{"error.type": "upstream_error_event"}})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, want := quick(), quickSpan()
			c.record(&r)
			c.want(&want)
			got := readAll(observed(t, r))
			if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestCacheWritesAreNamedByVersion(t *testing.T) {
	const creation, write = "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens"
	r := plain()
	r.Usage.CacheWrite = exchange.Known(5)
	for v, want := range map[exporter.SemConv][]string{exporter.V141: {creation}, exporter.V01: {write}, exporter.Dup: {creation, write}} {
		got := built(t, spans.Config{SemConv: v}, func(b *spans.Builder) { b.Observe(r) })[0].Attributes()
		n := 0
		for _, key := range []string{creation, write} {
			if _, has := got.Get(key); has {
				n++
			}
		}
		for _, key := range want {
			if v, has := got.Get(key); !has || v.Int() != 5 {
				t.Errorf("%v: no %s", v, key)
			}
		}
		if n != len(want) {
			t.Errorf("%v: %d names, want %v", v, n, want)
		}
	}
}

func TestEngineTimesAreChildSpans(t *testing.T) {
	const ms = time.Millisecond
	type child struct {
		name       string
		start, end time.Duration
		placed     string
		told       float64
	}
	for _, c := range []struct {
		name   string
		stream bool
		engine exchange.Engine
		want   []child
	}{
		{"of a stream", true, exchange.Engine{Queue: exchange.Took(20 * ms), Prefill: exchange.Took(50 * ms), Decode: exchange.Took(36 * ms)}, []child{
			{"queue", 144_040 * time.Microsecond, 164_040 * time.Microsecond, "first_token", 0.02},
			{"prefill", 164_040 * time.Microsecond, 214_040 * time.Microsecond, "first_token", 0.05},
			{"decode", 214_300 * time.Microsecond, 250_300 * time.Microsecond, "last_token", 0.036},
		}},
		{"longer than the exchange", true, exchange.Engine{Prefill: exchange.Took(300 * ms), Queue: exchange.Took(time.Second)}, []child{
			{"queue", 0, 0, "first_token", 1}, {"prefill", 0, 214_040 * time.Microsecond, "first_token", 0.3},
		}},
		{"without a wait", true, exchange.Engine{Queue: exchange.Took(0), Prefill: exchange.Took(50 * ms)}, []child{
			{"queue", 164_040 * time.Microsecond, 164_040 * time.Microsecond, "first_token", 0}, {"prefill", 164_040 * time.Microsecond, 214_040 * time.Microsecond, "first_token", 0.05},
		}},
		{"without a prefill", true, exchange.Engine{Queue: exchange.Took(20 * ms)}, []child{{"queue", 2 * ms, 22 * ms, "request_written", 0.02}}},
		{"of a response in one piece", false, exchange.Engine{Queue: exchange.Took(10 * ms), Prefill: exchange.Took(30 * ms), Decode: exchange.Took(100 * ms)}, []child{
			{"queue", 41 * ms, 51 * ms, "response", 0.01}, {"prefill", 51 * ms, 81 * ms, "response", 0.03}, {"decode", 81 * ms, 181 * ms, "response", 0.1},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := plain()
			if c.stream {
				r = quick()
			}
			r.Engine = c.engine
			all := readAll(observed(t, r))
			if len(all) != 1+len(c.want) {
				t.Fatalf("%d spans", len(all))
			}
			for i, got := range all[1:] {
				want := c.want[i]
				if got.name != want.name || got.start != want.start || got.end != want.end || got.attrs["headway.engine.placed"] != want.placed || got.attrs["headway.engine.duration"] != want.told {
					t.Errorf("got %+v, want %+v", got, want)
				}
				if got.parent != all[0].id || got.trace != all[0].trace || got.kind != ptrace.SpanKindInternal || got.flags != 0x101 || got.state != all[0].state || len(got.id) != 16 {
					t.Errorf("%s is not a child of its exchange: %+v", got.name, got)
				}
			}
		})
	}
}
