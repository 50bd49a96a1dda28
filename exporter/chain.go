package exporter

import (
	"github.com/headway-sidecar/headway/proxy/exchange"
)

// ChainReading is a Chain as instruments draw from it. Nobody keeps it beyond the
// chain it was filled for.
type ChainReading struct {
	exchange.Chain
	Identity Identity // of the last attempt
}

// Fill makes r the reading of c. Names bound its labels.
func (r *ChainReading) Fill(c exchange.Chain, names *Names) {
	r.Chain, r.Identity = c, identify(&c.Last, names)
}

// attempts counts every attempt when it ends, the chain of which may go on.
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

func chains(r *ChainReading, s *Samples) { s.Add(1, string(r.Outcome)) }

func chainAttempts(r *ChainReading, s *Samples) { s.Add(float64(r.Attempts)) }

func chainDuration(r *ChainReading, s *Samples) { s.seconds(r.E2E) }

func chainTTFT(r *ChainReading, s *Samples) { s.seconds(r.TTFT) }

func chainSlept(r *ChainReading, s *Samples) { s.seconds(r.Slept) }

func wastedSeconds(r *ChainReading, s *Samples) {
	for _, w := range r.Waste {
		s.seconds(w.Time, w.Cause)
	}
}

func wastedTokens(r *ChainReading, s *Samples) {
	for _, w := range r.Waste {
		s.count(w.Input, w.Cause, "input")
		s.count(w.Output, w.Cause, "output")
	}
}

func retryAfterIgnored(r *ChainReading, s *Samples) {
	s.Add(float64(r.RetryAfterIgnored))
}

func ambiguousChains(r *ChainReading, s *Samples) {
	if r.Ambiguous {
		s.Add(1)
	}
}

// chainAttemptBounds resolve what clients do by default, and what a storm does.
func chainAttemptBounds() []float64 { return []float64{1, 2, 3, 4, 5, 6, 8, 10, 15, 20} }

func chainEvicted(l *Live, _ *Names, level Level) {
	if l.ChainsEvicted != nil {
		level(float64(l.ChainsEvicted()))
	}
}

func chainsOpen(l *Live, _ *Names, level Level) {
	if l.ChainsOpen != nil {
		level(float64(l.ChainsOpen()))
	}
}
