package exporter

import "github.com/headway-sidecar/headway/proxy/exchange"

// chains lists the instruments about the attempts of a logical call. All but the first
// draw when the call is over.
func chains() []Instrument {
	return members(Traffic, []Instrument{
		{
			Name: "headway.attempts", Kind: Counter, Unit: "{attempt}", Labels: []string{"joined_by"}, Draw: attempts,
			Help: "Attempts that ended, by the evidence that joined them to their chain; first is a chain's first. All of them by first ones is the retry amplification.",
		},
		{
			Name: "headway.chains", Kind: Counter, Unit: "{chain}", Labels: []string{"outcome"}, DrawChain: chainOutcome,
			Help: "Chains of attempts that are over, by how they ended. Labels of a chain are those of its last attempt.",
		},
		{
			Name: "headway.chain.attempts", Kind: Histogram, Unit: "{attempt}", Buckets: attemptBuckets(), DrawChain: chainAttempts,
			Help: "Attempts of a chain.",
		},
		{
			Name: "headway.chain.duration", Kind: Histogram, PerTenant: true, Unit: "s", Buckets: durationBuckets(exchange.E2E), Labels: []string{"outcome"}, DrawChain: chainDuration,
			Help: "E2E as the user felt it: from the start of the first attempt to the end of the last.",
		},
		{
			Name: "headway.chain.time_to_first_token", Kind: Histogram, PerTenant: true, Unit: "s", Buckets: ttftBuckets(exchange.TTFT), Labels: []string{"outcome"}, DrawChain: chainTTFT,
			Help: "TTFT as the user felt it: from the start of the first attempt to the first token of the last, of streams.",
		},
		{
			Name: "headway.chain.slept", Kind: Counter, Unit: "s", DrawChain: chainSlept,
			Help: "Time that clients waited between attempts.",
		},
		{
			Name: "headway.chain.wasted", Kind: Counter, Unit: "s", Labels: []string{"cause"}, DrawChain: wastedSeconds,
			Help: "Time spent in attempts that did not end well, by their error_type.",
		},
		{
			Name: "headway.chain.wasted_tokens", Kind: Counter, Unit: "{token}", Labels: []string{"cause", "kind"}, DrawChain: wastedTokens,
			Help: "Tokens of attempts that did not end well, by their error_type: output thrown away, and input sent for nothing as far as it is known.",
		},
		{
			Name: "headway.chain.ambiguous", Kind: Counter, Unit: "{chain}", DrawChain: ambiguousChains,
			Help: "Chains with an attempt that could as well have been of another chain.",
		},
		{
			Name: "headway.retry_after_ignored", Kind: Counter, Unit: "{attempt}", DrawChain: retryAfterIgnored,
			Help: "Attempts that came sooner than the server had asked.",
		},
	})
}

// openChains lists the instruments about chains that are not over.
func openChains() []Instrument {
	return members(Process, []Instrument{
		{
			Name: "headway.chains_open", Kind: Gauge, Unit: "{chain}", Read: chainsOpen,
			Help: "Chains with an attempt under way, or after which another may come.",
		},
		{
			Name: "headway.chain.evicted", Kind: Counter, Unit: "{chain}", Read: chainsEvicted,
			Help: "Chains that were closed before their time because too many were open.",
		},
	})
}

// attempts counts every attempt when it ends. Its chain may go on.
func attempts(r *Reading, s *Samples) {
	if r.Attempt.Chain == 0 {
		return
	}
	by := r.Attempt.JoinedBy
	if by == "" {
		by = "first"
	}
	s.Add(1, by)
}

func chainOutcome(r *ChainReading, s *Samples) { s.Add(1, string(r.Outcome)) }

func chainAttempts(r *ChainReading, s *Samples) { s.Add(float64(r.Attempts)) }

func chainDuration(r *ChainReading, s *Samples) { s.seconds(r.E2E, string(r.Outcome)) }

func chainTTFT(r *ChainReading, s *Samples) { s.seconds(r.TTFT, string(r.Outcome)) }

func chainSlept(r *ChainReading, s *Samples) { s.seconds(r.Slept) }

func wastedSeconds(r *ChainReading, s *Samples) {
	for _, w := range r.Waste {
		s.seconds(w.Time, failure(exchange.ErrorType(w.Cause)))
	}
}

func wastedTokens(r *ChainReading, s *Samples) {
	for _, w := range r.Waste {
		cause := failure(exchange.ErrorType(w.Cause))
		s.count(w.Input, cause, "input")
		s.count(w.Output, cause, "output")
	}
}

func ambiguousChains(r *ChainReading, s *Samples) {
	if r.Ambiguous {
		s.Add(1)
	}
}

func retryAfterIgnored(r *ChainReading, s *Samples) { s.Add(float64(r.RetryAfterIgnored)) }

func chainsOpen(l *Live, _ *Names, level Level) {
	if l.ChainsOpen != nil {
		level(float64(l.ChainsOpen()))
	}
}

func chainsEvicted(l *Live, _ *Names, level Level) {
	if l.ChainsEvicted != nil {
		level(float64(l.ChainsEvicted()))
	}
}
