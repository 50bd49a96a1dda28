package exporter

import (
	"slices"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// Table lists the instruments of a setting, a fresh copy for each caller. An empty
// setting is V141.
func Table(s SemConv) []Instrument {
	if s == "" {
		s = V141
	}
	return slices.DeleteFunc(slices.Concat(table(), tokenTable()), func(in Instrument) bool { return !in.of(s) })
}

// table lists the instruments of all settings but those of tokenTable. A new metric is
// a row here: the backends and the metric reference follow from it.
func table() []Instrument { //nolint:funlen // one literal, read as a table
	return []Instrument{
		{
			Name: "gen_ai.client.operation.duration", Kind: Histogram, Unit: "s",
			Help:   "E2E of an exchange, from the head of its request to the last byte of its response.",
			Bounds: durationBounds(), Zero: gapZero, Family: GenAI, Labels: []string{"error.type"}, Role: exchange.Client,
			Draw:  duration,
			Edges: []exchange.Indicator{exchange.E2E}, SemConv: []SemConv{V141, Dup},
		},
		{
			Name: "gen_ai.client.operation.duration", Kind: Histogram, Unit: "s",
			Help:   "E2E of an exchange that is no inference, from the head of its request to the last byte of its response.",
			Bounds: durationBounds(), Zero: gapZero, Family: GenAI, Labels: []string{"error.type"}, Role: exchange.Client,
			Draw:  noInference(duration),
			Edges: []exchange.Indicator{exchange.E2E}, SemConv: []SemConv{Latest},
		},
		{
			Name: "gen_ai.client.inference.duration", Kind: Histogram, Unit: "s",
			Help:   "E2E of an inference, from the head of its request to the last byte of its response.",
			Bounds: durationBounds(), Zero: gapZero, Family: GenAI, Labels: []string{"error.type"}, Role: exchange.Client,
			Draw:  inference(duration),
			Edges: []exchange.Indicator{exchange.E2E}, SemConv: []SemConv{Latest, Dup},
		},
		{
			Name: "gen_ai.server.request.duration", Kind: Histogram, Unit: "s",
			Help:   "E2E of an exchange, from the head of its request to the last byte of its response.",
			Bounds: durationBounds(), Zero: gapZero, Family: GenAI, Labels: []string{"error.type"}, Role: exchange.Server,
			Draw:  duration,
			Edges: []exchange.Indicator{exchange.E2E},
		},
		{
			Name: "gen_ai.client.operation.time_to_first_chunk", Kind: Histogram, Unit: "s",
			Help:   "TTFT of a stream: from the head of the request to the first chunk with generated content.",
			Bounds: ttftBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Client,
			Draw:  ttft,
			Edges: []exchange.Indicator{exchange.TTFT}, SemConv: []SemConv{V141, Dup},
		},
		{
			Name: "gen_ai.client.inference.time_to_first_chunk", Kind: Histogram, Unit: "s",
			Help:   "TTFT of a stream: from the head of the request to the first chunk with generated content.",
			Bounds: ttftBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Client,
			Draw:  inference(ttft),
			Edges: []exchange.Indicator{exchange.TTFT}, SemConv: []SemConv{Latest, Dup},
		},
		{
			Name: "gen_ai.server.time_to_first_token", Kind: Histogram, Unit: "s",
			Help:   "TTFT of a successful stream: from the head of the request to the first chunk with generated content.",
			Bounds: ttftBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Server,
			Draw:  ok(ttft),
			Edges: []exchange.Indicator{exchange.TTFT},
		},
		{
			Name: "gen_ai.client.operation.time_per_output_chunk", Kind: Histogram, Unit: "s",
			Help:   "Gap between two content chunks of a stream, one sample a gap.",
			Bounds: gapBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Client,
			Draw: chunkGaps, SemConv: []SemConv{V141, Dup},
		},
		{
			Name: "gen_ai.client.inference.time_per_output_chunk", Kind: Histogram, Unit: "s",
			Help:   "Gap between two content chunks of a stream, one sample a gap.",
			Bounds: gapBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Client,
			Draw: inference(chunkGaps), SemConv: []SemConv{Latest, Dup},
		},
		{
			Name: "gen_ai.server.time_per_output_token", Kind: Histogram, Unit: "s",
			Help:   "TPOT of a successful stream: time per output token after the first, one sample an exchange.",
			Bounds: gapBounds(), Zero: gapZero, Family: GenAI, Role: exchange.Server,
			Draw:  ok(tpot),
			Edges: []exchange.Indicator{exchange.TPOT},
		},
		{
			Name: "gen_ai.client.token.usage", Kind: Histogram, Unit: "{token}",
			Help:   "Tokens of an exchange as the provider reported them at its end.",
			Bounds: tokenBounds(), Zero: tokenZero, Family: GenAI, Labels: []string{"gen_ai.token.type"}, Role: exchange.Client,
			Draw: tokenUsage, SemConv: []SemConv{V141, Dup},
		},
		{
			Name: "headway.time_per_output_token", Kind: Histogram, Unit: "s",
			Help:   "TPOT of a stream: time per output token after the first, one sample an exchange.",
			Bounds: gapBounds(), Zero: gapZero, Family: Traffic, Role: exchange.Client,
			Draw:  tpot,
			Edges: []exchange.Indicator{exchange.TPOT},
		},
		{
			Name: "headway.inter_token_latency", Kind: Histogram, Unit: "s",
			Help:   "ITL weighted by tokens: a gap that ends with n tokens is n samples of an nth of it.",
			Bounds: gapBounds(), Zero: gapZero, Family: Traffic,
			Draw:  itl,
			Edges: []exchange.Indicator{exchange.ITLP50, exchange.ITLP90, exchange.ITLP99},
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
			Draw:  stall,
			Edges: []exchange.Indicator{exchange.Stall},
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
			Edges:     []exchange.Indicator{exchange.E2E},
		},
		{
			Name: "headway.chain.time_to_first_token", Kind: Histogram, Unit: "s",
			Help:   "TTFT as the user felt it: from the start of the first attempt to the first token of the last, of streams.",
			Bounds: ttftBounds(), Zero: gapZero, Family: Traffic,
			DrawChain: chainTTFT,
			Edges:     []exchange.Indicator{exchange.TTFT},
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
			Name: "headway.sealed.requests", Kind: Counter, Unit: "{request}",
			Help:   "Exchanges inside TLS that was not opened, as its records tell them, by how they ended.",
			Family: Traffic, Labels: []string{"outcome"}, Sealed: true,
			Draw: sealedRequests,
		},
		{
			Name: "headway.sealed.time_to_first_burst", Kind: Histogram, Unit: "s",
			Help:   "From the first record of a request inside TLS to the first burst after the response's head: near TTFT, and never mixed with it.",
			Bounds: ttftBounds(), Zero: gapZero, Family: Traffic, Sealed: true,
			Draw: ttft,
		},
		{
			Name: "headway.sealed.gap", Kind: Histogram, Unit: "s",
			Help:   "Gap between two bursts of a response inside TLS, one sample a gap.",
			Bounds: gapBounds(), Zero: gapZero, Family: Traffic, Sealed: true,
			Draw: chunkGaps,
		},
		{
			Name: "headway.sealed.duration", Kind: Histogram, Unit: "s",
			Help:   "From the first record of a request inside TLS to the last one of its response.",
			Bounds: durationBounds(), Zero: gapZero, Family: Traffic, Sealed: true,
			Draw: sealedDuration,
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
			Name: "headway.slo.requests", Kind: Counter, Unit: "{request}",
			Help:   "Calls, or attempts where the SLO says so, that an SLO judged; missed is the first objective in a fixed order that did not hold.",
			Family: Traffic, Labels: []string{"slo", "verdict", "missed"},
			Draw: sloRequests, DrawChain: sloChainRequests, Together: sloRequestSeries,
		},
		{
			Name: "headway.slo.missed", Kind: Counter, Unit: "{request}",
			Help:   "Bad ones of headway_slo_requests, for every objective that did not hold: one may miss several.",
			Family: Traffic, Labels: []string{"slo", "indicator"},
			Draw: sloMissed, DrawChain: sloChainMissed, Together: sloMissedSeries,
		},
		{
			Name: "headway.slo.tokens", Kind: Counter, Unit: "{token}",
			Help:   "Output tokens of what an SLO judged, where they are known.",
			Family: Traffic, Labels: []string{"slo", "verdict"},
			Draw: sloTokens, DrawChain: sloChainTokens, Together: sloTokenSeries,
		},
		{
			Name: "headway.slo.tokens_timed", Kind: Counter, Unit: "{token}",
			Help:   "Streamed tokens that had a deadline by an SLO that limits both TTFT and TPOT: the n-th after the first is due at the limit of TTFT + n times that of TPOT.",
			Family: Process, Labels: []string{"slo"},
			Read: eachSLO(sloTokensTimed),
		},
		{
			Name: "headway.slo.tokens_on_time", Kind: Counter, Unit: "{token}",
			Help:   "Of headway_slo_tokens_timed, those that came by their deadline: smooth token goodput.",
			Family: Process, Labels: []string{"slo"},
			Read: eachSLO(sloTokensOnTime),
		},
		{
			Name: "headway.slo.objective", Kind: Gauge, Unit: "1",
			Help:   "Share of good requests that an SLO promises.",
			Family: Process, Labels: []string{"slo"},
			Read: eachSLO(sloObjective),
		},
		{
			Name: "headway.slo.threshold", Kind: Gauge, Unit: "s",
			Help:   "What an SLO allows an indicator, for each token where its name says so.",
			Family: Process, Labels: []string{"slo", "indicator"},
			Read: eachSLO(sloThreshold),
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
			Help:   "What was lost on its way out, by signal: exchanges (capture), spans (traces), data points (metrics), and exchanges that metrics to be sent were not told of (exchanges).",
			Family: Process, Labels: []string{"signal"},
			Read: dropped,
		},
		{
			Name: "headway.export.queue", Kind: Gauge, Unit: "By",
			Help:   "What waits to be sent to the collector, in memory or in the spool, by signal.",
			Family: Process, Labels: []string{"signal"},
			Read: queued,
		},
		{
			Name: "headway.connections", Kind: Counter, Unit: "{connection}",
			Help:   "Connections that were accepted, by how they reached headway.",
			Family: Process, Labels: []string{"mode"},
			Read: connections,
		},
		{
			Name: "headway.config.last_reload_successful", Kind: Gauge,
			Help:   "1 while the newest content of every configuration file is in force, 0 while one was refused.",
			Family: Process,
			Read:   reloaded,
		},
		{
			Name: "headway.build_info", Kind: Gauge,
			Help:   "Always 1; its labels tell which program runs.",
			Family: Process, Labels: []string{"version", "revision", "goversion"},
			Read: buildInfo,
		},
	}
}
