package prometheus

import (
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// The resolution of a native histogram and its bounds. Schema 3 is a growth of 2^(1/8),
// 9 %, a bucket: client_golang's factor of 1.1. At that, 160 buckets span a millionfold.
// Every reset looks like a restart to the server, so that resets are an hour apart at
// least.
const (
	fullSchema = 3
	maxBuckets = 160
	minReset   = time.Hour
)

// native holds the exponential buckets of a histogram (Prometheus, native histograms).
// Bucket k of schema s ends, inclusively, at 2^(k/2^s).
type native struct {
	fractions [1 << fullSchema]float64 // bounds of schema 3 in [0.5, 1)
	schema    int
	threshold float64 // values up to it are counted in zero
	zero      uint64
	first     int      // key of counts[0]
	counts    []uint64 // by key, without holes: some hundreds, because values are durations or token counts
	populated int
}

func newNative(threshold float64) *native {
	n := &native{schema: fullSchema, threshold: threshold}
	for i := range n.fractions {
		n.fractions[i] = math.Exp2(float64(i)/float64(len(n.fractions)) - 1)
	}
	return n
}

// key is the bucket of v, which is above the threshold, at the present schema. Without a
// native histogram it is 0.
func (n *native) key(v float64) int {
	if n == nil {
		return 0
	}
	fraction, exponent := math.Frexp(v)
	i := 0
	for i < len(n.fractions) && n.fractions[i] < fraction {
		i++
	}
	return n.coarser(i+(exponent-1)*len(n.fractions), fullSchema-n.schema)
}

// coarser is the bucket, at a schema lower by so many steps, that holds bucket key.
func (n *native) coarser(key, steps int) int { return (key + 1<<steps - 1) >> steps }

func (n *native) add(v float64, count uint64) {
	if v <= n.threshold {
		n.zero += count
		return
	}
	n.addKey(n.key(v), count)
}

func (n *native) addKey(key int, count uint64) {
	if i := key - n.first; i >= 0 && i < len(n.counts) && n.counts[i] > 0 {
		n.counts[i] += count
		return
	}
	n.insert(key, count)
}

// insert adds to a bucket that is not populated yet.
func (n *native) insert(key int, count uint64) {
	switch {
	case len(n.counts) == 0:
		n.first = key
		n.counts = append(n.counts, 0)
	case key < n.first:
		grown := make([]uint64, n.first-key+len(n.counts))
		copy(grown[n.first-key:], n.counts)
		n.first, n.counts = key, grown
	}
	for key >= n.first+len(n.counts) {
		n.counts = append(n.counts, 0)
	}
	n.counts[key-n.first] = count
	n.populated++
}

// coarse says whether shrink has widened the buckets.
func (n *native) coarse() bool { return n.schema < fullSchema }

func (n *native) overfull() bool { return n.populated > maxBuckets }

// shrink doubles the width of all buckets until there are few enough, or until they are
// as wide as they can be.
func (n *native) shrink() {
	for n.overfull() && n.schema > -4 {
		wider := native{fractions: n.fractions, schema: n.schema - 1, threshold: n.threshold, zero: n.zero}
		for i, count := range n.counts {
			if count > 0 {
				wider.addKey(n.coarser(n.first+i, 1), count)
			}
		}
		*n = wider
	}
}

// write fills in the native part of out: spans of consecutive buckets, and for
// each bucket its difference to the one before. Up to two empty buckets are
// cheaper than a new span.
func (n *native) write(out *dto.Histogram) {
	out.Schema = new(int32(n.schema))
	out.ZeroThreshold = new(n.threshold)
	out.ZeroCount = new(n.zero)
	next, previous := 0, int64(0)
	put := func(count int64) {
		out.PositiveDelta = append(out.PositiveDelta, count-previous)
		*out.PositiveSpan[len(out.PositiveSpan)-1].Length++
		previous = count
	}
	for i, count := range n.counts {
		if count == 0 {
			continue
		}
		key := n.first + i
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
