package hindsight

import "math"

// confidence is that of every interval.
const confidence = .95

// ranks returns the ranks, counted from 1 in ascending order, of the two of n samples
// between which the quantile p of their source lies with at least the confidence. Rank 0 is
// below every sample, rank n+1 beyond every one: then n is too small to bound that side. The
// number of samples below the quantile is binomial, whatever the distribution is.
func ranks(n int, p float64) (low, high int) {
	const tail = (1 - confidence) / 2
	high = n + 1
	below := 0.0
	from := start(n, p)
	for k := from; k <= n; k++ {
		below += binomial(n, k, p) // the chance that k or fewer are below
		if below <= tail {
			low = k + 1
		}
		if below >= 1-tail {
			high = k + 1
			break
		}
	}
	if low == 0 && from > 0 {
		low = from
	}
	return low, min(high, n+1)
}

// start is a number below which the chances of n draws are next to nothing.
func start(n int, p float64) int {
	mean, spread := float64(n)*p, math.Sqrt(float64(n)*p*(1-p))
	return max(0, int(mean-12*spread-12))
}

// binomial is the chance of k among n independent draws with chance p each, 0 < p < 1.
func binomial(n, k int, p float64) float64 {
	all, _ := math.Lgamma(float64(n) + 1)
	some, _ := math.Lgamma(float64(k) + 1)
	rest, _ := math.Lgamma(float64(n-k) + 1)
	return math.Exp(all - some - rest + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// needed is the least number of events from which the upper end of the interval of a
// quantile is one of them: with fewer, nobody can bound it.
func needed(share float64) int {
	return int(math.Ceil(math.Log((1-confidence)/2) / math.Log(share)))
}

// atMost is the highest share that k of n observed ones leave possible, with the
// confidence: the upper end of the one-sided interval of Clopper and Pearson.
func atMost(k, n int) float64 {
	if n == 0 || k >= n {
		return 1
	}
	low, high := 0.0, 1.0
	for range 50 {
		p := (low + high) / 2
		chance := 0.0
		for i := max(0, min(k, start(n, p))); i <= k; i++ {
			chance += binomial(n, i, p)
		}
		if chance > 1-confidence {
			low = p
		} else {
			high = p
		}
	}
	return high
}
