package tap

import (
	"math"
	"slices"
)

const (
	// rememberedRatios is how many of the latest exchanges count.
	rememberedRatios = 128
	// neededRatios is how many exchanges an estimate needs: of so many exchanges that are
	// alike, the next one lies between the least and the greatest 19 times of 20.
	neededRatios = 39
	// widestMargin is the largest share of an estimate that its margin may have. Whoever
	// needs a number that may be off by more can guess one.
	widestMargin = 0.25
)

// ratios holds how many tokens came to a unit, a byte or a chunk, in the latest exchanges.
type ratios struct {
	n      int // so far
	tokens [rememberedRatios]float32
	units  [rememberedRatios]float32
}

// add appends an exchange. Infinitely many tokens spoil the ratio.
func (r *ratios) add(tokens float64, units int64) {
	at := r.n % rememberedRatios
	r.tokens[at], r.units[at] = float32(tokens), float32(units)
	r.n++
}

// estimate is a number of tokens, which is off by margin at most, 19 times of 20. Without a
// margin there is no estimate.
type estimate struct{ n, margin int64 }

// of estimates the tokens of so many units. It is for exchanges like those that r knows:
// not for one that is twice as long as the longest of them, nor, if whole, for one that is
// half as long as the shortest. An exchange that is not whole may be shorter.
//
// The bounds are order statistics. Of n exchanges and the next one, each is as likely as
// any other to be the least: so the next ratio lies within the k-th from either end but for
// 2k times of n+1, whatever their distribution. A part of an answer strays more than the
// whole, as the mean of fewer tokens does: by the root of the ratio of their lengths.
func (r *ratios) of(units int64, whole bool) estimate {
	n := min(r.n, rememberedRatios)
	if n < neededRatios || units <= 0 {
		return estimate{}
	}
	sorted, lengths := make([]float64, n), slices.Clone(r.units[:n])
	for i := range sorted {
		sorted[i] = float64(r.tokens[i]) / float64(r.units[i])
	}
	slices.Sort(sorted)
	slices.Sort(lengths)
	if length := float32(units); length > 2*lengths[n-1] || whole && 2*length < lengths[0] {
		return estimate{}
	}
	k := (n + 1) / (neededRatios + 1) // from either end
	low, middle, high := sorted[k-1], sorted[n/2], sorted[n-k]
	short := math.Sqrt(max(1, float64(lengths[n/2])/float64(units)))
	tokens := middle * float64(units)
	margin := float64(units)*max(high-middle, middle-low)*short + 1 // the token that ends an answer is in some counts
	if !(margin <= widestMargin*tokens) {                           // also when it is no number
		return estimate{}
	}
	return estimate{n: int64(math.Round(tokens)), margin: int64(math.Ceil(margin))}
}
