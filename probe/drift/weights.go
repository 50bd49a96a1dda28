package drift

import "math"

// slowdowns are the changes that a Detector looks for. Between them it is nearly as quick.
var slowdowns = [...]float64{1.10, 1.25, 1.5, 2, 3}

// weights returns for each bin how much likelier it is under the slowdown than in the load
// test. In the load test their mean is 1, and none is lower than that of a faster bin: so a
// faster service has a mean below 1, whatever its distribution.
func (r *Reference) weights(slowdown float64) []float64 {
	weights := make([]float64, len(r.shares))
	before, shift := 0.0, math.Log(slowdown)
	for i := range weights {
		upTo := 1.0
		if i < len(r.points) {
			upTo = normalShare(r.score(r.points[i].y-shift)) * (1 - r.failures)
		}
		weights[i] = (upTo - before) / r.shares[i]
		before = upTo
	}
	ascend(weights, r.shares)
	return weights
}

// ascend changes values so that none is lower than the one before it. It replaces runs that
// descend by their means, weighted by shares, which keeps the mean of all (isotonic
// regression by pooling adjacent violators).
func ascend(values, shares []float64) {
	type pool struct {
		mean, share float64
		size        int
	}
	pools := make([]pool, 0, len(values))
	for i, v := range values {
		pools = append(pools, pool{v, shares[i], 1})
		for n := len(pools); n > 1 && pools[n-2].mean > pools[n-1].mean; n = len(pools) {
			a, b := pools[n-2], pools[n-1]
			share := a.share + b.share
			pools[n-2] = pool{(a.mean*a.share + b.mean*b.share) / share, share, a.size + b.size}
			pools = pools[:n-1]
		}
	}
	values = values[:0]
	for _, p := range pools {
		for range p.size {
			values = append(values, p.mean)
		}
	}
}
