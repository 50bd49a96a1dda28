package baseline

import (
	"cmp"
	"math"
	"slices"
)

// Sample gathers single values, in seconds. Up to a million it keeps every one, and its
// quantiles are exact. Beyond, it counts them in buckets 1/4096 of an octave wide: a
// quantile is then within 0.02 %. Count, mean, deviation, least and largest stay exact.
// Its memory is bounded by 10 MB. The zero Sample is ready; it belongs to one goroutine.
type Sample struct {
	// Keep is how many values the Sample keeps, if not a million. It stands before the first
	// value.
	Keep int

	kept     []float64
	sorted   bool
	buckets  []int64
	count    int
	mean, m2 float64
	min, max float64
}

// exact is how many values a Sample keeps unless it has another Keep.
const exact = 1 << 20

// The buckets cover 2^-24 s (60 ns) to 2^24 s (194 days), by the first 12 bits of the
// mantissa. Whatever is smaller counts as 0.
const (
	octaves    = 48
	perOctave  = 1 << 12
	bucketBits = 52 - 12
)

var lowest = math.Float64bits(0x1p-24) >> bucketBits

// Add adds a value that is finite and not negative.
func (s *Sample) Add(v float64) {
	if s.count == 0 || v < s.min {
		s.min = v
	}
	s.max = max(s.max, v)
	s.count++
	off := v - s.mean
	s.mean += off / float64(s.count)
	s.m2 += off * (v - s.mean)
	if s.buckets != nil {
		s.buckets[bucket(v)]++
		return
	}
	s.kept, s.sorted = append(s.kept, v), false
	if len(s.kept) > cmp.Or(s.Keep, exact) {
		s.buckets = make([]int64, octaves*perOctave+1)
		for _, v := range s.kept {
			s.buckets[bucket(v)]++
		}
		s.kept = nil
	}
}

// AddTimes adds a value so many times.
func (s *Sample) AddTimes(v float64, times int) {
	for ; times > 0 && s.buckets == nil; times-- {
		s.Add(v)
	}
	if times <= 0 {
		return
	}
	before, n := float64(s.count), float64(times)
	s.min, s.max = min(s.min, v), max(s.max, v)
	s.count += times
	off := v - s.mean
	s.mean += off * n / (before + n)
	s.m2 += off * off * before * n / (before + n)
	s.buckets[bucket(v)] += int64(times)
}

// bucket is 0 for what is too small, and the last one for what is too large.
func bucket(v float64) int {
	key := math.Float64bits(v) >> bucketBits
	if key < lowest {
		return 0
	}
	return int(min(key-lowest+1, octaves*perOctave))
}

// Mean is the mean of the values.
func (s *Sample) Mean() float64 { return s.mean }

// Count is the number of values.
func (s *Sample) Count() int { return s.count }

// Sum is the sum of the values.
func (s *Sample) Sum() float64 { return s.mean * float64(s.count) }

// Approximate says whether quantiles are within 0.02 % rather than exact.
func (s *Sample) Approximate() bool { return s.buckets != nil }

// grid are the quantiles that an Indicator gets. The outer ones need a thousand values.
var (
	grid  = []float64{.01, .05, .1, .25, .5, .75, .9, .95, .99}
	outer = []float64{.001, .999}
)

// Indicator sums up the sample by the rule of d, with a quantile for each of shares beside
// the usual ones, and with its Values where one value is one request. The sample must not
// be empty.
func (s *Sample) Indicator(d Definition, shares ...float64) Indicator {
	out := Indicator{Definition: d, Count: new(s.count), Mean: new(s.mean), Min: new(s.min), Max: new(s.max)}
	out.StdDev = new(math.Sqrt(s.m2 / float64(s.count)))
	all := append(slices.Clone(grid), shares...)
	if s.count >= 1000 {
		all = append(all, outer...)
	}
	for _, p := range all {
		out.Quantiles.Set(p, s.Quantile(p, d.Percentiles))
	}
	if d.Over == Request {
		out.Values = s.values()
	}
	return out
}

// Quantile returns the value of p by the rule. The sample must not be empty.
func (s *Sample) Quantile(p float64, rule Rule) float64 {
	if s.buckets != nil {
		return s.bucketed(p)
	}
	if !s.sorted {
		slices.Sort(s.kept)
		s.sorted = true
	}
	last := len(s.kept) - 1
	switch n := float64(len(s.kept)); rule {
	case NearestRank:
		return s.kept[min(max(int(math.Ceil(p*n-1e-9))-1, 0), last)]
	case FloorRank:
		return s.kept[min(int(p*n), last)]
	}
	rank := p * float64(last)
	below := min(int(rank), last)
	low, high := s.kept[below], s.kept[min(below+1, last)]
	return low + (high-low)*(rank-float64(below))
}

// bucketed returns the middle of the bucket that holds the rank of p.
func (s *Sample) bucketed(p float64) float64 {
	rank := int64(p * float64(s.count-1))
	for i, n := range s.buckets {
		if rank -= n; rank >= 0 {
			continue
		}
		return s.middle(i)
	}
	return s.max
}

// middle is the middle of a bucket, within the least and the largest value.
func (s *Sample) middle(i int) float64 {
	if i == 0 {
		return s.min
	}
	low := math.Float64frombits((lowest + uint64(i) - 1) << bucketBits)
	high := math.Float64frombits((lowest + uint64(i)) << bucketBits)
	return min(max((low+high)/2, s.min), s.max)
}
