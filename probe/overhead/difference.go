package overhead

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Difference is what the way through headway added to one indicator.
type Difference struct {
	Pairs           int           // that have the indicator both ways
	Direct, Through time.Duration // medians
	// Shift is the Hodges–Lehmann estimate of the difference: the median of the means of
	// all two differences. The true one lies from Low to High with 95 %, unless Bounded is
	// false: then there are too few pairs to tell.
	Shift, Low, High time.Duration
	Bounded          bool
	// P is how likely differences this large are where both ways are alike: of all ways to
	// exchange the two requests within pairs, the share that makes as large a difference.
	P float64
}

// Compare finds the difference of an indicator. Pairs that lack it on one side do not
// count; ok is false if none is left.
func Compare(pairs []Pair, indicator func(Sample) time.Duration) (d Difference, ok bool) {
	var direct, through, differences []float64
	for _, pair := range pairs {
		a, b := indicator(pair[Direct]), indicator(pair[Through])
		if a <= 0 || b <= 0 {
			continue
		}
		direct, through = append(direct, float64(a)), append(through, float64(b))
		differences = append(differences, float64(b-a))
	}
	if len(differences) == 0 {
		return d, false
	}
	means := walsh(differences)
	d = Difference{Pairs: len(differences), Direct: median(direct), Through: median(through), Shift: middle(means), P: permutation(differences)}
	if rank := lowRank(len(differences)); rank > 0 {
		d.Low, d.High, d.Bounded = time.Duration(means[rank-1]), time.Duration(means[len(means)-rank]), true
	}
	return d, true
}

// walsh are the means of all two values, each value with itself too, in ascending order.
func walsh(values []float64) []float64 {
	means := make([]float64, 0, len(values)*(len(values)+1)/2)
	for i, a := range values {
		for _, b := range values[:i+1] {
			means = append(means, (a+b)/2)
		}
	}
	slices.Sort(means)
	return means
}

func median(values []float64) time.Duration {
	slices.Sort(values)
	return middle(values)
}

// middle is the median of values in ascending order.
func middle(sorted []float64) time.Duration {
	n := len(sorted)
	return time.Duration((sorted[(n-1)/2] + sorted[n/2]) / 2)
}

// exactly is up to how many pairs the distribution of the signed-rank statistic is counted
// out. From there on the normal distribution is as good.
const exactly = 60

// lowRank is the rank of the Walsh average that the true shift exceeds with 97.5 %, from
// below; the interval ends as many ranks from above. It is 0 for fewer than 6 pairs, where
// no interval holds 95 % (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods,
// 3.3).
func lowRank(n int) int {
	const tail = .025
	if n > exactly {
		mean, variance := float64(n*(n+1))/4, float64(n*(n+1)*(2*n+1))/24
		return int(math.Floor(mean - 1.96*math.Sqrt(variance)))
	}
	ranks := make([]float64, n)
	for i := range ranks {
		ranks[i] = float64(i + 1)
	}
	ways := sumsOf(ranks)
	below, all := 0., math.Exp2(float64(n))
	for w := 0; w < len(ways); w += 2 {
		if below += ways[w]; below > tail*all {
			return w / 2
		}
	}
	return 0
}

// permutation is the p of the signed ranks of differences when either sign is as likely: of
// all signs that they could have, the share whose sum is as far from 0. Ranks weigh an
// answer that hung for a minute no more than the next one. Up to counted pairs it counts all
// signs; more make the distribution normal.
func permutation(differences []float64) float64 {
	const counted = 200
	ranks := signedRanks(differences)
	var positive, all, squares float64
	for _, rank := range ranks {
		all, squares = all+math.Abs(rank), squares+rank*rank
		if rank > 0 {
			positive += rank
		}
	}
	far := math.Abs(2*positive - all) // the sum of all signed ranks
	if far == 0 {
		return 1
	}
	if len(ranks) > counted {
		return math.Erfc(far / math.Sqrt(2*squares))
	}
	ways := sumsOf(ranks)
	as := 0.
	for twice, n := range ways { // twice the sum of the positive ranks
		if math.Abs(float64(twice)-all) >= far {
			as += n
		}
	}
	return as / math.Exp2(float64(len(ranks)))
}

// sumsOf counts the subsets of ranks by twice their sum: ranks of equal values end in a half.
func sumsOf(ranks []float64) []float64 {
	total := 0
	for _, rank := range ranks {
		total += int(2 * math.Abs(rank))
	}
	ways := make([]float64, total+1)
	ways[0] = 1
	reached := 0
	for _, rank := range ranks {
		twice := int(2 * math.Abs(rank))
		reached += twice
		for w := reached; w >= twice; w-- {
			ways[w] += ways[w-twice]
		}
	}
	return ways
}

// signedRanks are the ranks of the sizes of values, with the signs of the values. Equal
// sizes share their mean rank. Zeros have no sign and no rank.
func signedRanks(values []float64) []float64 {
	ranks := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return v == 0 })
	slices.SortFunc(ranks, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	for from := 0; from < len(ranks); {
		to := from + 1
		for to < len(ranks) && math.Abs(ranks[to]) == math.Abs(ranks[from]) {
			to++
		}
		mean := float64(from+1+to) / 2
		for i := from; i < to; i++ {
			ranks[i] = math.Copysign(mean, ranks[i])
		}
		from = to
	}
	return ranks
}
