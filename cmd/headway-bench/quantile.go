package main

import (
	"math"
	"slices"
)

// quantiles are the quantiles of some durations in nanoseconds, by nearest rank, so that each is one of the
// durations.
type quantiles struct {
	Count int   `json:"count"`
	P50   int64 `json:"p50"`
	P99   int64 `json:"p99"`
	P999  int64 `json:"p999"`
	Max   int64 `json:"max"`
}

// quantilesOf returns the quantiles of samples, and sorts samples in place.
func quantilesOf(samples []int64) quantiles {
	if len(samples) == 0 {
		return quantiles{}
	}
	slices.Sort(samples)
	at := func(q float64) int64 { return samples[int(math.Ceil(q*float64(len(samples))))-1] }
	return quantiles{Count: len(samples), P50: at(0.5), P99: at(0.99), P999: at(0.999), Max: samples[len(samples)-1]}
}

// median returns the median of values: the mean of the middle two when their number is even, and NaN when
// there is none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
