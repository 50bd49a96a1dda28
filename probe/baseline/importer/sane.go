package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/headway-sidecar/headway/probe/baseline"
)

// placed is a figure of a distribution with its share: the least value has 0, the largest 1.
type placed struct {
	share, value float64
	at           node
}

// ordered refuses figures that no distribution has: a quantile below a lower one, or a
// mean outside of the least and the largest value. Mixed units look like that.
func (in *input) ordered(f figures) {
	var all []placed
	add := func(share float64, n node) {
		if n.kind == numberKind && n.number >= 0 {
			all = append(all, placed{share, n.number, n})
		}
	}
	add(0, f.min)
	add(.5, f.median)
	add(1, f.max)
	for _, q := range f.quantiles {
		add(q.p, q.value)
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.share, b.share) })
	for i := 1; i < len(all); i++ {
		if before := all[i-1]; below(all[i].value, before.value) {
			in.refuse(all[i].at, fmt.Sprintf("no less than the %s of %s: units that are mixed look like this", decimals(before.value), before.at.path))
			return
		}
	}
	if f.mean.kind != numberKind {
		return
	}
	if f.min.kind == numberKind && below(f.mean.number, f.min.number) {
		in.refuse(f.mean, "no less than the least value, "+decimals(f.min.number))
	}
	if f.max.kind == numberKind && below(f.max.number, f.mean.number) {
		in.refuse(f.mean, "no more than the largest value, "+decimals(f.max.number))
	}
}

// below allows for the rounding of either value.
func below(a, b float64) bool { return a < b*(1-1e-3)-.011 }

func decimals(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// unmeasured refuses a mean, a median or an upper quantile of 0 beside others that are not:
// it stands for a value that the tool has not. A lower quantile may be 0, as the time
// between tokens of an answer with one token is. Gaps between tokens of one chunk are truly 0, and so is a
// first byte within less than a millisecond.
func (in *input) unmeasured(d baseline.Definition, f figures) {
	if d.Over == baseline.ChunkGap || d.Over == baseline.TokenGap || d.Stop == baseline.FirstByte || d.Start == baseline.Unsaid {
		return
	}
	all := []node{f.mean, f.median}
	for _, q := range f.quantiles {
		if q.p >= .5 {
			all = append(all, q.value)
		}
	}
	some := slices.ContainsFunc(all, func(n node) bool { return n.kind == numberKind && n.number > 0 })
	for _, n := range all {
		if some && n.kind == numberKind && n.number == 0 {
			in.refuse(n, "a time above 0 as beside it, or null if the tool has none")
			return
		}
	}
}

// parts refuses a part of a request that takes longer than the whole on average, where
// both are of the same requests.
func parts(c *baseline.Cell) *Problem {
	whole := c.Indicators[baseline.E2E]
	if whole.Mean == nil || whole.Definition.Over != baseline.Request || whole.Definition.Start == baseline.Unsaid {
		return nil
	}
	for _, name := range []baseline.Name{baseline.TTFT, baseline.TTFB, baseline.TPOT} {
		part := c.Indicators[name]
		same := part.Definition.Over == baseline.Request && part.Definition.Start != baseline.Unsaid && (part.Count == nil || whole.Count == nil || *part.Count == *whole.Count)
		if part.Mean != nil && same && *part.Mean > *whole.Mean*1.01+1e-3 {
			return &Problem{
				Field: string(name), Got: fmt.Sprintf("a mean of %s s, which is more than the %s s of the whole request", decimals(*part.Mean), decimals(*whole.Mean)),
				Want: "times of one unit, of the same requests",
			}
		}
	}
	return nil
}
