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
	"github.com/headway-sidecar/headway/exporter/series"
)

// histograms holds all series of one histogram.
//
// client_golang's own Histogram takes one observation at a time, at some 110 ns each. For
// the three instruments that take every token of a stream, that is more than all other
// work of headway on a chunk. A series.Histogram takes the samples of an exchange at once,
// each with its weight, for a fifth of that. This type exposes the very same message; a
// test holds the two side by side.
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
		one := &histogram{
			desc: desc, labels: client.MakeLabelPairs(desc, values), created: time.Now(),
			exemplars: series.NewExemplars[mark](maxExemplars),
		}
		var bounds []float64
		if now := h.bounds.Load(); now != nil {
			bounds = *now
		}
		var native *series.Exponential
		if form != Classic {
			native = series.NewExponential(fullSchema, in.Zero)
		}
		one.Histogram = series.NewHistogram(bounds, native)
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

	mu               sync.Mutex
	created          time.Time
	series.Histogram // its exponential buckets are nil for a classic histogram
	exemplars        series.Exemplars[mark]
}

// observe implements sink.
func (h *histogram) observe(samples exporter.Samples, m mark) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Exponential != nil {
		h.addNative(samples, m.at)
	} else {
		h.Add(samples)
	}
	if m.trace != "" {
		h.exemplars.Put(&h.Histogram, samples, m)
	}
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
	his.SampleCount, his.SampleSum, his.CreatedTimestamp = new(h.Count), new(h.Sum), timestamppb.New(h.created)
	his.Bucket = slices.Grow(his.Bucket[:0], len(h.Bounds)+1)
	cumulative := uint64(0)
	for i, bound := range h.Bounds {
		cumulative += h.Buckets[i]
		addBucket(his, cumulative, bound, h.exemplars.Bucket(i))
	}
	if e := h.exemplars.Bucket(len(h.Bounds)); e != nil {
		addBucket(his, h.Count, math.Inf(1), e)
	}
	if h.Exponential != nil {
		his.PositiveSpan, his.PositiveDelta = his.PositiveSpan[:0], his.PositiveDelta[:0]
		writeNative(his, h.Exponential)
		his.Exemplars = exemplarsOf(h.exemplars.Recent())
	}
	out.Label, out.Histogram = h.labels, his
	return nil
}

// addBucket appends a bucket, which may be lying behind the end from an earlier use.
func addBucket(to *dto.Histogram, count uint64, bound float64, e *series.Exemplar[mark]) {
	n := len(to.Bucket)
	if n == cap(to.Bucket) {
		to.Bucket = slices.Grow(to.Bucket, 1)
	}
	to.Bucket = to.Bucket[:n+1]
	if to.Bucket[n] == nil {
		to.Bucket[n] = &dto.Bucket{CumulativeCount: new(uint64), UpperBound: new(float64)}
	}
	b := to.Bucket[n]
	*b.CumulativeCount, *b.UpperBound, b.Exemplar = count, bound, exemplarOf(e)
}
