package exporter_test

import (
	"slices"
	"testing"
	"time"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/proxy/exchange"
	"github.com/headway-sidecar/headway/proxy/exchange/exchangetest"
)

func TestInstrumentsDraw(t *testing.T) {
	known := exchange.Known
	refused := with(func(r *exchange.Record) {
		*r = exchange.Record{Operation: exchange.Chat, Outcome: exchange.Refused, ErrorType: "429", Timing: exchange.Timing{End: 30 * ms}}
	})
	tests := []struct {
		name       string
		instrument string
		in         exchange.Record
		want       []sample
	}{
		{"E2E to the last byte", "gen_ai.client.operation.duration", streamed(), []sample{one(.21, "")}},
		{"E2E of a failure with its type", "gen_ai.client.operation.duration", refused, []sample{one(.03, "429")}},
		{"TTFT from the first token, not the first byte", "gen_ai.client.operation.time_to_first_chunk", streamed(), []sample{one(.1)}},
		{"no TTFT where no token came", "gen_ai.client.operation.time_to_first_chunk", refused, nil},
		{
			"no TTFT of a response in one piece", "gen_ai.client.operation.time_to_first_chunk",
			with(func(r *exchange.Record) { r.Stream = false }), nil,
		},
		{
			"TTFT of a client that left later", "gen_ai.client.operation.time_to_first_chunk",
			with(func(r *exchange.Record) { r.Outcome = exchange.ClientGone }), []sample{one(.1)},
		},
		{
			"the server's TTFT of successes only", "gen_ai.server.time_to_first_token",
			with(func(r *exchange.Record) { r.Outcome = exchange.UpstreamCut }), nil,
		},
		{"gaps between chunks", "gen_ai.client.operation.time_per_output_chunk", streamed(), []sample{one(.04), one(.01), one(.05)}},
		{
			"equal gaps as one sample", "gen_ai.client.operation.time_per_output_chunk",
			with(func(r *exchange.Record) {
				r.Chunks = exchange.Chunks{}
				for i := range 4 {
					r.Chunks.Add(exchange.Chunk{At: 100*ms + time.Duration(i)*20*ms, Tokens: 1})
				}
			}),
			[]sample{{Value: .02, Count: 3}},
		},
		{
			"a gap of n tokens as n samples of a n-th", "headway.inter_token_latency", streamed(),
			[]sample{{Value: .02, Count: 2}, {Value: .005, Count: 2}, {Value: .01, Count: 5}},
		},
		{"tokens of each chunk but the first", "headway.tokens_per_chunk", streamed(), []sample{{Value: 2, Count: 2}, one(5)}},
		{
			"no tokens per chunk where none were told", "headway.tokens_per_chunk",
			with(func(r *exchange.Record) {
				r.Usage = exchange.Usage{}
				r.Chunks = exchange.Chunks{}
				r.Chunks.Add(exchange.Chunk{At: 100 * ms, Bytes: 4})
				r.Chunks.Add(exchange.Chunk{At: 110 * ms, Bytes: 4})
			}), nil,
		},
		{"TPOT over the tokens after the first", "headway.time_per_output_token", streamed(), []sample{one(.011111111)}},
		{
			"no TPOT of a single token", "headway.time_per_output_token",
			with(func(r *exchange.Record) { r.Usage.Streamed = known(1) }), nil,
		},
		{"usage that was reported", "gen_ai.client.token.usage", streamed(), []sample{one(20, "input"), one(12, "output")}},
		{
			"no usage that was estimated", "gen_ai.client.token.usage",
			with(func(r *exchange.Record) { r.Usage.Source = exchange.Estimated }), nil,
		},
		{
			"tokens that are known, with their source", "headway.tokens",
			with(func(r *exchange.Record) { r.Usage.Source = exchange.Running }),
			[]sample{one(20, "input", "running"), one(12, "output", "running"), one(0, "cache_read", "running"), one(2, "reasoning", "running")},
		},
		{
			"estimated output beside an input that came", "headway.tokens",
			with(func(r *exchange.Record) { r.Usage.Source, r.Usage.InputSource = exchange.Estimated, exchange.Running }),
			[]sample{one(20, "input", "running"), one(12, "output", "estimated"), one(0, "cache_read", "running"), one(2, "reasoning", "estimated")},
		},
		{"a prompt that missed the cache", "headway.prompt_cache.tokens", streamed(), []sample{one(0, "hit"), one(20, "reported")}},
		{
			"a prompt of which the cache had a part", "headway.prompt_cache.tokens",
			with(func(r *exchange.Record) { r.Usage.CacheRead = known(16) }), []sample{one(16, "hit"), one(20, "reported")},
		},
		{
			"a prompt with more cached tokens than tokens", "headway.prompt_cache.tokens",
			with(func(r *exchange.Record) { r.Usage.CacheRead = known(21) }), []sample{one(20, "hit"), one(20, "reported")},
		},
		{
			"a prompt of a provider that tells of no cache", "headway.prompt_cache.tokens",
			with(func(r *exchange.Record) { r.Usage.CacheRead = exchange.Count{} }), nil,
		},
		{
			"cached tokens of an unknown prompt", "headway.prompt_cache.tokens",
			with(func(r *exchange.Record) { r.Usage.Input = exchange.Count{} }), nil,
		},
		{
			"a prompt whose client changed a message", "headway.prompt_cache.misses",
			exchangetest.Uncached(streamed()), []sample{one(1, "prefix_changed", "message")},
		},
		{
			"a prompt that the cache missed", "headway.prompt_cache.misses",
			with(func(r *exchange.Record) { r.Prefix.Missed = exchange.SamePrefix }), []sample{one(1, "same_prefix", "none")},
		},
		{"a prompt that met its cache", "headway.prompt_cache.misses", streamed(), nil},
		{"the tokens that a miss lost", "headway.prompt_cache.lost_tokens", exchangetest.Uncached(streamed()), []sample{one(128, "prefix_changed")}},
		{"nothing lost", "headway.prompt_cache.lost_tokens", streamed(), nil},
		{"tokens to a client that stayed", "headway.tokens.delivered", streamed(), []sample{one(10, "delivered"), one(0, "undelivered")}},
		{
			"tokens to a client that left", "headway.tokens.delivered",
			with(func(r *exchange.Record) { r.Outcome, r.Usage.Delivered = exchange.ClientGone, known(7) }),
			[]sample{one(7, "delivered"), one(3, "undelivered")},
		},
		{
			"tokens to a client that left, nobody knows with how many", "headway.tokens.delivered",
			with(func(r *exchange.Record) { r.Outcome = exchange.ClientGone }), nil,
		},
		{
			"tokens that nobody counted", "headway.tokens.delivered",
			with(func(r *exchange.Record) { r.Usage.Streamed = exchange.Count{} }), nil,
		},
		{"tokens of an answer in one piece", "headway.tokens.delivered", with(func(r *exchange.Record) { r.Stream = false }), nil},
		{"no tokens of unknown usage", "headway.tokens", refused, nil},
		{"a request that succeeded", "headway.requests", streamed(), []sample{one(1, "true", "ok", "")}},
		{"a request that was refused", "headway.requests", refused, []sample{one(1, "false", "refused", "429")}},
		{"a stream that was read", "headway.unread.requests", streamed(), nil},
		{
			"a response that nobody read", "headway.unread.requests",
			with(func(r *exchange.Record) { r.PathClass, r.Unread = "/v1/files/{}", true }), []sample{one(1, "/v1/files/{}", "delivered")},
		},
		{
			"an error that nobody read", "headway.unread.requests",
			with(func(r *exchange.Record) { r.PathClass, r.Unread, r.Outcome = "/v1/files/{}", true, exchange.HTTPError }), []sample{one(1, "/v1/files/{}", "http_error")},
		},
		{"a first token", "headway.no_first_token", streamed(), nil},
		{"no first token of a refused request", "headway.no_first_token", refused, []sample{one(1, "refused")}},
		{
			"no first token of a client that left before", "headway.no_first_token",
			empty(func(r *exchange.Record) { r.Outcome = exchange.ClientGone }), []sample{one(1, "client_gone")},
		},
		{
			"no first token of an empty stream", "headway.no_first_token",
			empty(func(*exchange.Record) {}), []sample{one(1, "empty")},
		},
		{
			"content of a replay, which has no first token", "headway.no_first_token",
			empty(func(r *exchange.Record) { r.Chunks.Count = 3 }), nil,
		},
		{
			"no first token expected of a response in one piece", "headway.no_first_token",
			empty(func(r *exchange.Record) { r.Stream = false }), nil,
		},
		{
			"no first token expected of embeddings", "headway.no_first_token",
			empty(func(r *exchange.Record) { r.Operation = exchange.Embeddings }), nil,
		},
		{"stalls of each side", "headway.stall", streamed(), []sample{one(.045, "upstream"), one(0, "proxy"), one(.008, "client")}},
		{"no stall without a stream", "headway.stall", refused, nil},
		{
			"overhead of the phases there were", "headway.proxy.overhead",
			with(func(r *exchange.Record) { r.Overhead = exchange.Overhead{Request: ms, Chunk: 2 * ms} }),
			[]sample{one(.001, "request"), one(.002, "chunk")},
		},
		{
			"rate limits that were told", "headway.ratelimit.limit", limited(),
			[]sample{one(30000, "tokens")},
		},
		{"what remains of rate limits", "headway.ratelimit.remaining", limited(), []sample{one(120, "tokens"), one(0, "requests")}},
		{"resets of rate limits", "headway.ratelimit.reset", limited(), []sample{one(41, "tokens")}},
		{
			"the parts of a cost", "headway.cost", exchangetest.Priced(streamed()),
			[]sample{one(.25, "USD", "input", "reported"), one(1, "USD", "output", "reported"), one(.25, "USD", "request", "counted")},
		},
		{
			"the output as billed, as it came and as it arrived", "headway.output_cost", exchangetest.Priced(streamed()),
			[]sample{one(1, "USD", "reported"), one(.75, "USD", "generated"), one(.5, "USD", "delivered")},
		},
		{"no cost without a price", "headway.cost", exchangetest.Unpriced(streamed()), nil},
		{"an exchange without a price", "headway.unpriced", exchangetest.Unpriced(streamed()), []sample{one(1, "no_price")}},
		{
			"limits of the request", "headway.request.limits", exchangetest.Limited(streamed()),
			[]sample{one(1, "ttft", "kept"), one(1, "tpot", "missed")},
		},
		{"a request that missed one of its limits", "headway.limited.requests", exchangetest.Limited(streamed()), []sample{one(1, "bad")}},
		{
			"a request that kept its limits, as far as they were judged", "headway.limited.requests",
			with(func(r *exchange.Record) {
				r.Limits = []exchange.RequestLimit{{Indicator: exchange.TTFT, Verdict: exchange.LimitKept}, {Indicator: exchange.TTFA, Verdict: exchange.LimitUnjudged}}
			}),
			[]sample{one(1, "good")},
		},
		{
			"a request whose limits nobody could judge", "headway.limited.requests",
			with(func(r *exchange.Record) {
				r.Limits = []exchange.RequestLimit{{Indicator: exchange.TTFT, Verdict: exchange.LimitUnjudged}}
			}),
			nil,
		},
		{"limits that no stage has judged", "headway.request.limits", with(func(r *exchange.Record) { r.Limits = []exchange.RequestLimit{{Indicator: exchange.TTFT}} }), nil},
		{"a request without limits", "headway.limited.requests", streamed(), nil},
		{"no complaint without a price file", "headway.unpriced", streamed(), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkDraws(t, instrument(t, tt.instrument), tt.in, tt.want)
		})
	}
}

