package capture

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// weighted is a wait that was met weight times.
type weighted struct {
	value  time.Duration
	weight int
}

// quantiles returns, for each p, the smallest value that a share p of the samples
// does not exceed: the inverse of the empirical distribution, always a value that
// was met. It sorts samples, of which there is at least one. The ps ascend.
func quantiles(samples []weighted, ps ...float64) []time.Duration {
	slices.SortFunc(samples, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	total := 0
	for _, s := range samples {
		total += s.weight
	}
	out := make([]time.Duration, 0, len(ps))
	i, below := 0, samples[0].weight
	for _, p := range ps {
		rank := int(math.Ceil(p * float64(total)))
		for below < rank && i < len(samples)-1 {
			i++
			below += samples[i].weight
		}
		out = append(out, samples[i].value)
	}
	return out
}
