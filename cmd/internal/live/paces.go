package live

import (
	"cmp"
	"slices"
	"time"

	"github.com/headway-sidecar/headway/proxy/exchange"
)

// pace is so many tokens that came a time after one another: so many samples of ITL in the
// room of one.
type pace struct {
	itl    time.Duration
	tokens int64
}

// paces are the ITL of streams, measured and true.
type paces struct {
	measured, truth []pace
	off             []time.Duration
}

// add adds a stream. The difference is that of the medians of the stream: chunk by chunk
// the two do not pair when a read brings several.
func (p *paces) add(s *seen, truth []exchange.Gap) {
	before := len(p.measured)
	for gap := range s.Chunks.Gaps(s.Usage.Streamed) {
		p.measured = append(p.measured, pace{gap.PerToken(), int64(gap.Tokens)})
	}
	if len(p.measured) == before || len(truth) == 0 {
		return
	}
	own, told := slices.Clone(p.measured[before:]), make([]pace, len(truth))
	for i, gap := range truth {
		told[i] = pace{gap.PerToken(), int64(gap.Tokens)}
	}
	p.truth = append(p.truth, told...)
	n, of := sortPaces(own), sortPaces(told)
	p.off = append(p.off, (median(own, n) - median(told, of)).Abs())
}

// row is the distribution of ITL.
func (p *paces) row() Row {
	n := sortPaces(p.measured)
	at := func(percent int64) Seconds { return Seconds(quantile(p.measured, n, percent)) }
	r := Row{Name: "ITL", P50: at(50), P90: at(90), P99: at(99), Samples: int(n)}
	if len(p.truth) > 0 {
		told := sortPaces(p.truth)
		slices.Sort(p.off)
		r.truth = &versus{samples: int(told), p50: median(p.truth, told), p99: quantile(p.truth, told, 99), off: percentile(p.off, 50)}
	}
	return r
}

// sortPaces sorts all, and returns the number of their tokens.
func sortPaces(all []pace) (tokens int64) {
	for _, p := range all {
		tokens += p.tokens
	}
	slices.SortFunc(all, func(a, b pace) int { return cmp.Compare(a.itl, b.itl) })
	return tokens
}

func median(sorted []pace, tokens int64) time.Duration { return quantile(sorted, tokens, 50) }

// quantile is the percentile of sorted paces of so many tokens, by nearest rank; 0 of none.
func quantile(sorted []pace, tokens, percent int64) time.Duration {
	rank, upTo := exchange.Rank(percent, tokens), int64(0)
	for _, p := range sorted {
		if upTo += p.tokens; upTo >= rank {
			return p.itl
		}
	}
	return 0
}
