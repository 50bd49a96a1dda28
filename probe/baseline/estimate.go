package baseline

import (
	"math"
	"slices"
)

// distribution is an indicator of a cell, with how many independent values it rests on and
// by how much rounding moves its values at most, as a logarithm.
type distribution struct {
	Indicator
	n        int
	rounding float64
}

// values is how many values the distribution rests on. Gaps of one request depend on each
// other, so that a distribution of gaps rests on its requests.
func (in Indicator) values(c Cell) int {
	if in.Count != nil && in.Definition.Over == Request {
		return *in.Count
	}
	return c.Requests.OK
}

// distribution is the indicator of that name.
func (c Cell) distribution(name Name) distribution {
	in := c.Indicators[name]
	out := distribution{in, in.values(c), 0}
	switch {
	case slices.Contains(c.Flags, TwoDigits):
		out.rounding = math.Log(1.05) // 1.05 becomes 1.1
	case slices.Contains(c.Flags, Approximate):
		out.rounding = 2e-4
	}
	if at, known := in.center(); known && at > 0 && in.wholeMilliseconds() {
		out.rounding += math.Log1p(millisecond / at)
	}
	return out
}

const millisecond = 1e-3

// wholeMilliseconds says whether the tool's clock ticks so slowly that a time is off by up
// to a millisecond: every value is a whole number of them, of more than chance gives.
func (in Indicator) wholeMilliseconds() bool {
	whole := func(v float64) bool { return math.Abs(v/millisecond-math.Round(v/millisecond)) < 1e-6 }
	if len(in.Values) > 0 {
		return len(in.Values) >= 10 && !slices.ContainsFunc(in.Values, func(v float64) bool { return !whole(v) })
	}
	return len(in.Quantiles) >= 5 && !slices.ContainsFunc(in.Quantiles, func(q Quantile) bool { return !whole(q.Value) })
}

// estimate is a value, and where the true one lies. Ends of 0 are unknown.
type estimate struct{ value, low, high float64 }

func (e estimate) known() bool { return e.low > 0 && e.high > 0 }

// rounded widens the ends of e.
func (e estimate) rounded(off float64) estimate {
	e.low, e.high = e.low*math.Exp(-off), e.high*math.Exp(off)
	return e
}

// quantile is the quantile p, which d has. Of n values, the true one lies between the
// empirical ones of p ± 1.96·√(p(1−p)/n), with 95 %. Above the percentiles that d has it
// lies below the largest value, unless all n values are below it; Max is its upper end where
// that has 2.5 % at most.
func (d distribution) quantile(p float64) estimate {
	value, _ := d.Quantiles.At(p)
	off := twoSided * math.Sqrt(p*(1-p)/float64(max(d.n, 1)))
	out := estimate{value, d.at(p - off), d.at(p + off)}
	if out.high == 0 && d.Max != nil && math.Pow(p, float64(d.n)) <= .025 {
		out.high = *d.Max
	}
	if out.known() {
		out.low, out.high = min(out.low, value), max(out.high, value)
	}
	return out.rounded(d.rounding)
}

// at is the empirical quantile p: between single values, or else between the percentiles
// that are known, linear in the logarithm of the value over the normal score of p, which
// suits latencies. It is 0 outside of them.
func (d distribution) at(p float64) float64 {
	if rank := p*float64(len(d.Values)) - .5; rank >= 0 && rank <= float64(len(d.Values)-1) {
		i, share := int(rank), rank-math.Floor(rank)
		return d.Values[i] + share*(d.Values[min(i+1, len(d.Values)-1)]-d.Values[i])
	}
	q := d.Quantiles
	if v, ok := q.At(p); ok {
		return v
	}
	i := slices.IndexFunc(q, func(one Quantile) bool { return one.P > p })
	if i <= 0 || q[i-1].Value <= 0 {
		return 0
	}
	lower, upper := q[i-1], q[i]
	share := (score(p) - score(lower.P)) / (score(upper.P) - score(lower.P))
	return math.Exp(math.Log(lower.Value) + share*(math.Log(upper.Value)-math.Log(lower.Value)))
}

// score is the normal score of p.
func score(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// fewest is how many values a mean needs before its error is close to a normal one.
const fewest = 30

// mean is the mean, which d has. Its relative standard error is the coefficient of
// variation ÷ √n. Of n values that coefficient is itself off by 1 ÷ √n or so.
func (d distribution) mean() estimate {
	out := estimate{value: *d.Mean}
	variation, known := d.variation()
	if d.n < fewest || !known {
		return out
	}
	root := math.Sqrt(float64(d.n))
	off := math.Exp(twoSided * variation / root * (1 + 1/root))
	out.low, out.high = out.value/off, out.value*off
	return out.rounded(d.rounding)
}

// variation is the standard deviation ÷ the mean. Where a file has a mean and a 95th
// percentile alone, it is that of the lognormal distribution that has both:
// ln(p95 ÷ mean) = 1.645σ − σ²÷2.
func (d distribution) variation() (float64, bool) {
	if d.StdDev != nil && *d.Mean > 0 {
		return *d.StdDev / *d.Mean, true
	}
	p95, known := d.Quantiles.At(.95)
	if !known || *d.Mean <= 0 || p95 < *d.Mean {
		return 0, false
	}
	const z = 1.645
	left := z*z - 2*math.Log(p95 / *d.Mean)
	if left < 0 {
		return 0, false
	}
	sigma := z - math.Sqrt(left)
	return math.Sqrt(math.Expm1(sigma * sigma)), true
}
