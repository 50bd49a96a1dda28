package drift

import (
	"math"
	"slices"
)

// window holds the latest ln ratios to the load test. When it is full it forgets its older
// half. So it always begins at a point that was fixed in advance, and an interval that
// holds at every length holds for it.
type window struct {
	values []float32
	first  int64 // the number of the observation at values[0]
}

const windowSize = 720 // six hours of canaries every 30 s

func newWindow() window { return window{values: make([]float32, 0, windowSize)} }

func (w *window) add(value float32) {
	if len(w.values) == cap(w.values) {
		older := len(w.values) / 2
		w.values = w.values[:copy(w.values, w.values[older:])]
		w.first += int64(older)
	}
	w.values = append(w.values, value)
}

// since returns the values from the observation with the number first on, sorted, as a copy.
func (w *window) since(first int64) []float64 {
	skip := int(max(0, min(first-w.first, int64(len(w.values)))))
	values := make([]float64, 0, len(w.values)-skip)
	for _, v := range w.values[skip:] {
		values = append(values, float64(v))
	}
	slices.Sort(values)
	return values
}

// Ratio is the service's latency ÷ that of the load test, at the percentile next to the
// median that the load test has.
type Ratio struct {
	Value     float64
	Low, High float64 // 95 %, at every moment at once. 0 and +Inf are unbounded
	Of        int     // observations
}

// ratio estimates the quantile p of sorted ln ratios.
func ratio(sorted []float64, p float64) Ratio {
	n := len(sorted)
	if n == 0 {
		return Ratio{High: math.Inf(1)}
	}
	r := Ratio{Value: math.Exp(sorted[min(n-1, int(p*float64(n)))]), High: math.Inf(1), Of: n}
	low, high := anytimeRanks(n, p)
	if low > 0 {
		r.Low = math.Exp(sorted[low-1])
	}
	if high < n {
		r.High = math.Exp(sorted[high])
	}
	return r
}

// anytimeRanks returns the fewest and the most of n values that may lie at or below the
// true quantile p. They hold for all n at once with a probability of 95 %: a mixture of
// binomial likelihoods over Beta(n0·p, n0·(1−p)) (arXiv 1906.09712).
func anytimeRanks(n int, p float64) (low, high int) {
	const (
		miss     = 0.05
		tightest = 100 // values
	)
	doubled := 2 * math.Log(1/miss)
	n0 := tightest/(doubled+math.Log1p(doubled)) - 1
	a, b := n0*p, n0*(1-p)
	against := func(k int) float64 {
		below, above := float64(k), float64(n-k)
		return lnBeta(a+below, b+above) - lnBeta(a, b) - below*math.Log(p) - above*math.Log1p(-p)
	}
	accepted := func(k int) bool { return k >= 0 && k <= n && against(k) < math.Log(1/miss) }
	low = int(math.Round(float64(n) * p))
	high = low
	for accepted(low - 1) {
		low--
	}
	for accepted(high + 1) {
		high++
	}
	return low, high
}

func lnBeta(a, b float64) float64 {
	lnA, _ := math.Lgamma(a)
	lnB, _ := math.Lgamma(b)
	both, _ := math.Lgamma(a + b)
	return lnA + lnB - both
}
