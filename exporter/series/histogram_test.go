package series_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/series"
)

// weighted are so many observations of a value.
func weighted(v float64, n uint64) exporter.Samples { return exporter.Samples{{Value: v, Count: n}} }

func TestASampleCountsAsOftenAsItsWeightSays(t *testing.T) {
	once := series.NewHistogram([]float64{1, 2}, series.NewExponential(3, .5))
	each := series.NewHistogram([]float64{1, 2}, series.NewExponential(3, .5))
	for _, v := range []float64{0, .5, 1, 1.5, 2, 3} {
		once.Add(weighted(v, 1000))
		for range 1000 {
			each.Add(weighted(v, 1))
		}
	}
	if once.Count != 6000 || once.Count != each.Count || once.Sum != each.Sum || once.Min != 0 || once.Max != 3 {
		t.Errorf("%d of %v in all from %v to %v, want %d of %v from 0 to 3", once.Count, once.Sum, once.Min, once.Max, each.Count, each.Sum)
	}
	if want := []uint64{3000, 2000, 1000}; !slices.Equal(once.Buckets, want) || !slices.Equal(each.Buckets, want) {
		t.Errorf("buckets %v and %v, want %v", once.Buckets, each.Buckets, want)
	}
	first, counts := once.Exponential.Buckets()
	if from, want := each.Exponential.Buckets(); first != from || !slices.Equal(counts, want) {
		t.Errorf("exponential buckets %v from %d, want %v from %d", counts, first, want, from)
	}
	if threshold, n := once.Exponential.Zero(); threshold != .5 || n != 2000 {
		t.Errorf("%d up to %v, want 2000 up to .5", n, threshold)
	}
}

func TestASampleWithoutWeightIsNone(t *testing.T) {
	h := series.NewHistogram([]float64{1}, series.NewExponential(3, 0))
	h.Add(weighted(5, 0))
	if h.Add(weighted(2, 1)); h.Count != 1 || h.Max != 2 || h.Exponential.Populated() != 1 {
		t.Errorf("%d, up to %v, in %d buckets; want only the one of 2", h.Count, h.Max, h.Exponential.Populated())
	}
}

func TestWhatIsResetIsAsNew(t *testing.T) {
	h := series.NewHistogram([]float64{1, 2}, series.NewExponential(3, .5))
	h.Add(weighted(.1, 3))
	h.Add(weighted(7, 3))
	h.Exponential.Coarsen()
	h.Reset([]float64{1, 4, 9})
	h.Add(weighted(5, 1))
	if _, n := h.Exponential.Zero(); h.Count != 1 || h.Min != 5 || h.Max != 5 || n != 0 || h.Exponential.Scale() != 3 || h.Exponential.Coarse() {
		t.Errorf("%+v keeps what was before", h)
	}
	if want := []uint64{0, 0, 1, 0}; !slices.Equal(h.Buckets, want) {
		t.Errorf("buckets %v, want %v", h.Buckets, want)
	}
	if _, counts := h.Exponential.Buckets(); !slices.Equal(counts, []uint64{1}) {
		t.Errorf("exponential buckets %v, want one", counts)
	}
}

// A bound belongs to the bucket that it ends, at every scale (Prometheus, Native
// Histograms; OpenTelemetry, Metrics Data Model: ExponentialHistogram).
func TestExponentialBucketsEndAtTheirBounds(t *testing.T) {
	for scale := -4; scale <= series.FinestScale; scale++ {
		for k := -40; k <= 40; k++ {
			bound := math.Exp2(math.Ldexp(float64(k), -scale))
			if bound == 0 || math.IsInf(bound, 0) {
				continue
			}
			if math.Trunc(math.Log2(bound)) != math.Log2(bound) { // only powers of two are exact
				bound *= 1 - 1e-12
			}
			if got := bucketOf(scale, bound); got != k {
				t.Errorf("scale %d: %v is in bucket %d, want %d", scale, bound, got, k)
			}
			if got := bucketOf(scale, bound*(1+1e-9)); got != k+1 {
				t.Errorf("scale %d: a bit more than %v is in bucket %d, want %d", scale, bound, got, k+1)
			}
		}
	}
}

// bucketOf is the bucket of v in buckets of a scale.
func bucketOf(scale int, v float64) int {
	h := series.NewHistogram(nil, series.NewExponential(min(scale, series.FinestScale), 0))
	h.Add(weighted(v, 1))
	first, _ := h.Exponential.Buckets()
	return first
}

// However coarse the buckets become, and whenever, they hold what they would hold if they
// had been so from the start.
func TestCoarserBucketsLoseNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 20261130))
	for range 200 {
		grown, fresh := series.NewExponential(4, 1e-4), series.NewExponential(4, 1e-4)
		all, steps := make(exporter.Samples, 1+random.IntN(50)), random.IntN(6)
		for i := range all {
			all[i] = exporter.Sample{Value: math.Exp(8 * random.NormFloat64()), Count: 1 + random.Uint64N(3)}
		}
		a, b := series.NewHistogram(nil, grown), series.NewHistogram(nil, fresh)
		for i := range all {
			if i%9 == 4 && 4-grown.Scale() < steps {
				grown.Coarsen()
			}
			a.Add(all[i : i+1])
		}
		b.Add(all)
		for 4-grown.Scale() < steps {
			grown.Coarsen()
		}
		for range steps {
			fresh.Coarsen()
		}
		first, counts := grown.Buckets()
		if from, want := fresh.Buckets(); first != from || !slices.Equal(counts, want) || grown.Populated() != fresh.Populated() {
			t.Fatalf("%d steps: %v from %d, want %v from %d", steps, counts, first, want, from)
		}
	}
}

func TestExemplarsAreTheNewestOfTheirBuckets(t *testing.T) {
	h := series.NewHistogram([]float64{1, 10}, series.NewExponential(0, .5))
	x := series.NewExemplars[string](2)
	if x.Bucket(0) != nil || len(x.Recent()) != 0 {
		t.Error("there are exemplars before the first")
	}
	put := func(mark string, all ...float64) {
		var samples exporter.Samples
		for _, v := range all {
			samples.Add(v)
		}
		h.Add(samples)
		x.Put(&h, samples, mark)
	}
	put("a", 2, 4, 3)
	put("b", 1)
	put("c", 3)
	if e := x.Bucket(1); e == nil || e.Value != 3 || e.Mark != "c" {
		t.Errorf("the bucket up to 10 has the exemplar %+v, want that of c", e)
	}
	if e := x.Bucket(2); e != nil {
		t.Errorf("a bucket without samples has the exemplar %+v", e)
	}
	var marks []string
	for _, e := range x.Recent() {
		marks = append(marks, e.Mark)
	}
	if want := []string{"b", "c"}; !slices.Equal(marks, want) {
		t.Errorf("the newest are %v, want %v", marks, want)
	}
	if x.Reset(); x.Bucket(1) != nil || len(x.Recent()) != 0 {
		t.Error("exemplars outlive a reset")
	}
}
