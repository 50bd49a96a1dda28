package baseline

import "math"

// twoSided is how many standard errors hold 95 % of a normal distribution.
const twoSided = 1.96

// shift compares two samples by all pairs of their values: the ratio of a later value to an
// earlier one. It holds their logarithms in order, and how many values stand behind them.
type shift struct {
	x, y []float64
	n, m int
	// center and slope say about where a rank is: the difference of the medians, and how many
	// differences lie there within a span of 1, if both samples are about normal.
	center, slope float64
	seen          []counted // what one rank needed narrows the bracket of the next
}

// counted is how many differences are at most d.
type counted struct {
	d    float64
	upTo int
}

// shiftOf is false without single values on both sides, or with one that has no logarithm.
func shiftOf(before, after Indicator) (s *shift, ok bool) {
	if len(before.Values) == 0 || len(after.Values) == 0 || before.Values[0] <= 0 || after.Values[0] <= 0 {
		return nil, false
	}
	both := make([]float64, 0, len(before.Values)+len(after.Values))
	for _, values := range [2]Values{before.Values, after.Values} {
		for _, v := range values {
			both = append(both, math.Log(v))
		}
	}
	s = &shift{x: both[:len(before.Values)], y: both[len(before.Values):], n: *before.Count, m: *after.Count}
	s.aim()
	return s, true
}

// aim sets center and slope.
func (s *shift) aim() {
	at := func(sorted []float64, quarters int) float64 { return sorted[(len(sorted)-1)*quarters/4] }
	s.center = at(s.y, 2) - at(s.x, 2)
	apart := math.Hypot(at(s.x, 3)-at(s.x, 1), at(s.y, 3)-at(s.y, 1)) // about the middle half of the differences
	s.slope = float64(len(s.x)*len(s.y)) / (2 * max(apart, 1e-9))
	s.seen = make([]counted, 0, 16)
}

// estimate is the Hodges–Lehmann estimate: the median of all y − x.
func (s *shift) estimate() float64 {
	pairs := len(s.x) * len(s.y)
	middle := s.difference((pairs + 1) / 2)
	s.center = middle
	if next := s.neighbors(middle); next.upTo == pairs/2 && pairs%2 == 0 {
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
		for upTo = max(upTo, below); upTo < len(b) && b[upTo] <= v+d; {
			upTo++
		}
		share := float64(below+upTo) / float64(2*len(b))
		sum, squares = sum+share, squares+share*share
	}
	n := float64(len(a))
	return max(0, (squares-sum*sum/n)/(n-1))
}

// few is how many differences are sooner gathered than parted further.
const few = 96

// difference is the y − x of a rank, from 1 to the number of pairs. It narrows a bracket
// around the rank until few differences are left in it, or one.
func (s *shift) difference(rank int) float64 {
	pairs := len(s.x) * len(s.y)
	b := bracket{rank: rank, low: s.y[0] - s.x[len(s.x)-1], high: s.y[len(s.y)-1] - s.x[0], upTo: pairs}
	for _, at := range s.seen {
		b.narrow(at.d, math.Nextafter(at.d, math.Inf(1)), at.upTo)
	}
	aim, back := s.center+float64(rank-pairs/2)/s.slope, 1.
	for turn := 0; b.upTo-b.below > few && b.low < b.high; turn++ {
		if turn > patience {
			at := s.neighbors((b.low + b.high) / 2)
			b.narrow(at.below, at.above, at.upTo)
			continue
		}
		d := b.between(back)
		if turn < 2 && aim > b.low && aim < b.high {
			d = aim
		}
		upTo := s.count(d)
		b.narrow(d, math.Nextafter(d, math.Inf(1)), upTo)
		// Aim beyond the rank, so that the bracket closes from the other side.
		off := float64(rank - upTo)
		aim, back = d+(off+math.Copysign(few/3+math.Abs(off)/8, off))/s.slope, -back
	}
	if b.low == b.high {
		return b.high
	}
	return s.ranked(b.low, b.high, rank-b.below)
}

// patience is after how many turns the values are in lumps: then only the neighbors of a
// value tell that there is nothing between them.
const patience = 10

// bracket holds the differences from low to high, which have the ranks from below + 1 to
// upTo. The rank that is looked for is one of them.
type bracket struct {
	rank        int
	low, high   float64
	below, upTo int
}

// narrow takes in that so many differences are at most under, and the others at least over.
func (b *bracket) narrow(under, over float64, upTo int) {
	if upTo < b.rank && upTo >= b.below {
		b.low, b.below = over, upTo
	} else if upTo >= b.rank && upTo <= b.upTo {
		b.high, b.upTo = under, upTo
	}
}

// between is about where the rank is in the bracket, and a little to the side of back.
func (b *bracket) between(back float64) float64 {
	all := float64(b.upTo - b.below)
	share := float64(b.rank-b.below)/all + back*max(few/3/all, .03)
	d := b.low + (b.high-b.low)*min(max(share, .02), .98)
	if d >= b.high {
		return b.low
	}
	return d
}

// count is the number of pairs with y − x ≤ d. It goes over x from both ends at once, and a
// comparison is a number rather than a branch: no processor foresees how they turn out.
func (s *shift) count(d float64) (upTo int) {
	x, y := s.x, s.y
	half, i, k := len(x)/2, 0, len(x)-1
	first, last := 0, len(y) // how many of y count for x[i], and for x[k]
	for i < half && k >= half && first < len(y) && last > 0 {
		up, down := atMost(y[first]-x[i], d), atMost(y[last-1]-x[k], d)
		upTo += first*(1-up) + last*down
		first, i = first+up, i+1-up
		last, k = last-1+down, k-down
	}
	for ; i < half; i++ {
		for first < len(y) && y[first]-x[i] <= d {
			first++
		}
		upTo += first
	}
	for ; k >= half; k-- {
		for last > 0 && y[last-1]-x[k] > d {
			last--
		}
		upTo += last
	}
	s.seen = append(s.seen, counted{d, upTo})
	return upTo
}

// atMost is 1 if a ≤ b, and 0 otherwise.
func atMost(a, b float64) (is int) {
	if a <= b {
		is = 1
	}
	return is
}

// neighbors are the greatest difference that is not above a value, with its rank, and the
// least that is.
type neighbors struct {
	below, above float64
	upTo         int
}

// neighbors finds the neighbors of d.
func (s *shift) neighbors(d float64) neighbors {
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
	return nth(found, rank-1)
}

// nth is the value that would be at place n if values were in order. It moves them (Hoare's
// algorithm Find).
func nth(values []float64, n int) float64 {
	for low, high := 0, len(values)-1; low < high; {
		pivot, i, j := values[n], low, high
		for i <= j {
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i++
				j--
			}
		}
		if j < n {
			low = i
		}
		if i > n {
			high = j
		}
	}
	return values[n]
}
