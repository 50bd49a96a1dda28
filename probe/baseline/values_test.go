package baseline_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/headway-sidecar/headway/probe/baseline"
)

func TestAnIndicatorKeepsAsManyValuesAsAFileMayHold(t *testing.T) {
	for _, n := range []int{1, 2, 127, 128, 129, 1000, 5000, 1_100_000} {
		var s baseline.Sample
		var all []float64
		random := rand.New(rand.NewPCG(uint64(n), 1))
		for range n {
			v := math.Exp(random.NormFloat64())
			all = append(all, v)
			s.Add(v)
		}
		slices.Sort(all)
		got := s.Indicator(baseline.Definition{Over: baseline.Request}).Values
		if len(got) != min(n, baseline.MaxValues) || !slices.IsSorted(got) {
			t.Fatalf("of %d: %d values", n, len(got))
		}
		for i, v := range got {
			if n <= baseline.MaxValues && math.Abs(v/all[i]-1) > 5e-6 {
				t.Errorf("of %d: value %d is %v, want %v", n, i, v, all[i])
			}
			// Six digits and, of a million values, buckets move few across v.
			upTo, _ := slices.BinarySearch(all, v)
			if off := math.Abs(float64(i+1)/float64(len(got)) - float64(upTo)/float64(n)); n > baseline.MaxValues && off > .5/baseline.MaxValues+2.0/float64(n)+1e-4 {
				t.Errorf("of %d: the share up to value %d is off by %v", n, i, off)
			}
		}
	}
	var gaps baseline.Sample
	gaps.Add(1)
	if in := gaps.Indicator(baseline.Definition{Over: baseline.ChunkGap}); in.Values != nil {
		t.Error("gaps between chunks are no requests")
	}
}

func TestValuesAreReadStrictly(t *testing.T) {
	good := written(t, measured(.2, 16, 3, 1))
	_, rest, _ := strings.Cut(good, `"values": `)
	array, _, _ := strings.Cut(rest, "\n")
	if strings.Count(array, ",") != 2 {
		t.Fatalf("want three values on one line, not %s", array)
	}
	for _, tt := range []struct{ name, put, want string }{
		{"a word", "[0.1,fast,0.3]", "line "},
		{"a text", `["0.1",0.2,0.3]`, "want seconds"},
		{"no array", `"0.1"`, "want an array of seconds"},
		{"an array inside", "[[0.1,0.2,0.3]]", "want seconds"},
		{"out of order", "[0.3,0.2,0.1]", "indicators.ttft.values: want them in order"},
		{"too few for the count", "[0.1,0.2]", "there are 2; want as many as count, and 128 at most"},
		{"none", "[]", ""},
		{"null", "null", "want an array of seconds"},
		{"a negative time", "[-0.1,0.2,0.3]", "-0.1; want seconds"},
		{"a time without end", "[0.1,0.2,1e400]", "want seconds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := baseline.Read(strings.NewReader(strings.Replace(good, array, tt.put, 1)))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want %q in it", err, tt.want)
			}
		})
	}
	gaps := strings.Replace(good, `"over": "request"`, `"over": "chunk_gap"`, 1)
	if _, err := baseline.Read(strings.NewReader(gaps)); err == nil || !strings.Contains(err.Error(), `over is "chunk_gap"; want "request"`) {
		t.Errorf("%v", err)
	}
}
