package prometheus

import (
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/headway-sidecar/headway/exporter"
	"github.com/headway-sidecar/headway/exporter/series"
)

// The resolution of a native histogram and its bounds. Schema 3 is a growth of 2^(1/8),
// 9 %, a bucket: client_golang's factor of 1.1. At that, 160 buckets span a millionfold.
// Every reset looks like a restart to the server, so that resets are an hour apart at
// least. Schema -4 is the coarsest that a server reads.
const (
	fullSchema     = 3
	coarsestSchema = -4
	maxBuckets     = 160
	minReset       = time.Hour
)

// addNative adds samples to a histogram with native buckets. If it has too many of them,
// or has had, it begins anew at the full schema, as a restarted process would; within an
// hour of its beginning it widens its buckets.
func (h *histogram) addNative(samples exporter.Samples, at time.Time) {
	old := at.Sub(h.created) >= minReset
	if old && h.Exponential.Coarse() {
		h.restart(at)
	}
	h.Add(samples)
	if old && h.Exponential.Populated() > maxBuckets {
		h.restart(at)
		h.Add(samples)
	}
	for h.Exponential.Populated() > maxBuckets && h.Exponential.Scale() > coarsestSchema {
		h.Exponential.Coarsen()
	}
}

func (h *histogram) restart(at time.Time) {
	h.created = at
	h.Reset(h.Bounds)
}

// writeNative fills in the native part of out: spans of consecutive buckets, and for
// each bucket its difference to the one before. Up to two empty buckets are
// cheaper than a new span.
func writeNative(out *dto.Histogram, from *series.Exponential) {
	threshold, zero := from.Zero()
	out.Schema = new(int32(from.Scale()))
	out.ZeroThreshold = new(threshold)
	out.ZeroCount = new(zero)
	next, previous := 0, int64(0)
	put := func(count int64) {
		out.PositiveDelta = append(out.PositiveDelta, count-previous)
		*out.PositiveSpan[len(out.PositiveSpan)-1].Length++
		previous = count
	}
	first, counts := from.Buckets()
	for i, count := range counts {
		if count == 0 {
			continue
		}
		key := first + i
		if gap := key - next; len(out.PositiveSpan) == 0 || gap > 2 {
			out.PositiveSpan = append(out.PositiveSpan, &dto.BucketSpan{Offset: new(int32(gap)), Length: new(uint32(0))})
		} else {
			for range gap {
				put(0)
			}
		}
		put(int64(count))
		next = key + 1
	}
}
