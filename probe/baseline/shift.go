package baseline

import (
	"math"
	"slices"
)

// twoSided is how many standard errors hold 95 % of a normal distribution.
const twoSided = 1.96

// shift compares two samples by all pairs of their values: the ratio of a later value to an
// earlier one. It holds their logarithms in order, and how many values stand behind them.
type shift struct {
	x, y []float64
	n, m int
	seen []neighbors // that count has found: what one rank needed narrows the bracket of the next
}

// shiftOf is false without single values on both sides, or with one that has no logarithm.
func shiftOf(before, after Indicator) (s *shift, ok bool) {
	if len(before.Values) == 0 || len(after.Values) == 0 || before.Values[0] <= 0 || after.Values[0] <= 0 {
		return nil, false
	}
	logs := func(values Values) (out []float64) {
		out = make([]float64, len(values))
		for i, v := range values {
			out[i] = math.Log(v)
		}
		return out
	}
	return &shift{x: logs(before.Values), y: logs(after.Values), n: *before.Count, m: *after.Count}, true
}

// estimate is the Hodges–Lehmann estimate: the median of all y − x.
func (s *shift) estimate() float64 {
	pairs := len(s.x) * len(s.y)
	middle := s.difference((pairs + 1) / 2)
	if next := s.count(middle); next.upTo == pairs/2 && pairs%2 == 0 {
		return (middle + next.above) / 2
	}
	return middle
}

// within is where the true median of y − x lies, with 95 % or more: between the differences
// of two ranks (Moses; Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 4.3).
// The ranks follow from the variance of the Mann–Whitney statistic: the larger of the one
// that it has where both distributions have one shape, (n+m+1) ÷ 12nm, and the one that
// the placements of the values show (Fligner and Policello 1981). Where Values stand for
// more values than they are, the share of pairs below a ratio is off by so much at most as
// the shares of both sides together. It is false if the samples are too small.
func (s *shift) within(estimate float64) (low, high float64, ok bool) {
	n, m := float64(s.n), float64(s.m)
	off := twoSided * math.Sqrt(max((n+m+1)/(12*n*m), s.variance(estimate)))
	for _, side := range []struct{ kept, all int }{{len(s.x), s.n}, {len(s.y), s.m}} {
		if side.kept < side.all {
			off += 1 / (2 * float64(side.kept))
		}
	}
	pairs := len(s.x) * len(s.y)
	rank := int(math.Floor((.5 - off) * float64(pairs)))
	if rank < 1 {
		return 0, 0, false
	}
	return s.difference(rank), s.difference(pairs + 1 - rank), true
}

// variance estimates the variance of the share of pairs with y − x ≤ d from placements: for
// each value of one sample, the share of the other below it.
func (s *shift) variance(d float64) float64 {
	if len(s.x) < 2 || len(s.y) < 2 {
		return 0
	}
	return spread(s.x, s.y, d)/float64(s.n) + spread(s.y, s.x, -d)/float64(s.m)
}

// spread is the variance of the shares of the values of b that are below those of a, moved
// by d. Equals count half.
func spread(a, b []float64, d float64) float64 {
	var sum, squares float64
	below, upTo := 0, 0
	for _, v := range a {
		for below < len(b) && b[below] < v+d {
			below++
		}
		for upTo < len(b) && b[upTo] <= v+d {
			upTo++
		}
		share := float64(below+upTo) / float64(2*len(b))
		sum, squares = sum+share, squares+share*share
	}
	n := float64(len(a))
	return max(0, (squares-sum*sum/n)/(n-1))
}

// few is how many differences are sooner sorted than parted further.
const few = 32

// difference is the y − x of a rank, from 1 to the number of pairs. It narrows a bracket
// around the rank, from above and from below in turn, until few differences are left in it,
// or one.
func (s *shift) difference(rank int) float64 {
	// The differences from low to high have the ranks from below + 1 to upTo.
	low, high := s.y[0]-s.x[len(s.x)-1], s.y[len(s.y)-1]-s.x[0]
	below, upTo := 0, len(s.x)*len(s.y)
	narrow := func(at neighbors) {
		if at.upTo < rank && at.upTo >= below {
			low, below = at.above, at.upTo
		} else if at.upTo >= rank && at.upTo <= upTo {
			high, upTo = at.below, at.upTo
		}
	}
	for _, at := range s.seen {
		narrow(at)
	}
	for turn := 0; upTo-below > few && low < high; turn++ {
		share := float64(rank-below)/float64(upTo-below) + .06*float64(1-turn%2*2)
		if turn > 20 {
			share = .5 // of a distribution in lumps
		}
		middle := low + (high-low)*min(max(share, .02), .98)
		if middle >= high {
			middle = low
		}
		narrow(s.count(middle))
	}
	if low == high {
		return high
	}
	return s.ranked(low, high, rank-below)
}

// neighbors are the greatest difference that is not above a value, with its rank, and the
// least that is.
type neighbors struct {
	below, above float64
	upTo         int
}

// count finds the neighbors of d. The rank is the number of pairs with y − x ≤ d.
func (s *shift) count(d float64) neighbors {
	next := neighbors{below: math.Inf(-1), above: math.Inf(1)}
	j, y := 0, s.y
	for _, x := range s.x {
		for j < len(y) && y[j]-x <= d {
			j++
		}
		next.upTo += j
		if j > 0 {
			next.below = max(next.below, y[j-1]-x)
		}
		if j < len(y) {
			next.above = min(next.above, y[j]-x)
		}
	}
	s.seen = append(s.seen, next)
	return next
}

// ranked is the difference of a rank among those from low to high, which are few.
func (s *shift) ranked(low, high float64, rank int) float64 {
	var room [few]float64
	found, first := room[:0], 0
	for _, x := range s.x {
		for first < len(s.y) && s.y[first]-x < low {
			first++
		}
		for j := first; j < len(s.y) && s.y[j]-x <= high; j++ {
			found = append(found, s.y[j]-x)
		}
	}
	slices.Sort(found)
	return found[rank-1]
}
