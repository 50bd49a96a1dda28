package drift

import (
	"math"
	"slices"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

func referenceOf(t *testing.T, p, q []float64) *Reference {
	t.Helper()
	of := baseline.Indicator{Definition: baseline.Definition{Over: baseline.Request}}
	for i := range p {
		of.Quantiles.Set(p[i], q[i])
	}
	r, err := NewReference(of, baseline.Requests{OK: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var five = []float64{.5, .75, .9, .95, .99}

func TestWeights(t *testing.T) {
	q := []float64{.350, .428, .514, .573, .703}
	for _, test := range []struct {
		name     string
		p, q     []float64
		slowdown float64
		want     []float64
	}{
		{"five percentiles, + 10 %", five, q, 1.1, []float64{.750546, 1.053672, 1.294501, 1.494918, 1.752560, 2.228539}},
		{"five percentiles, + 25 %", five, q, 1.25, []float64{.456680, .969888, 1.564490, 2.219685, 3.168845, 5.677636}},
		{"five percentiles, + 50 %", five, q, 1.5, []float64{.176221, .638812, 1.493545, 2.870178, 5.499305, 16.467355}},
		{"five percentiles, twice", five, q, 2, []float64{.020773, .160054, .673669, 2.013764, 6.339524, 49.428050}},
		{"five percentiles, three times", five, q, 3, []float64{.000248, .005021, .048091, .261712, 1.718363, 90.958711}},
		{"median and p99 alone", []float64{.5, .99}, []float64{.350, .703}, 1.25, []float64{.456680, 1.458853, 5.682211}},
	} {
		got := referenceOf(t, test.p, test.q).weights(test.slowdown)
		if !slices.EqualFunc(got, test.want, func(a, b float64) bool { return math.Abs(a-b) < 2e-6 }) {
			t.Errorf("%s: %.6f, want %.6f", test.name, got, test.want)
		}
	}
}

// A tail of stalls makes a fast bin likelier under the slowdown than the slower one beside
// it. The weights must ascend all the same, with a mean of 1.
func TestWeightsAscendWithAMeanOfOne(t *testing.T) {
	stalls := []float64{1.010, 1.206, 1.439, 1.659, 3.405}
	for _, q := range [][]float64{{.350, .428, .514, .573, .703}, stalls, {1, 1, 1.2, 1.2, 9}} {
		r := referenceOf(t, five, q)
		for _, slowdown := range slowdowns {
			weights, mean := r.weights(slowdown), 0.0
			for i, w := range weights {
				mean += w * r.shares[i]
			}
			if !slices.IsSorted(weights) || math.Abs(mean-1) > 1e-12 {
				t.Errorf("q %v, slowdown %v: weights %.3f with mean %v, want them ascending with mean 1", q, slowdown, weights, mean)
			}
		}
	}
	raw := []float64{.855, .779, 1.383, 1.790, 1.697, 1.268}
	shares := []float64{.5, .25, .15, .05, .04, .01}
	ascend(raw, shares)
	want := []float64{.8297, .8297, 1.383, 1.7006, 1.7006, 1.7006}
	if !slices.EqualFunc(raw, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-4 }) {
		t.Errorf("pooled %.4f, want %.4f", raw, want)
	}
}
