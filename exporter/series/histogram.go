package series

import (
	"math"

	"github.com/headway-sidecar/headway/exporter"
)

// Histogram adds samples up, each with its weight. A sample of weight 1000 costs as much
// as one of weight 1, and all samples of an exchange cost one lock of the caller's. It has
// explicit buckets, exponential ones, or both. It is for one goroutine at a time.
type Histogram struct {
	Count    uint64
	Sum      float64
	Min, Max float64 // while Count is not 0

	Bounds      []float64    // inclusive upper bounds of explicit buckets, ascending
	Buckets     []uint64     // by index of Bounds, not cumulative; the last is above all bounds. Nil without explicit buckets
	Exponential *Exponential // nil without exponential buckets
}

// NewHistogram returns an empty Histogram. No bounds are no explicit buckets.
func NewHistogram(bounds []float64, exponential *Exponential) Histogram {
	h := Histogram{Exponential: exponential}
	h.Reset(bounds)
	return h
}

// Reset empties h. From now on it has these bounds.
func (h *Histogram) Reset(bounds []float64) {
	h.Count, h.Sum, h.Min, h.Max = 0, 0, 0, 0
	switch {
	case len(bounds) == 0:
		h.Buckets = nil
	case len(h.Buckets) == len(bounds)+1:
		clear(h.Buckets)
	default:
		h.Buckets = make([]uint64, len(bounds)+1)
	}
	h.Bounds = bounds
	if h.Exponential != nil {
		h.Exponential.Reset()
	}
}

// Add adds samples, whose Extra it does not look at.
func (h *Histogram) Add(samples exporter.Samples) {
	if h.Count == 0 {
		h.Min, h.Max = math.Inf(1), math.Inf(-1)
	}
	b := 0
	for i := range samples {
		v, n := samples[i].Value, samples[i].Count
		if n == 0 {
			continue
		}
		h.Count += n
		h.Sum += v * float64(n)
		if v < h.Min {
			h.Min = v
		}
		if v > h.Max {
			h.Max = v
		}
		if h.Buckets != nil {
			b = h.bucket(v, b)
			h.Buckets[b] += n
		}
		if h.Exponential != nil {
			h.Exponential.add(v, n)
		}
	}
}

// bucket is the index of the first bound that is not below v. It looks from a guess on,
// because the gaps of a stream are much alike.
func (h *Histogram) bucket(v float64, guess int) int {
	for guess > 0 && v <= h.Bounds[guess-1] {
		guess--
	}
	for guess < len(h.Bounds) && v > h.Bounds[guess] {
		guess++
	}
	return guess
}
