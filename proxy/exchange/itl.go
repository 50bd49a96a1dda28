package exchange

import (
	"cmp"
	"slices"
	"time"
)

// ITL holds quantiles of a stream's inter-token latency, weighted by tokens: a gap that
// ends with n tokens is n waits of an n-th of it. Each quantile is a wait that occurred,
// by nearest rank.
type ITL struct{ P50, P90, P99, Max time.Duration }

// ITL returns the quantiles of r's gaps, and false when r has none. It reads and sorts
// all gaps: it is for one call an exchange, not for the hot path.
func (r *Record) ITL() (ITL, bool) {
	gaps := make([]Gap, 0, r.Chunks.Kept())
	total := int64(0)
	for gap := range r.Chunks.Gaps(r.Usage.Streamed) {
		gaps = append(gaps, gap)
		total += int64(gap.Tokens)
	}
	if total == 0 {
		return ITL{}, false
	}
	slices.SortFunc(gaps, func(a, b Gap) int { return cmp.Compare(a.PerToken(), b.PerToken()) })
	at, upTo := 0, int64(gaps[0].Tokens)
	quantile := func(percent int64) time.Duration { // of ascending percents
		for upTo < Rank(percent, total) {
			at++
			upTo += int64(gaps[at].Tokens)
		}
		return gaps[at].PerToken()
	}
	return ITL{P50: quantile(50), P90: quantile(90), P99: quantile(99), Max: quantile(100)}, true
}

// Rank tells which one of n samples in ascending order, counted from 1, is their
// percentile by nearest rank: the smallest sample that so many percent of them do not
// exceed, the inverse of their empirical distribution.
func Rank(percent, n int64) int64 { return (percent*n + 99) / 100 }
