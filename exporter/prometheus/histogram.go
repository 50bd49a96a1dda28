package prometheus

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/headway-sidecar/headway/exporter"
)

// histograms holds all series of one histogram.
//
// client_golang's own Histogram takes one observation at a time, at some 110 ns each. For
// the three instruments that take every token of a stream, that is more than all other
// work of headway on a chunk. This histogram takes the samples of an exchange at once,
// each with its weight, for a fifth of that. It exposes the very same message; a test
// holds the two side by side.
type histograms struct {
	*client.MetricVec
	bounds atomic.Pointer[[]float64] // of series that are made later; nil without classic buckets
}

func newHistograms(desc *client.Desc, in *exporter.Instrument, form Histograms) *histograms {
	h := new(histograms)
	if form != Native {
		h.bounds.Store(&in.Bounds)
	}
	h.MetricVec = client.NewMetricVec(desc, func(values ...string) client.Metric {
		one := &histogram{desc: desc, labels: client.MakeLabelPairs(desc, values), created: time.Now()}
		if bounds := h.bounds.Load(); bounds != nil {
			one.bounds = *bounds
		}
		one.buckets = make([]uint64, len(one.bounds))
		if form != Classic {
			one.native = newNative(in.Zero)
		}
		return one
	})
	return h
}

// rebound drops all series, so that new ones have other bounds, unless these are the
// present bounds. It says whether it did.
func (h *histograms) rebound(bounds []float64) bool {
	if now := h.bounds.Load(); now == nil || slices.Equal(*now, bounds) {
		return false
	}
	h.bounds.Store(&bounds)
	h.Reset()
	return true
}

func (h *histograms) with(values []string) sink {
	m, err := h.GetMetricWithLabelValues(values...)
	if err != nil {
		panic(err)
	}
	return m.(*histogram)
}

func (h *histograms) end(values []string) { h.DeleteLabelValues(values...) }

// histogram is one series. It takes its lock once an exchange, not once a sample.
type histogram struct {
	desc   *client.Desc
	labels []*dto.LabelPair
	bounds []float64

	mu        sync.Mutex
	created   time.Time
	count     uint64
	sum       float64
	buckets   []uint64 // not cumulative; values above the last bound are in count only
	native    *native  // nil for a classic histogram
	exemplars exemplars
}

// observe implements sink. The largest sample becomes the exemplar, because people will
// ask about that one.
func (h *histogram) observe(samples exporter.Samples, m mark) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.native != nil && h.native.coarse() && m.at.Sub(h.created) >= minReset {
		h.reset(m.at)
	}
	h.add(samples)
	if h.native != nil && h.native.overfull() {
		if m.at.Sub(h.created) >= minReset {
			h.reset(m.at)
			h.add(samples)
		}
		h.native.shrink()
	}
	if m.trace == "" {
		return
	}
	top := 0.0
	for i := range samples {
		top = max(top, samples[i].Value)
	}
	h.exemplars.put(exemplar{value: top, mark: m}, h.bucket(top), h.native.key(top), len(h.bounds))
}

func (h *histogram) add(samples exporter.Samples) {
	for i := range samples {
		v, n := samples[i].Value, samples[i].Count
		h.count += n
		h.sum += v * float64(n)
		if b := h.bucket(v); b < len(h.buckets) {
			h.buckets[b] += n
		}
		if h.native != nil {
			h.native.add(v, n)
		}
	}
}

// bucket is the index of the first bound that is not below v.
func (h *histogram) bucket(v float64) int {
	for i, bound := range h.bounds {
		if v <= bound {
			return i
		}
	}
	return len(h.bounds)
}

// reset starts the histogram anew, as a restarted process would.
func (h *histogram) reset(at time.Time) {
	h.created, h.count, h.sum = at, 0, 0
	clear(h.buckets)
	h.native = newNative(h.native.threshold)
}

// Desc implements client_golang's Metric.
func (h *histogram) Desc() *client.Desc { return h.desc }

// Write implements client_golang's Metric. It reuses the memory of a histogram in out.
func (h *histogram) Write(out *dto.Metric) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	his := out.Histogram
	if his == nil {
		his = new(dto.Histogram)
	}
	his.SampleCount, his.SampleSum, his.CreatedTimestamp = new(h.count), new(h.sum), timestamppb.New(h.created)
	his.Bucket = slices.Grow(his.Bucket[:0], len(h.bounds)+1)
	cumulative := uint64(0)
	for i, bound := range h.bounds {
		cumulative += h.buckets[i]
		addBucket(his, cumulative, bound, h.exemplars.bucket(i))
	}
	if e := h.exemplars.bucket(len(h.bounds)); e != nil {
		addBucket(his, h.count, math.Inf(1), e)
	}
	if h.native != nil {
		his.PositiveSpan, his.PositiveDelta = his.PositiveSpan[:0], his.PositiveDelta[:0]
		h.native.write(his)
		his.Exemplars = h.exemplars.all()
	}
	out.Label, out.Histogram = h.labels, his
	return nil
}

// addBucket appends a bucket, which may be lying behind the end from an earlier use.
func addBucket(to *dto.Histogram, count uint64, bound float64, e *dto.Exemplar) {
	n := len(to.Bucket)
	if n == cap(to.Bucket) {
		to.Bucket = slices.Grow(to.Bucket, 1)
	}
	to.Bucket = to.Bucket[:n+1]
	if to.Bucket[n] == nil {
		to.Bucket[n] = &dto.Bucket{CumulativeCount: new(uint64), UpperBound: new(float64)}
	}
	b := to.Bucket[n]
	*b.CumulativeCount, *b.UpperBound, b.Exemplar = count, bound, e
}
