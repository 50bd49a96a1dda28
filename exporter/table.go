package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// Table lists every instrument, a fresh copy for each caller. A new metric is a
// row here: the backends and the metric reference follow from it.
func Table() []Instrument { //nolint:funlen // one literal, read as a table
	return []Instrument{
		{
			Name: "gen_ai.client.operation.duration", Kind: Histogram, Unit: "s",
			Help:   "E2E of an exchange, from the head of its request to the last byte of its response.",
			Bounds: durationBounds(), Zero: gapZero, Family: GenAI, Labels: []string{"error.type"}, Role: exchange.Client,
			Draw: duration,
		},
		{
			Name: "gen_ai.server.request.duration", Kind: Histogram, Unit: "s",
			Help:   "E2E of an exchange, from the head of its request to the last byte of its response.",
			Bounds: durationBounds(), Zero: gapZero, Family: GenAI, Labels: []string{"error.type"}, Role: exchange.Server,
			Draw: duration,
		},
		{
			Name: "gen_ai.client.operation.time_to_first_chunk", Kind: Histogram, Unit: "s",
			Help:   "TTFT of a stream: from the head of the request to the first chunk with generated content.",
			Bounds: ttftBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Client,
			Draw: ttft,
		},
		{
			Name: "gen_ai.server.time_to_first_token", Kind: Histogram, Unit: "s",
			Help:   "TTFT of a successful stream: from the head of the request to the first chunk with generated content.",
			Bounds: ttftBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Server,
			Draw: ok(ttft),
		},
		{
			Name: "gen_ai.client.operation.time_per_output_chunk", Kind: Histogram, Unit: "s",
			Help:   "Gap between two content chunks of a stream, one sample a gap.",
			Bounds: gapBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Client,
			Draw: chunkGaps,
		},
		{
			Name: "gen_ai.server.time_per_output_token", Kind: Histogram, Unit: "s",
			Help:   "TPOT of a successful stream: time per output token after the first, one sample an exchange.",
			Bounds: gapBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Server,
			Draw: ok(tpot),
		},
		{
			Name: "gen_ai.client.token.usage", Kind: Histogram, Unit: "{token}",
			Help:   "Tokens of an exchange as the provider reported them at its end.",
			Bounds: tokenBounds(), Zero: tokenZero, Family: GenAI, Labels: []string{"gen_ai.token.type"}, Role: exchange.Client,
			Draw: tokenUsage,
		},
		{
			Name: "headway.time_per_output_token", Kind: Histogram, Unit: "s",
			Help:   "TPOT of a stream: time per output token after the first, one sample an exchange.",
			Bounds: gapBounds(), Zero: gapZero, Family: Traffic, Role: exchange.Client,
			Draw: tpot,
		},
		{
			Name: "headway.inter_token_latency", Kind: Histogram, Unit: "s",
			Help:   "ITL weighted by tokens: a gap that ends with n tokens is n samples of an nth of it.",
			Bounds: gapBounds(), Zero: gapZero, Family: Traffic,
			Draw: itl,
		},
		{
			Name: "headway.tokens_per_chunk", Kind: Histogram, Unit: "{token}",
			Help:   "Tokens of a content chunk after the first, where they are known.",
			Bounds: perChunkBounds(), Zero: tokenZero, Family: Traffic,
			Draw: tokensPerChunk,
		},
		{
			Name: "headway.tokens", Kind: Counter, Unit: "{token}",
			Help:   "Tokens by kind, and by how sure the count is. Cached tokens are part of the input, reasoning is part of the output.",
			Family: Traffic, Labels: []string{"kind", "source"},
			Draw: tokens,
		},
		{
			Name: "headway.requests", Kind: Counter, Unit: "{request}",
			Help:   "Exchanges that ended, by how they ended.",
			Family: Traffic, Labels: []string{"stream", "outcome", "error_type"},
			Draw: requests,
		},
		{
			Name: "headway.no_first_token", Kind: Counter, Unit: "{request}",
			Help:   "Exchanges of a generating operation that ended without a token, by outcome; empty is a stream that ended well with nothing in it.",
			Family: Traffic, Labels: []string{"reason"},
			Draw: noFirstToken,
		},
		{
			Name: "headway.stall", Kind: Histogram, Unit: "s",
			Help:   "Longest wait inside a stream, one sample a stream for each side that could cause one.",
			Bounds: gapBounds(), Zero: gapZero, Family: Traffic, Labels: []string{"by"},
			Draw: stall,
		},
		{
			Name: "headway.ratelimit.limit", Kind: Gauge, Unit: "{unit}",
			Help:   "Rate limit that the upstream last told, by what it limits.",
			Family: Traffic, Labels: []string{"kind"}, Canaries: true,
			Draw: rateLimit,
		},
		{
			Name: "headway.ratelimit.remaining", Kind: Gauge, Unit: "{unit}",
			Help:   "What was left of the rate limit when the upstream last told.",
			Family: Traffic, Labels: []string{"kind"}, Canaries: true,
			Draw: rateLimitRemaining,
		},
		{
			Name: "headway.ratelimit.reset", Kind: Gauge, Unit: "s",
			Help:   "Time until the rate limit is full again, counted from when the upstream last told.",
			Family: Traffic, Labels: []string{"kind"}, Canaries: true,
			Draw: rateLimitReset,
		},
		{
			Name: "headway.proxy.overhead", Kind: Histogram, Unit: "s",
			Help:   "Work of headway itself, by phase: forwarding the request (request) and the first chunk (first_chunk), and measuring a chunk after it was forwarded (chunk, the mean of an exchange).",
			Bounds: overheadBounds(), Zero: overheadZero, Family: Traffic, Labels: []string{"phase"}, Canaries: true,
			Draw: overhead,
		},
		{
			Name: "headway.attempts", Kind: Counter, Unit: "{attempt}",
			Help:   "Attempts that ended, by the evidence that joined them to their chain; first is a chain's first. All of them by first ones is the retry amplification.",
			Family: Traffic, Labels: []string{"joined_by"},
			Draw: attempts,
		},
		{
			Name: "headway.chains", Kind: Counter, Unit: "{chain}",
			Help:   "Chains of attempts that are over, by how they ended. Labels of a chain are those of its last attempt.",
			Family: Traffic, Labels: []string{"outcome"},
			DrawChain: chains,
		},
		{
			Name: "headway.chain.attempts", Kind: Histogram, Unit: "{attempt}",
			Help:   "Attempts of a chain.",
			Bounds: chainAttemptBounds(), Zero: tokenZero, Family: Traffic,
			DrawChain: chainAttempts,
		},
		{
			Name: "headway.chain.duration", Kind: Histogram, Unit: "s",
			Help:   "E2E as the user felt it: from the start of the first attempt to the end of the last.",
			Bounds: durationBounds(), Zero: gapZero, Family: Traffic,
			DrawChain: chainDuration,
		},
		{
			Name: "headway.chain.time_to_first_token", Kind: Histogram, Unit: "s",
			Help:   "TTFT as the user felt it: from the start of the first attempt to the first token of the last, of streams.",
			Bounds: ttftBounds(), Zero: gapZero, Family: Traffic,
			DrawChain: chainTTFT,
		},
		{
			Name: "headway.chain.slept", Kind: Counter, Unit: "s",
			Help:      "Time that clients waited between attempts.",
			Family:    Traffic,
			DrawChain: chainSlept,
		},
		{
			Name: "headway.chain.wasted", Kind: Counter, Unit: "s",
			Help:   "Time spent in attempts that did not end well, by their error_type.",
			Family: Traffic, Labels: []string{"cause"},
			DrawChain: wastedSeconds,
		},
		{
			Name: "headway.chain.wasted_tokens", Kind: Counter, Unit: "{token}",
			Help:   "Tokens of attempts that did not end well, by their error_type: output thrown away, and input sent for nothing as far as it is known.",
			Family: Traffic, Labels: []string{"cause", "kind"},
			DrawChain: wastedTokens,
		},
		{
			Name: "headway.chain.ambiguous", Kind: Counter, Unit: "{chain}",
			Help:      "Chains with an attempt that could as well have been of another chain.",
			Family:    Traffic,
			DrawChain: ambiguousChains,
		},
		{
			Name: "headway.retry_after_ignored", Kind: Counter, Unit: "{attempt}",
			Help:      "Attempts that came sooner than the server had asked.",
			Family:    Traffic,
			DrawChain: retryAfterIgnored,
		},
		{
			Name: "headway.chains_open", Kind: Gauge, Unit: "{chain}",
			Help:   "Chains with an attempt under way, or after which another may come.",
			Family: Process,
			Read:   chainsOpen,
		},
		{
			Name: "headway.chain.evicted", Kind: Counter, Unit: "{chain}",
			Help:   "Chains that were closed before their time because too many were open.",
			Family: Process,
			Read:   chainEvicted,
		},
		{
			Name: "headway.requests_in_flight", Kind: Gauge, Unit: "{request}",
			Help:   "Exchanges under way.",
			Family: Traffic,
			Read:   requestsInFlight,
		},
		{
			Name: "headway.streams_in_flight", Kind: Gauge, Unit: "{request}",
			Help:   "Exchanges under way whose response streams.",
			Family: Traffic,
			Read:   streamsInFlight,
		},
		{
			Name: "headway.decoder.detached", Kind: Counter, Unit: "{decoder}",
			Help:   "Decoders that were taken off their exchange, by reason. The exchange went on without one.",
			Family: Process, Labels: []string{"reason"},
			Read: detached,
		},
		{
			Name: "headway.export.dropped", Kind: Counter, Unit: "{record}",
			Help:   "Records that were lost because a way out could not keep up, by signal.",
			Family: Process, Labels: []string{"signal"},
			Read: dropped,
		},
		{
			Name: "headway.connections", Kind: Counter, Unit: "{connection}",
			Help:   "Connections that were accepted, by how they reached headway.",
			Family: Process, Labels: []string{"mode"},
			Read: connections,
		},
		{
			Name: "headway.build_info", Kind: Gauge,
			Help:   "Always 1; its labels tell which program runs.",
			Family: Process, Labels: []string{"version", "revision", "goversion"},
			Read: buildInfo,
		},
	}
}
