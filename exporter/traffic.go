package exporter

import (
	"slices"
	"strconv"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// traffic lists headway's own instruments about exchanges.
func traffic() []Instrument {
	return slices.Concat(members(Application, []Instrument{{
		Name: "headway.time_per_output_token", Kind: Histogram, PerTenant: true, Unit: "s", Buckets: gapBuckets(exchange.TPOT), Draw: tpot,
		Help: "TPOT of a stream: time per output token after the first, one sample an exchange.",
	}}), members(Traffic, []Instrument{
		{
			Name: "headway.time_to_first_event", Kind: Histogram, Unit: "s", Buckets: ttftBuckets(), Draw: firstEvent,
			Help: "Time to the first message of a stream, whatever it says: a role or a ping is one. TTFT is later, or equal.",
		},
		{
			Name: "headway.time_to_first_answer", Kind: Histogram, Unit: "s", Buckets: ttftBuckets(exchange.TTFA), Draw: firstAnswer,
			Help: "TTFA of a stream: time to the first token that is no reasoning. TTFT is earlier, or equal.",
		},
		{
			Name: "headway.inter_token_latency", Kind: Histogram, Unit: "s", Draw: itl,
			Buckets: gapBuckets(exchange.ITLP50, exchange.ITLP90, exchange.ITLP99),
			Help:    "ITL weighted by tokens: a gap that ends with n tokens is n samples of an nth of it.",
		},
		{
			Name: "headway.tokens_per_chunk", Kind: Histogram, Unit: "{token}", Buckets: perChunkBuckets(), Draw: tokensPerChunk,
			Help: "Tokens of a content chunk after the first, where they are known.",
		},
		{
			Name: "headway.tokens", Kind: Counter, PerTenant: true, Unit: "{token}", Labels: []string{"kind", "source"}, Draw: tokens,
			Help: "Tokens by kind, and by how sure the count is. Cached tokens are part of the input, reasoning is part of the output.",
		},
		{
			Name: "headway.requests", Kind: Counter, PerTenant: true, Unit: "{request}", Labels: []string{"stream", "outcome", "error_type"}, Draw: requests,
			Help: "Exchanges that ended, by how they ended.",
		},
		{
			Name: "headway.unread.requests", Kind: Counter, Unit: "{request}", Labels: []string{"path_class", "outcome"}, Draw: unread,
			Help: "Exchanges whose API no dialect reads, by a template of their path and by how they ended; delivered is a whole response that nobody read.",
		},
		{
			Name: "headway.no_first_token", Kind: Counter, Unit: "{request}", Labels: []string{"reason"}, Draw: noFirstToken,
			Help: "Exchanges of a generating operation that ended without a token, by outcome; empty is a stream that ended well with nothing in it.",
		},
		{
			Name: "headway.stall", Kind: Histogram, Unit: "s", Buckets: gapBuckets(exchange.Stall), Labels: []string{"by"}, Draw: stall,
			Help: "Longest wait inside a stream, one sample a stream for each side that could cause one. Beside a model server, upstream is that request's own wait, and engine is one that most streams of the engine had together.",
		},
	}), members(AnyOrigin, anyOrigin()))
}

// anyOrigin lists the instruments that canaries draw too.
func anyOrigin() []Instrument {
	return []Instrument{
		{
			Name: "headway.ratelimit.limit", Kind: Gauge, Unit: "{unit}", Labels: []string{"kind"}, Draw: rateLimit,
			Help: "Rate limit that the upstream last told, by what it limits.",
		},
		{
			Name: "headway.ratelimit.remaining", Kind: Gauge, Unit: "{unit}", Labels: []string{"kind"}, Draw: rateLimitRemaining,
			Help: "What was left of the rate limit when the upstream last told.",
		},
		{
			Name: "headway.ratelimit.reset", Kind: Gauge, Unit: "s", Labels: []string{"kind"}, Draw: rateLimitReset,
			Help: "Time until the rate limit is full again, counted from when the upstream last told.",
		},
		{
			Name: "headway.proxy.overhead", Kind: Histogram, Unit: "s", Buckets: overheadBuckets(), Labels: []string{"phase"}, Draw: overhead,
			Help: "Work of headway itself, by phase: forwarding the request (request) and the first chunk (first_chunk), with the wait for a processor where the kernel tells when they came, and measuring a chunk after it was forwarded (chunk, the mean of an exchange).",
		},
	}
}

func firstEvent(r *Reading, s *Samples) {
	if r.Stream {
		s.seconds(r.Timing.FirstEvent)
	}
}

func firstAnswer(r *Reading, s *Samples) {
	if r.Stream {
		s.seconds(r.TTFA())
	}
}

func itl(r *Reading, s *Samples) {
	for _, gap := range r.Gaps {
		s.AddN(seconds(gap.PerToken()), gap.Tokens)
	}
}

// tokensPerChunk leaves the first chunk out, as the gaps do.
func tokensPerChunk(r *Reading, s *Samples) {
	if !r.Usage.Streamed.Known && !r.Chunks.Tokens().Known {
		return
	}
	for _, gap := range r.Gaps {
		s.AddN(float64(gap.Tokens), 1)
	}
}

func tokens(r *Reading, s *Samples) {
	u, source := &r.Usage, string(r.Usage.Source)
	if u.Source == exchange.Absent {
		return
	}
	s.count(u.Input, "input", string(u.SourceOfInput()))
	s.count(u.Output, "output", source)
	s.count(u.CacheRead, "cache_read", string(u.SourceOfInput()))
	s.count(u.CacheWrite, "cache_write", string(u.SourceOfInput()))
	s.count(u.Reasoning, "reasoning", source)
}

func requests(r *Reading, s *Samples) {
	s.Add(1, strconv.FormatBool(r.Stream), string(r.Outcome), failure(r.ErrorType))
}

func unread(r *Reading, s *Samples) {
	if r.PathClass != "" {
		s.Add(1, r.PathClass, string(r.Told()))
	}
}

// noFirstToken counts the exchanges that a TTFT histogram cannot show. A response in one
// piece has no first token, so that it counts only when it failed. A replay has content,
// and no time at which that content was generated.
func noFirstToken(r *Reading, s *Samples) {
	if r.Chunks.Count > 0 || !r.Operation.Generates() || (!r.Stream && r.Outcome == exchange.OK) {
		return
	}
	reason := string(r.Outcome)
	if r.Outcome == exchange.OK {
		reason = "empty"
	}
	s.Add(1, reason)
}

// stall draws one sample for each side, so that each side's count is the number of
// streams, and a query can tell the share of streams that a side held up.
func stall(r *Reading, s *Samples) {
	if !r.Stream || r.Timing.FirstChunk == 0 {
		return
	}
	own, engine := r.StallShared()
	s.Add(seconds(own), "upstream")
	if r.Role == exchange.Server {
		s.Add(seconds(engine), "engine")
	}
	s.Add(seconds(r.Clocks.Proxy.Longest), "proxy")
	s.Add(seconds(r.Clocks.Client.Longest), "client")
}

func rateLimit(r *Reading, s *Samples) {
	for i := range r.RateLimits {
		s.count(r.RateLimits[i].Limit, r.RateLimits[i].Kind)
	}
}

func rateLimitRemaining(r *Reading, s *Samples) {
	for i := range r.RateLimits {
		s.count(r.RateLimits[i].Remaining, r.RateLimits[i].Kind)
	}
}

func rateLimitReset(r *Reading, s *Samples) {
	for i := range r.RateLimits {
		s.seconds(r.RateLimits[i].Reset, r.RateLimits[i].Kind)
	}
}

func overhead(r *Reading, s *Samples) {
	if r.Mode == exchange.Direct { // headway forwarded nothing
		return
	}
	s.seconds(r.Overhead.Request, "request")
	s.seconds(r.Overhead.FirstChunk, "first_chunk")
	s.seconds(r.Overhead.Chunk, "chunk")
}