func limited() exchange.Record {
	return with(func(r *exchange.Record) {
		r.RateLimits = []exchange.RateLimit{
			{Kind: "tokens", Limit: exchange.Known(30000), Remaining: exchange.Known(120), Reset: 41 * time.Second},
			{Kind: "requests", Remaining: exchange.Known(0)},
		}
	})
}

func TestReadingHoldsNothingOfTheExchangeBefore(t *testing.T) {
	var reading exporter.Reading
	models := exporter.NewNames(2, 64)
	reading.Fill(streamed(), models)
	if len(reading.Gaps) != 3 {
		t.Fatalf("%d gaps, want 3", len(reading.Gaps))
	}
	reading.Fill(with(func(r *exchange.Record) { r.Stream, r.Operation = false, "" }), models)
	if len(reading.Gaps) != 0 || reading.Identity.Operation != exporter.Other {
		t.Errorf("%d gaps and operation %q after an exchange of no known dialect", len(reading.Gaps), reading.Identity.Operation)
	}
}

func TestIdentitySpellsLabels(t *testing.T) {
	id := exporter.Identity{Operation: exchange.Chat, Provider: "openai", Request: "a", Response: "b", Upstream: exchange.Upstream{Host: "::1", Port: 8000}}
	unrouted := exporter.Identity{Operation: exchange.Chat, Provider: "openai", Request: "a"}
	for _, tt := range []struct {
		id     exporter.Identity
		family exporter.Family
		want   []string
	}{
		{id, exporter.GenAIClient, []string{"chat", "openai", "a", "b", "::1", "8000"}},
		{id, exporter.Traffic, []string{"chat", "a", "[::1]:8000"}},
		{id, exporter.Process, nil},
		{unrouted, exporter.GenAIClient, []string{"chat", "openai", "a", "", "", ""}},
		{unrouted, exporter.Traffic, []string{"chat", "a", ""}},
	} {
		if got := tt.id.Values(&exporter.Instrument{Family: tt.family}); !slices.Equal(got, tt.want) {
			t.Errorf("family %d of %+v: %q, want %q", tt.family, tt.id, got, tt.want)
		}
	}
}
