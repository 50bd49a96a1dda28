package exporter

import (
	"strconv"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

func duration(r *Reading, s *Samples) { s.seconds(r.E2E(), string(r.ErrorType)) }

func ttft(r *Reading, s *Samples) {
	if r.Stream {
		s.seconds(r.TTFT())
	}
}

func tpot(r *Reading, s *Samples) {
	if r.Stream {
		s.seconds(r.TPOT())
	}
}

// ok restricts draw to exchanges that ended well, as the conventions ask of the
// server's token timings.
func ok(draw func(*Reading, *Samples)) func(*Reading, *Samples) {
	return func(r *Reading, s *Samples) {
		if r.Outcome == exchange.OK {
			draw(r, s)
		}
	}
}

func chunkGaps(r *Reading, s *Samples) {
	for _, gap := range r.Gaps {
		s.AddN(seconds(gap.Wait), 1)
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

// tokenUsage draws from the provider's own final count only: the conventions have
// no label that would tell it from a guess.
func tokenUsage(r *Reading, s *Samples) {
	if r.Usage.Source == exchange.Reported {
		s.count(r.Usage.Input, "input")
		s.count(r.Usage.Output, "output")
	}
}

func tokens(r *Reading, s *Samples) {
	u, source := &r.Usage, string(r.Usage.Source)
	if u.Source == exchange.Absent {
		return
	}
	s.count(u.Input, "input", source)
	s.count(u.Output, "output", source)
	s.count(u.CacheRead, "cache_read", source)
	s.count(u.CacheWrite, "cache_write", source)
	s.count(u.Reasoning, "reasoning", source)
}

func requests(r *Reading, s *Samples) {
	s.Add(1, strconv.FormatBool(r.Stream), string(r.Outcome), string(r.ErrorType))
}

// noFirstToken counts what a TTFT histogram cannot show. A response in one piece
// has no first token, so that one is counted only when it failed; a replay has
// content, and no time at which it was generated.
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

// stall draws one sample for each side, so that each side's count is the number
// of streams and a share of streams can be told for it.
func stall(r *Reading, s *Samples) {
	if !r.Stream || r.Timing.FirstChunk == 0 {
		return
	}
	s.Add(seconds(r.Clocks.Upstream.Longest), "upstream")
	s.Add(seconds(r.Clocks.Proxy.Longest), "proxy")
	s.Add(seconds(r.Clocks.Client.Longest), "client")
}

func overhead(r *Reading, s *Samples) {
	s.seconds(r.Overhead.Request, "request")
	s.seconds(r.Overhead.FirstChunk, "first_chunk")
	s.seconds(r.Overhead.Chunk, "chunk")
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
