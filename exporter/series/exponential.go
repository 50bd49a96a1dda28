package series

import "math"

// Exponential holds the exponential buckets of a histogram. Bucket k of scale s ends,
// inclusively, at 2^(k/2^s). Prometheus numbers its native buckets so, and calls the scale
// the schema (Prometheus, Native Histograms). The index of OpenTelemetry is smaller by one
// (Metrics Data Model, ExponentialHistogram).
type Exponential struct {
	full, scale int
	threshold   float64
	zero        uint64
	first       int      // the bucket of counts[0]
	counts      []uint64 // by bucket, without holes: some hundreds, because values are durations or token counts
	populated   int
}

// FinestScale is the finest scale of all: a growth of 2^(1/16), 4.4 %, a bucket.
const FinestScale = 4

// fractions are the bounds of the finest buckets in [0.5, 1).
var fractions = func() (all [1 << FinestScale]float64) {
	for i := range all {
		all[i] = math.Exp2(float64(i)/float64(len(all)) - 1)
	}
	return all
}()

// NewExponential returns empty buckets of a scale of at most FinestScale. Values up to the
// threshold go into the zero bucket.
func NewExponential(scale int, threshold float64) *Exponential {
	return &Exponential{full: scale, scale: scale, threshold: threshold}
}

// Reset empties all buckets and gives them the scale of the beginning.
func (x *Exponential) Reset() {
	*x = Exponential{full: x.full, scale: x.full, threshold: x.threshold, counts: x.counts[:0]}
}

// Scale is the present scale.
func (x *Exponential) Scale() int { return x.scale }

// Coarse says whether Coarsen has widened the buckets since they were empty.
func (x *Exponential) Coarse() bool { return x.scale < x.full }

// Zero returns the threshold of the zero bucket and the number of values in it.
func (x *Exponential) Zero() (threshold float64, count uint64) { return x.threshold, x.zero }

// Populated is the number of buckets that hold a value, without the zero bucket.
func (x *Exponential) Populated() int { return x.populated }

// Buckets returns the counts of consecutive buckets and the number of the first of them.
// The counts belong to x, and are valid until it changes.
func (x *Exponential) Buckets() (first int, counts []uint64) { return x.first, x.counts }

// Coarsen doubles the width of all buckets.
func (x *Exponential) Coarsen() {
	wider := Exponential{full: x.full, scale: x.scale - 1, threshold: x.threshold, zero: x.zero}
	for i, count := range x.counts {
		if count > 0 {
			wider.addTo(coarser(x.first+i, 1), count)
		}
	}
	*x = wider
}

func (x *Exponential) add(v float64, count uint64) {
	if v <= x.threshold {
		x.zero += count
		return
	}
	x.addTo(x.bucket(v), count)
}

// bucket is the bucket of v, which is above the threshold, at the present scale.
func (x *Exponential) bucket(v float64) int {
	fraction, exponent := math.Frexp(v)
	i := 0
	for step := len(fractions) / 2; step > 0; step /= 2 {
		if fractions[i+step-1] < fraction {
			i += step
		}
	}
	if fractions[i] < fraction {
		i++
	}
	return coarser(i+(exponent-1)*len(fractions), FinestScale-x.scale)
}

// coarser is the bucket, at a scale lower by so many steps, that holds bucket k.
func coarser(k, steps int) int { return (k + 1<<steps - 1) >> steps }

func (x *Exponential) addTo(k int, count uint64) {
	if i := k - x.first; i >= 0 && i < len(x.counts) && x.counts[i] > 0 {
		x.counts[i] += count
		return
	}
	x.insert(k, count)
}

// insert adds to a bucket that holds nothing yet.
func (x *Exponential) insert(k int, count uint64) {
	switch {
	case len(x.counts) == 0:
		x.first = k
		x.counts = append(x.counts, 0)
	case k < x.first:
		grown := make([]uint64, x.first-k+len(x.counts))
		copy(grown[x.first-k:], x.counts)
		x.first, x.counts = k, grown
	}
	for k >= x.first+len(x.counts) {
		x.counts = append(x.counts, 0)
	}
	x.counts[k-x.first] = count
	x.populated++
}
